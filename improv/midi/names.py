"""Which of the ports that are there is the one that was meant. Pure.

Systems rename what is plugged in again: ALSA gives another `24:0`, JACK appends `-01` to a client's name, others append or
prefix a number. A port is found by its full name, by a part of it, and last by what is left without such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_OWN = re.compile(r"^improv(-\d+)?:")
_NUMBERS = (
    re.compile(r"\s+\d+:\d+$"),  # ALSA: client and port
    re.compile(r"^\d+-\s*"),  # Windows: the second of a kind
    re.compile(r"(?<=\S)([ _]\(?|\()\d+\)?$"),  # one more of a name
    re.compile(r"-\d\d$"),  # JACK
)


def stem(name: str) -> str:
    """A name without the numbers that a system may append, client and port each."""
    name = _NUMBERS[0].sub("", name.strip().lower())
    parts = []
    for part in name.split(":"):
        for number in _NUMBERS[1:]:
            part = number.sub("", part.strip())
        parts.append(part.strip())
    return ":".join(parts)


def fitting(names: Sequence[str], wanted: str) -> list[str]:
    """The names that are `wanted`, or else contain it."""
    return [n for n in names if n == wanted] or [n for n in names if wanted.lower() in n.lower()]


def find(names: Sequence[str], wanted: str, known: str | None = None, taken: Collection[str] = ()) -> str | None:
    """The port that is meant, the first if several would do as well; None if it is not there.

    known: the full name that it had. taken: what is in use for others, which is not looked at where names only resemble.
    Our own ports count only where they are asked for.
    """
    if known in names:
        return known
    if not _OWN.match(wanted):
        names = [n for n in names if not _OWN.match(n)]
    free = [n for n in names if n not in taken]
    if known:
        named = [n for n in free if stem(n) == stem(known)]
        if named:
            return named[0]
    found = fitting(free, wanted) or fitting(names, wanted)
    if not found:
        meant = stem(wanted)
        found = [n for n in free if meant and (stem(n) == meant or meant in stem(n))]
    return found[0] if found else None
