"""What may be asked for from outside, and how much of it reaches the performance. Pure: no socket and no clock in here.

`read_wish` lets through what is well-formed and within its range, so that the performance is never fed rubbish. What needs
its state to judge (a preset's name, low and high together) it judges itself. `Wishes` is the waiting line towards it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from contextlib import suppress
from typing import Any

from improv.core.errors import ImprovError
from improv.core.settings import SETTINGS, Settings

Request = dict[str, Any]
Reply = dict[str, Any]
Then = Callable[[Reply], None]

# what is asked for: the fields it must have, the fields it can have
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "status": ((), ()),
    "set": (("name", "value"), ("performer",)),
    "model": (("name",), ("performer",)),
    "preset": (("name",), ()),
    "save": (("name",), ()),
    "mood": (("text",), ()),
    "keep": (("name",), ("performer",)),
    "back": (("name",), ("performer",)),
    "learn": (("name",), ("performer",)),
    "unlearn": (("name",), ()),
    "mark": ((), ("text",)),
    "capture": ((), ("bars", "file")),
    "panic": ((), ()),
    "reload": ((), ()),
    "stop": ((), ()),
}
URGENT = ("panic", "stop")
LONGEST = {"name": 64, "text": 256, "file": 4096, "model": 4096}  # characters
BARS = (1, 1000)
RATE, URGENT_RATE = 200.0, 20.0  # wishes a second towards the performance
WAITING = 256  # wishes that wait, at most
_ANY = Settings(low=0, high=127)  # against which one setting alone is judged


class WishError(ImprovError):
    """A wish that is not understood or can't be granted."""


def read_wish(raw: object, performers: Collection[str]) -> Request:
    """The request as the performance gets it: known fields, of the right kinds and ranges. Raises WishError."""
    if not isinstance(raw, dict):
        raise WishError('expected an object, such as {"do": "status"}')
    do = raw.get("do")
    if not isinstance(do, str) or do not in FIELDS:
        raise WishError(f"do {_shown(do)}: expected one of {', '.join(FIELDS)}")
    needed, others = FIELDS[do]
    for name in raw:
        if name not in ("do", *needed, *others):
            raise WishError(f"{do}: unknown field {_shown(name)}; it takes {', '.join(needed + others) or 'none'}")
    for name in needed:
        if raw.get(name) is None:
            raise WishError(f"{do}: {name} is missing")
    wish: Request = {"do": do}
    for name in needed + others:
        if raw.get(name) is not None:
            wish[name] = _field(do, name, raw, performers)
    return wish


def _field(do: str, name: str, raw: Request, performers: Collection[str]) -> Any:
    given = raw[name]
    if name == "value":
        return fitting(raw["name"], given)
    if name == "bars":
        if isinstance(given, bool) or not isinstance(given, int) or not BARS[0] <= given <= BARS[1]:
            raise WishError(f"bars {_shown(given)}: expected a whole number from {BARS[0]} to {BARS[1]}")
        return given
    most = LONGEST["model" if do == "model" and name == "name" else name if name in LONGEST else "name"]
    if not isinstance(given, str) or not given.isprintable() or len(given) > most or (not given.strip() and name != "text"):
        raise WishError(f"{name} {_shown(given)}: expected text of at most {most} characters, in one line")
    if name == "performer" and given not in performers:
        raise WishError(f"no performer {_shown(given)}; there are {', '.join(performers)}")
    if name == "name" and do in ("set", "learn", "unlearn") and given not in SETTINGS:
        raise WishError(f"no setting {_shown(given)}; there are {', '.join(SETTINGS)}")
    if name == "name" and do in ("preset", "save", "keep", "back") and not plain(given):
        raise WishError(f"name {_shown(given)}: expected a name without / and \\, that begins with no dot")
    return given


def plain(name: str) -> bool:
    """Whether a name can't lead out of a folder."""
    return not (set(name) & set("/\\:") or name.startswith("."))


def fitting(name: object, value: object) -> Any:
    """A setting's value as its kind: "0.9" and 0.9 for a number, 60.0 for a whole one. Raises SettingError, WishError."""
    if not isinstance(name, str) or name not in SETTINGS:
        raise WishError(f"no setting {_shown(name)}; there are {', '.join(SETTINGS)}")
    row = SETTINGS[name]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WishError(f"{name} {_shown(value)}: expected a {'word' if row.is_word else 'number'}")
    if isinstance(value, str):
        value = value[:64]
        if not row.is_word:
            with suppress(ValueError):
                value = float(value)
    if not isinstance(value, str) and not abs(value) < 1e9:  # nan too
        value = _shown(value)
    value = row.natural(value)
    _ANY.changed(name, value)
    return value


def _shown(given: object) -> str:
    """Anything, in few and printable characters."""
    text = ascii(given) if isinstance(given, str | int | float | bool | None) else f"of kind {type(given).__name__}"
    return text if len(text) <= 48 else text[:45] + "..."


class Bucket:
    """At most `rate` a second, after a burst of `most`. `now` is in seconds and never goes back."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most = rate, most
        self._left, self._at = most, float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until the next may pass; 0: now."""
        self._left = min(self.most, self._left + max(0.0, now - self._at) * self.rate) if self._at > float("-inf") else self.most
        self._at = max(now, self._at)
        return max(0.0, (1.0 - self._left) / self.rate)

    def passes(self, now: float) -> bool:
        """Whether one may pass, and if so it has."""
        if self.wait(now) > 1e-9:
            return False
        self._left -= 1.0
        return True


class Wishes:
    """The waiting line towards the performance: bounded, no faster than it can bear, the urgent ones first.

    Of several wishes for one setting the latest wins, at the latest's place; all who wished get its reply.
    """

    def __init__(self, rate: float = RATE, most: int = WAITING) -> None:
        self._ordinary, self._hurried = Bucket(rate, 20), Bucket(URGENT_RATE, 5)
        self._waiting: OrderedDict[Hashable, tuple[Request, dict[Hashable, Then]]] = OrderedDict()
        self._urgent: OrderedDict[Hashable, tuple[Request, dict[Hashable, Then]]] = OrderedDict()
        self._most, self._count = most, 0
        self.replaced = self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._urgent)

    def offer(self, wish: Request, who: Hashable, then: Then) -> bool:
        """Wait in line; False: there was no room. who: one of them has one reply a wish. then: takes the reply."""
        self._count += 1
        line = self._urgent if wish["do"] in URGENT else self._waiting
        key = _key(wish) or ("only", self._count)
        waiters: dict[Hashable, Then] = {}
        if key in line:
            self.replaced += 1
            _, waiters = line.pop(key)
        elif len(line) >= self._most:
            self.dropped += 1
            return False
        waiters[who] = then
        line[key] = (wish, waiters)
        return True

    def wait(self, now: float) -> float | None:
        """Seconds until the next one may go; None: there is none."""
        waits = [self._hurried.wait(now)] if self._urgent else []
        waits += [self._ordinary.wait(now)] if self._waiting else []
        return min(waits, default=None)

    def take(self, now: float) -> tuple[Request, list[Then]] | None:
        """The next one, if it may go now."""
        for line, bucket in ((self._urgent, self._hurried), (self._waiting, self._ordinary)):
            if line and bucket.passes(now):
                _, (wish, waiters) = line.popitem(last=False)
                return wish, list(waiters.values())
        return None


def _key(wish: Request) -> Hashable:
    """Wishes with the same key replace each other; None: each counts."""
    if wish["do"] == "set":
        return ("set", wish["name"], wish.get("performer"))
    if wish["do"] == "model":
        return ("model", wish.get("performer"))
    return wish["do"] if wish["do"] in ("panic", "stop", "reload") else None
