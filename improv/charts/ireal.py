"""Charts exported from iReal Pro: irealb:// and irealbook:// links, alone or in the HTML file that it writes.

The second is documented by its makers (the custom chord chart protocol); the first carries the same signs,
shuffled in blocks of fifty characters behind a fixed prefix. The one library for it on PyPI (pyRealParser,
MIT) has seen no release since its first and reads only one of the two.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from typing import NamedTuple

_LINK = re.compile(r"(irealb|irealbook)://([^\"\n]+)")  # an apostrophe may be in a title
_PREFIX = "1r34LbKcu7"
_SIGN = re.compile(
    r"(?P<skip><[^>]*>|\([^)]*\)|\*\w|T\d\d|Y+|[Ulfs,]|END)"
    r"|(?P<bar>[|\[\]{}Z])|N(?P<ending>\d)|(?P<mark>[SQ])|(?P<again>[xr])|(?P<hold>[pW](?:/[A-G][b#]?)?)|(?P<none>n)"
    r"|(?P<chord>[A-G][b#]?(?:sus|alt|add|maj|dim|aug|[-^+oh0-9b#m])*(?:/[A-G][b#]?)?)"
)


class Bar(NamedTuple):
    """One written bar: its chords, and the signs at it: `{` and `}` repeats, `S`, `Q`, a digit for an ending."""

    chords: tuple[str, ...]
    signs: frozenset[str]


def is_chart(text: str) -> bool:
    """Whether a text holds a chart of iReal Pro."""
    return _LINK.search(text) is not None


def bars_of(text: str, title: str) -> str:
    """The changes of one song, in the syntax of `parse_changes`: the one of that title, else the first."""
    songs = [song for protocol, body in _LINK.findall(html.unescape(text)) for song in _songs(protocol, urllib.parse.unquote(body))]
    wanted = _plain(title)
    signs = next((signs for name, signs in songs if _plain(name) == wanted), songs[0][1] if songs else "")
    return "| " + " | ".join(" ".join(bar) for bar in unrolled(written(signs))) + " |"


def _songs(protocol: str, body: str) -> list[tuple[str, str]]:
    """(title, signs) of each song of a link."""
    if protocol == "irealb":
        songs = [song.split("=") for song in body.split("===")]
        found = [(fields[0], next((f for f in fields if f.startswith(_PREFIX)), None)) for fields in songs]
        return [(name, unshuffled(signs.removeprefix(_PREFIX))) for name, signs in found if signs]
    fields = body.split("=")  # six to a song
    return [(fields[i], fields[i + 5]) for i in range(0, len(fields) - 5, 6)]


def unshuffled(signs: str) -> str:
    """The signs in their order, and without the three abbreviations. Shuffling is its own inverse."""
    out = ""
    while len(signs) > 50:
        block, signs = signs[:50], signs[50:]
        out += block if len(signs) < 2 else shuffled(block)
    out += signs
    return out.replace("XyQ", "   ").replace("LZ", " |").replace("Kcl", "| x")


def shuffled(block: str) -> str:
    """A block of fifty with the characters 0 to 4 and 10 to 23 exchanged with their mirror images."""
    characters = list(block)
    for i in (*range(5), *range(10, 24)):
        characters[i], characters[49 - i] = block[49 - i], block[i]
    return "".join(characters)


def written(signs: str) -> list[Bar]:
    """The bars as they are written, one- and two-bar repeat signs resolved."""
    bars: list[Bar] = []
    chords: list[str] = []
    marks: set[str] = set()
    last = "NC"

    def close() -> None:
        if chords:
            bars.append(Bar(tuple(chords), frozenset(marks)))
            chords.clear()
            marks.clear()

    for found in _SIGN.finditer(signs):
        kind, sign = found.lastgroup, found[0]
        if kind == "bar":
            close()
            if sign == "{":
                marks.add(sign)
            elif sign == "}" and bars:
                bars[-1] = bars[-1]._replace(signs=bars[-1].signs | {sign})
        elif kind in ("ending", "mark"):
            marks.add(found[kind])
        elif kind == "again":
            count = 1 if sign == "x" else 2
            if len(bars) >= count:
                repeated = [bar.chords for bar in bars[-count:]]
                for one in repeated[:-1]:
                    bars.append(Bar(one, frozenset(marks)))
                    marks.clear()
                chords[:] = repeated[-1]
        elif kind in ("hold", "none", "chord"):
            last = {"hold": last, "none": "NC"}.get(kind, sign)
            chords.append(last)
    close()
    return bars


def unrolled(bars: list[Bar]) -> list[tuple[str, ...]]:
    """The chords of each bar as played: repeats with their endings, and the jump to the coda, once."""
    played: list[Bar] = []
    start = 0
    body: list[Bar] = []  # what is repeated before a second ending
    i = 0
    while i < len(bars):
        bar = bars[i]
        if "{" in bar.signs:
            start = i
        if endings_of([bar]) - {"1"}:
            played += body
        played.append(bar)
        if "}" in bar.signs:
            section = bars[start : i + 1]
            first = next((k for k, b in enumerate(section) if "1" in b.signs), None)
            if first is not None:
                body = section[:first]
            elif not endings_of(section):
                played += section
            start = i + 1
        i += 1
    codas = [k for k, bar in enumerate(played) if "Q" in bar.signs]
    if len(codas) == 2:
        segno = next((k for k, bar in enumerate(played) if "S" in bar.signs), 0)
        if segno < codas[0]:
            played = played[: codas[1]] + played[segno : codas[0]] + played[codas[1] :]
    return [bar.chords for bar in played]


def endings_of(bars: list[Bar]) -> set[str]:
    """The numbers of the endings that begin in some bars."""
    return {sign for bar in bars for sign in bar.signs if sign.isdigit()}


def _plain(title: str) -> str:
    return re.sub(r"\W|_", "", title).lower()
