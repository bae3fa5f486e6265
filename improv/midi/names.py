"""Which of the ports that are there is the one that was meant. Pure.

Systems rename what is plugged in again: ALSA gives another `24:0`, JACK's bridge to it another `[24]`, JACK itself appends `-01`
to a client's name, others append or prefix a number. A port is found by its full name, by a part of it, and last by what is left
without such numbers. The number that a port has of its own stays: `MIDI 2` is never taken for `MIDI 1`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

Names = Mapping[str, Sequence[str]]  # for a port's name, others that it has: JACK's aliases, its pretty name

_OWN = re.compile(r"^improv(-\d+)?:")
_ALSA = re.compile(r"\s+\d+:(\d+)$")  # client and port
_PORT = re.compile(r"(?:\b|_)(midi|port|in|out|input|output|capture|playback)[ _-]?\d+$")  # the number is the port's own
_NUMBERS = (
    re.compile(r"\s*\[\d+\]"),  # the ALSA client, in the names of JACK's bridges to it
    re.compile(r"^\d+-\s*"),  # Windows: the second of a kind
    re.compile(r"(?<=\S)([ _]\(?|\()\d+\)?$"),  # one more of a name
    re.compile(r"-\d\d$"),  # JACK
)


def stem(name: str) -> str:
    """A name without the numbers that a system may append, client and port each."""
    name = name.strip().lower()
    alsa = _ALSA.search(name)
    parts = []
    for part in (name[: alsa.start()] if alsa else name).split(":"):
        for number in _NUMBERS:
            if not _PORT.search(part):
                part = number.sub("", part.strip())
        parts.append(_NUMBERS[0].sub("", part).strip())
    return ":".join(parts) + (f" #{alsa.group(1)}" if alsa else "")


def _whose(stemmed: str) -> str:
    """A stem without the port's own number: the same for all ports of a device."""
    bare = re.sub(r" #\d+$", "", stemmed)
    return re.sub(r"\d+$", "", bare) if _PORT.search(bare) else bare


def eligible(names: Sequence[str], wanted: str) -> list[str]:
    """The names that may be meant: our own ports' only where they are asked for."""
    return [n for n in names if _OWN.match(wanted) or not _OWN.match(n)]


def fitting(names: Sequence[str], wanted: str, also: Names | None = None) -> list[str]:
    """The names that are `wanted`, or else contain it, or else resemble it but for numbers. also: other names of the ports."""
    return _called(names, wanted, also or {}) or _alike(names, wanted, also or {})


def _called(names: Sequence[str], wanted: str, also: Names) -> list[str]:
    all_of = {n: [n, *also.get(n, ())] for n in names}
    exact = [n for n, called in all_of.items() if wanted in called]
    return exact or [n for n, called in all_of.items() if any(wanted.lower() in c.lower() for c in called)]


def _alike(names: Sequence[str], wanted: str, also: Names) -> list[str]:
    meant = stem(wanted)
    return [n for n in names if meant and any(meant in stem(c) for c in (n, *also.get(n, ())))]


def find(names: Sequence[str], wanted: str, known: str | None = None, taken: Collection[str] = (), also: Names | None = None) -> str | None:
    """The port that is meant, the first if several would do as well; None if it is not there.

    known: the full name that it had. taken: what is in use for others, which is not looked at where names only resemble.
    also: other names of the ports. Our own ports count only where they are asked for.
    """
    if known in names:
        return known
    names = eligible(names, wanted)
    free = [n for n in names if n not in taken]
    if known:
        mine = stem(known)
        named = [n for n in free if stem(n) == mine]
        if named:
            return named[0]
        free = [n for n in free if _whose(stem(n)) != _whose(mine)]  # another port of the same device is another port
        names = [n for n in names if n in free or n in taken]
    found = _called(free, wanted, also or {}) or _called(names, wanted, also or {}) or _alike(free, wanted, also or {})
    return found[0] if found else None
