"""What may be asked for from outside, and how much of it reaches the performance. Pure: no socket and no clock in here.

`read_request` lets through what is well-formed and within its range, by the rows of `commands`, so that the performance is never
fed rubbish. What needs its state to judge (a preset's name, low and high together) it judges itself. `RequestQueue` is the waiting
line towards it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from contextlib import suppress
from typing import Any

from improv.control.commands import (
    BARS,
    CHANGES,
    COMMANDS,
    CTL,
    FILE,
    MODEL,
    NAME,
    PAGE,
    PERFORMER,
    SETTING,
    TEXT,
    VALUE,
    Request,
    by_way,
    expanded,
)
from improv.core.errors import ImprovError
from improv.core.settings import SETTINGS, Settings

Reply = dict[str, Any]
Then = Callable[[Reply], None]

LONGEST = {TEXT: 256, FILE: 4096, MODEL: 4096, CHANGES: 20_000}  # characters; of other texts, NAMES
NAMES = 64
MOST_BARS = 1000
RATE, URGENT_RATE = 200.0, 20.0  # requests a second towards the performance
SLOW = 40  # others that a slow one counts for: five a second
WAITING = 256  # requests that wait, at most
_ANY = Settings(low=0, high=127)  # against which one setting alone is judged


class RequestError(ImprovError):
    """A request that is not understood or can't be granted."""


def read_request(raw: object, performers: Collection[str], way: str = CTL) -> Request:
    """The request as the performance gets it: known fields, of the right kinds and ranges. way: by which it came.

    By a page files are not named, and models by their names alone. Raises RequestError, SettingError.
    """
    if not isinstance(raw, dict):
        raise RequestError('expected an object, such as {"do": "status"}')
    said = expanded(raw)
    do = said.get("do")
    row = COMMANDS.get(do) if isinstance(do, str) else None
    if row is None or way not in row.ways:
        raise RequestError(f"do {shown(raw.get('do'))}: expected one of {', '.join(row.name for row in by_way(way))}")
    fields = {f.name: f for f in row.fields if f.kind != FILE or way != PAGE}
    for name in said:
        if name != "do" and name not in fields:
            raise RequestError(f"{row.name}: unknown field {shown(name)}; it takes {', '.join(fields) or 'none'}")
    request: Request = {"do": row.name}
    for name, field in fields.items():
        if said.get(name) is not None:
            request[name] = _field(name, field.kind, said, performers)
            if way == PAGE and field.kind == MODEL and not plain(request[name]):
                raise RequestError(f"model {shown(request[name])}: here a model is chosen by its name, not by a path")
        elif field.needed:
            raise RequestError(f"{row.name}: {name} is missing")
    return request


def _field(name: str, kind: str, said: Request, performers: Collection[str]) -> Any:
    given = said[name]
    if kind == VALUE:
        return fitting(said.get("name"), given)
    if kind == BARS:
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_BARS:
            raise RequestError(f"{name} {shown(given)}: expected a whole number from 1 to {MOST_BARS}")
        return given
    most = LONGEST.get(kind, NAMES)
    if kind == CHANGES and isinstance(given, str):
        given = "\n".join(line.rstrip() for line in given.expandtabs(1).splitlines())
    printable = isinstance(given, str) and (given.replace("\n", "") if kind == CHANGES else given).isprintable()
    if not isinstance(given, str) or not printable or len(given) > most or (not given.strip() and kind not in (TEXT, CHANGES)):
        raise RequestError(f"{name} {shown(given)}: expected text of at most {most} characters, in one line")
    if kind == PERFORMER and given not in performers:
        raise RequestError(f"no performer {shown(given)}; there are {', '.join(performers)}")
    if kind == SETTING and given not in SETTINGS:
        raise RequestError(f"no setting {shown(given)}; there are {', '.join(SETTINGS)}")
    if kind == NAME and not plain(given):
        raise RequestError(f"name {shown(given)}: expected a name without / and \\, that begins with no dot")
    return given


def plain(name: str) -> bool:
    """Whether a name can't lead out of a folder."""
    return not (set(name) & set("/\\:") or name.startswith("."))


def fitting(name: object, value: object) -> Any:
    """A setting's value as its kind: "0.9" and 0.9 for a number, 60.0 for a whole one. Raises SettingError, RequestError."""
    if not isinstance(name, str) or name not in SETTINGS:
        raise RequestError(f"no setting {shown(name)}; there are {', '.join(SETTINGS)}")
    row = SETTINGS[name]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RequestError(f"{name} {shown(value)}: expected a {'word' if row.is_word else 'number'}")
    if isinstance(value, str):
        value = value[:64]
        if not row.is_word:
            with suppress(ValueError):
                value = float(value)
    if not isinstance(value, str) and not abs(value) < 1e9:  # nan too
        value = shown(value)
    value = row.natural(value)
    _ANY.changed(name, value)
    return value


def shown(given: object) -> str:
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

    def passes(self, now: float, count: int = 1) -> bool:
        """Whether one may pass, and if so it has. count: for how many it counts; those after it wait the longer."""
        if self.wait(now) > 1e-9:
            return False
        self._left -= count
        return True


class RequestQueue:
    """The waiting line towards the performance: bounded, no faster than it can bear, the urgent ones first.

    Of several requests for one setting the latest wins, at the latest's place; all who asked get its reply.
    """

    def __init__(self, rate: float = RATE, most: int = WAITING) -> None:
        self._ordinary, self._hurried = Bucket(rate, 20), Bucket(URGENT_RATE, 5)
        self._waiting: OrderedDict[Hashable, tuple[Request, dict[Hashable, Then]]] = OrderedDict()
        self._urgent: OrderedDict[Hashable, tuple[Request, dict[Hashable, Then]]] = OrderedDict()
        self._most, self._count = most, 0
        self.replaced = self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._urgent)

    def offer(self, request: Request, who: Hashable, then: Then) -> bool:
        """Wait in line; False: there was no room. who: one of them has one reply a request. then: takes the reply."""
        self._count += 1
        row = COMMANDS[request["do"]]
        line = self._urgent if row.urgent else self._waiting
        key = (row.name, self._count) if row.alike is None else (row.name, *(request.get(name) for name in row.alike), None)
        waiters: dict[Hashable, Then] = {}
        if key in line:
            self.replaced += 1
            _, waiters = line.pop(key)
        elif len(line) >= self._most:
            self.dropped += 1
            return False
        waiters[who] = then
        line[key] = (request, waiters)
        return True

    def wait(self, now: float) -> float | None:
        """Seconds until the next one may go; None: there is none."""
        waits = [self._hurried.wait(now)] if self._urgent else []
        waits += [self._ordinary.wait(now)] if self._waiting else []
        return min(waits, default=None)

    def take(self, now: float) -> tuple[Request, list[Then]] | None:
        """The next one, if it may go now."""
        for line, bucket in ((self._urgent, self._hurried), (self._waiting, self._ordinary)):
            if line and bucket.passes(now, SLOW if COMMANDS[next(iter(line.values()))[0]["do"]].slow else 1):
                _, (request, waiters) = line.popitem(last=False)
                return request, list(waiters.values())
        return None
