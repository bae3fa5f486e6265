"""Charts exported from iReal Pro: irealb:// and irealbook:// links, alone or in the HTML file that it writes.

The second is documented by its makers (the custom chord chart protocol); the first carries the same signs,
shuffled in blocks of fifty characters behind a fixed prefix. The one library for it on PyPI (pyRealParser,
MIT) has seen no release since its first and reads only one of the two.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

from improv.charts.form import Bar, Jump, in_order
from improv.core.metres import Metre, possible

_LINK = re.compile(r"(irealb|irealbook)://([^\"\n]+)")  # an apostrophe may be in a title
_PREFIX = "1r34LbKcu7"
_IS_KEY = re.compile(r"[A-G][b#]?-?$")
_SIGN = re.compile(
    r"(?P<text><[^>]*>)|(?P<skip>\([^)]*\)|Y+|END|[Ulfs,])|(?P<time>T\d\d)|(?P<section>\*[A-Za-z])|(?P<blank> )"
    r"|(?P<bar>[|\[\]{}Z])|N(?P<ending>\d)|(?P<mark>[SQ])|(?P<again>[xr])|(?P<hold>[pW])(?P<bass>/[A-G][b#]?)?|(?P<none>n)"
    r"|(?P<chord>[A-G][b#]?(?:\*[^*|\[\]{}Z,\s]*\*|(?:sus|alt|add|maj|dim|aug|[-^+oh0-9b#m])*)(?:/[A-G][b#]?)?)"
)
_JUMP = re.compile(r"d\.? ?(?P<to>[cs])\.?(?: al (?:(?P<until>fine|coda)|(?P<ending>\d)(?:st|nd|rd|th) end).*)?$")
_BAND = re.compile(r"(?:solo )?break|stop[ -]time")
_CELLS = {"T22": 4, "T24": 2, "T34": 3, "T44": 4, "T54": 5, "T64": 6, "T74": 7}  # cells to a bar, one a beat; of others any number
_LONG = {"T12": (12, 8)}  # metres that two figures don't write
EMPTY = 3  # cells without a chord that are a bar, and no gap on the page


def is_chart(text: str) -> bool:
    """Whether a text holds a chart of iReal Pro."""
    return _LINK.search(text) is not None


class IrealSong(NamedTuple):
    """A song of a playlist as it is exported. tempo: quarter notes a minute, None where it doesn't say."""

    title: str
    style: str
    key: str
    tempo: float | None
    signs: str


def bars_of(text: str, title: str) -> str:
    """The changes of one song, in the syntax of `parse_changes`: the one of that title, else the first."""
    songs = songs_of(text)
    wanted = _plain(title)
    return changes_of(next((song.signs for song in songs if _plain(song.title) == wanted), songs[0].signs if songs else ""))[0]


def changes_of(signs: str, marked: bool = False) -> tuple[str, Metre]:
    """A song's changes, in the syntax of `parse_changes`, and the first metre that is written. marked: with its sections, `[A]`."""
    bars = in_order(written(signs))
    return in_bars(bars if marked else [bar._replace(mark="") for bar in bars])


def in_bars(bars: Sequence[Bar]) -> tuple[str, Metre]:
    """Bars as changes, in the syntax of `parse_changes`, and the first metre that is written."""
    metres = [bar.metre or (4, 4) for bar in bars]
    # One metre throughout is that of whoever plays it.
    told = [m if len(set(metres)) > 1 and (i == 0 or m != metres[i - 1]) else None for i, m in enumerate(metres)]
    marks = [f"[{bar.mark}]" if re.fullmatch(r"[A-Za-z][^\]|\n]{0,30}", bar.mark) else "" for bar in bars]
    words = [
        " ".join(filter(None, [mark, f"{m[0]}/{m[1]}" if m else "", *bar.chords])) for bar, m, mark in zip(bars, told, marks, strict=True)
    ]
    return "| " + " | ".join(words) + " |", next((bar.metre for bar in bars if bar.metre), (4, 4))


def songs_of(text: str) -> list[IrealSong]:
    """The songs of all links in a text, in their order."""
    return [song for protocol, body in _LINK.findall(html.unescape(text)) for song in _songs(protocol, urllib.parse.unquote(body))]


def _songs(protocol: str, body: str) -> list[IrealSong]:
    """The songs of a link: title, composer, (nothing,) style, key, a number, signs, and in the first form style and tempo to play in."""
    found = []
    if protocol == "irealb":
        for fields in (song.split("=") for song in body.split("===")):
            at = next((i for i, f in enumerate(fields) if f.startswith(_PREFIX)), None)
            if at is not None:
                key = next((f for f in fields[at - 1 : 0 : -1] if _IS_KEY.match(f)), "")
                style = fields[at - 3] if at >= 4 else ""
                tempo = next((float(f) for f in fields[at + 2 : at + 3] if f.isdecimal() and int(f)), None)
                found.append(IrealSong(fields[0], style, key, tempo, unshuffled(fields[at].removeprefix(_PREFIX))))
        return found
    fields = body.split("=")  # six to a song
    return [IrealSong(fields[i], fields[i + 2], fields[i + 3], None, fields[i + 5]) for i in range(0, len(fields) - 5, 6)]


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
    return _Page().read(signs)


class _Page:
    """Reads one sign after another: the bar that is being written, and those before it."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.cells: list[str | None] = []  # a chord begins there, or not
        self.time = "T44"  # as it was last written
        self.beats: int | None = 4
        self.metre: Metre | None = None
        self.last = "NC"
        self.opened = self.owed = False  # a bar line stood before; a two-bar repeat has yet to fill the next bar
        self.broken = False  # the latest bar is a break, which lasts for one
        self.bar = Bar()

    def read(self, signs: str) -> list[Bar]:
        for found in _SIGN.finditer(signs):
            sign = found[0]
            if found["bar"]:
                self._line(sign)
            elif found["text"]:
                self._text(re.sub(r"^\*\d\d", "", sign[1:-1]).strip().lower())
            elif found["time"]:
                self.time = sign
                if not any(self.cells):  # else it is the next bar's
                    self._take_time()
            elif found["section"]:
                self.bar = self.bar.with_sign("[")._replace(mark=sign[1:].upper())
            elif found["ending"]:
                self.bar = self.bar._replace(endings=self.bar.endings | ({int(found["ending"])} - {0}))
            elif found["mark"]:
                self.bar = self.bar.with_sign("q" if sign == "Q" and any(self.cells) else sign)
            elif found["again"]:
                self._again(1 if sign == "x" else 2)
            elif found["blank"]:
                self.cells.append(None)
            elif not found["skip"]:
                self._chord(found)
        self._close()
        return self.bars

    def _take_time(self) -> None:
        metre = _LONG.get(self.time, (int(self.time[1]), int(self.time[2])))
        self.beats, self.metre = _CELLS.get(self.time), metre if possible(metre) else None

    def _chord(self, found: re.Match[str]) -> None:
        if found["none"]:
            self.last = "NC"
        elif found["chord"]:
            self.last = found[0].replace("*", "")  # a quality of the user's own stands between asterisks
        elif found["bass"] and self.last != "NC":
            self.last = self.last.partition("/")[0] + found["bass"]
        self.cells.append(self.last)

    def _again(self, count: int) -> None:
        """The last bar again, or the last two."""
        if len(self.bars) >= count:
            first, second = self.bars[-count], self.bars[-1]
            if count == 2:
                self.bars.append(self.bar._replace(chords=first.chords, metre=self.metre))
                self.bar = Bar()
                self.owed = True
            self.bar = self.bar._replace(chords=second.chords)

    def _line(self, sign: str) -> None:
        blank = len(self.cells) >= EMPTY and not any(self.cells) and not self.bar.chords
        if blank and self.opened and self.bars and sign not in "[{" and not self.owed:
            self.cells[0] = self.last
        owed = self.owed and bool(self.bar.chords)
        if not self._close() and sign in "]}Z" and self.bars:  # what was said of a bar that never came is the last one's
            self.bars[-1] = self.bars[-1]._replace(jump=self.bar.jump or self.bars[-1].jump)
            self.bar = Bar()
        self.owed = owed
        if sign in "[{":
            self.bar = self.bar.with_sign(sign)
        elif sign in "]}Z" and self.bars:
            self.bars[-1] = self.bars[-1].with_sign("}" if sign == "}" else "]")
        self.opened = sign not in "]}Z"

    def _close(self) -> bool:
        """The bar ends, if it has chords."""
        chords = self.bar.chords or _shared(self.cells, self.beats, self.bars[-1].sounds if self.bars else "NC")
        self.cells = []
        if chords:
            self.bars.append(self.bar._replace(chords=chords, metre=self.metre))
            self.bar, self.broken = Bar(mark="play" if self.broken else ""), False
        self._take_time()
        return bool(chords)

    def _text(self, text: str) -> None:
        jump, times = _JUMP.match(text), re.fullmatch(r"(\d{1,2}) ?x", text)
        here = self.opened or not self.bars or bool(times)  # else it stands behind the bar that it means
        bar = self.bar if here else self.bars[-1]
        if jump:
            until = int(jump["ending"]) if jump["ending"] else jump["until"] or ""
            bar = bar._replace(jump=Jump(jump["to"] == "s", until))
        elif times:
            bar = bar._replace(times=int(times[1]))
        elif text == "fine":
            bar = bar.with_sign("Fine")
        elif band := _BAND.fullmatch(text):
            bar = bar._replace(mark=band[0])
            self.broken = "break" in text
        if here:
            self.bar = bar
        else:
            self.bars[-1] = bar


def _shared(cells: list[str | None], beats: int | None, before: str) -> tuple[str, ...]:
    """A bar's chords with even shares of it, `/` where one goes on: each stands on the beat of its cell.

    before: the chord that sounds until the first one.
    """
    places = [i for i, chord in enumerate(cells) if chord]
    if not places:
        return ()
    if len(places) == 1 and places[0] <= 1:  # a blank before it is a space
        return (str(cells[places[0]]),)
    if beats is not None and beats % len(cells) and (len(cells) < beats or places[-1] < beats):
        cells = (cells + [None] * beats)[:beats]
    return tuple(chord or (before if i == 0 else "/") for i, chord in enumerate(cells))


def _plain(title: str) -> str:
    return re.sub(r"\W|_", "", title).lower()
