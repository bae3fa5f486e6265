"""A lead sheet as MusicXML: its chord symbols bar by bar, repeats and endings, key, metre, tempo. With the standard library alone.

The part that has the chord symbols is read; its notes only say where in the bar a symbol stands. A pick-up bar is left out, since a
chart begins with bar one. Tunes of a transposing part come back at concert pitch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

from improv.charts.form import MOST_BARS, Bar, Jump, in_order
from improv.charts.ireal import in_bars
from improv.charts.moving import key_name, moved
from improv.charts.score_limits import ScoreError
from improv.charts.score_text import text_of
from improv.charts.spelling import Degree, from_musicxml, is_chord
from improv.core.metres import Metre, possible

FINEST = 4  # shares of a beat on which a chord may come
_SIGNS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
_UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_GO_BACK = re.compile(r"\bd\.? ?([cs])\.?", re.I)


class LeadSheet(NamedTuple):
    """changes: in the syntax of `parse_changes`. key: empty where it isn't said. tempo: quarter notes a minute, None where it isn't.

    words: that stand at its beginning, such as its style.
    """

    title: str
    changes: str
    key: str
    metre: Metre
    tempo: float | None
    words: str


def read_lead_sheet(path: Path) -> LeadSheet:
    """Raises ScoreError, OutsideError."""
    root = fromstring(text_of(path))
    measures = max(_parts(root), key=lambda part: sum(1 for m in part for _ in m.iter("harmony")), default=[])
    if not any(True for m in measures for _ in m.iter("harmony")):
        raise ScoreError("no chord symbol in it")
    page = _Staff()
    for measure in measures[:MOST_BARS]:
        page.take(measure)
    bars = in_order(page.bars)
    changes, metre = in_bars(bars)
    title = next((t.strip() for name in ("movement-title", "work/work-title") if (t := root.findtext(name)) and t.strip()), path.stem)
    changes = moved(changes, page.fifths_up) if page.fifths_up else changes
    key = "" if page.key is None else key_name(page.key[0] + page.fifths_up + 3 * page.key[1], page.key[1])
    return LeadSheet(title, changes, key, metre, page.tempo, page.words.strip())


def _parts(root: Element) -> Iterator[list[Element]]:
    """The measures of each part."""
    if root.tag == "score-timewise":
        measures = root.findall("measure")
        for number in range(max((len(m.findall("part")) for m in measures), default=0)):
            yield [part for m in measures for part in m.findall("part")[number : number + 1]]
    else:
        for part in root.findall("part"):
            yield part.findall("measure")


class _Staff:
    """Reads one measure after another. fifths_up: from what is written to what sounds, along the line of fifths."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.key: tuple[int, bool] | None = None
        self.tempo: float | None = None
        self.words = ""
        self.fifths_up = 0
        self._divisions = 1.0
        self._metre: Metre = (4, 4)
        self._last = "NC"

    def take(self, measure: Element) -> None:
        at, length = 0.0, 0.0
        chords: list[tuple[float, str]] = []
        bar = Bar()
        for element in measure:
            if element.tag == "attributes":
                self._attributes(element)
            elif element.tag == "harmony":
                chords.append((max(at + _number(element, "offset") / self._divisions, 0.0), _symbol(element)))
            elif element.tag in ("note", "forward", "backup"):
                if element.find("chord") is None and element.find("grace") is None:
                    at += _number(element, "duration") / self._divisions * (-1 if element.tag == "backup" else 1)
                    length = max(length, at)
            elif element.tag in ("direction", "sound"):
                bar = self._direction(element, bar)
            elif element.tag == "barline":
                bar = _barline(element, bar)
        beats = 4.0 * self._metre[0] / self._metre[1]
        if not self.bars and 0 < length < beats - 1e-6:  # a pick-up
            self._last = chords[-1][1] if chords else self._last
            return
        self.bars.append(bar._replace(chords=self._shares(chords, beats), metre=self._metre))

    def _attributes(self, element: Element) -> None:
        self._divisions = max(_number(element, "divisions", self._divisions), 1e-3)
        if (fifths := element.findtext("key/fifths")) is not None and self.key is None:
            self.key = round(_float(fifths)), (element.findtext("key/mode") or "").strip() == "minor"
        if element.find("time/beats") is not None:
            count = sum(int(n) for n in re.findall(r"\d+", element.findtext("time/beats") or ""))
            metre = count, round(_number(element, "time/beat-type", 4.0))
            self._metre = metre if possible(metre) else self._metre
        if (chromatic := element.findtext("transpose/chromatic")) is not None:
            self.fifths_up = (round(_float(chromatic)) * 7 + 6) % 12 - 6

    def _direction(self, element: Element, bar: Bar) -> Bar:
        words = " ".join(w.text or "" for w in element.iter("words"))
        if not self.bars and len(self.words) < 200:
            self.words = f"{self.words} {words}"[:200]
        sounds = [element] if element.tag == "sound" else element.findall("sound")
        tempo = next((_float(s.get("tempo") or "") for s in sounds if s.get("tempo")), None) or _metronome(element)
        self.tempo = self.tempo or tempo
        for name, sign in (("segno", "S"), ("coda", "Q"), ("fine", "Fine"), ("tocoda", "q")):
            if element.find(f"direction-type/{name}") is not None or any(s.get(name) for s in sounds):
                bar = bar.with_sign(sign)
        back = _GO_BACK.search(words)
        if back or any(s.get("dacapo") or s.get("dalsegno") for s in sounds):
            segno = back[1].lower() == "s" if back else any(s.get("dalsegno") for s in sounds)
            until = next((word for word in ("fine", "coda") if word in words.lower()), "")
            bar = bar._replace(jump=Jump(segno, until))
        if mark := (element.findtext("direction-type/rehearsal") or "").strip():
            bar = bar._replace(mark=mark)
        return bar

    def _shares(self, chords: list[tuple[float, str]], beats: float) -> tuple[str, ...]:
        """A bar's chords in even shares of it."""
        places = [(round(at * FINEST), symbol) for at, symbol in chords if at < beats - 0.5 / FINEST]
        whole = round(beats * FINEST)
        if not places or places[0][0] > 0:
            places.insert(0, (0, self._last))
        self._last = places[-1][1]
        share = math.gcd(whole, *(at for at, _ in places))
        cells = ["/"] * (whole // share)
        for at, symbol in places:
            cells[at // share] = symbol
        return tuple(cells)


def _barline(element: Element, bar: Bar) -> Bar:
    repeat, ending = element.find("repeat"), element.find("ending")
    if repeat is not None:
        bar = bar.with_sign("{" if repeat.get("direction") == "forward" else "}")
        bar = bar._replace(times=round(_float(repeat.get("times") or "0")))
    if ending is not None and ending.get("type") == "start":
        bar = bar._replace(endings=frozenset(int(n) for n in re.findall(r"\d{1,3}", ending.get("number") or "")))
    for name, sign in (("segno", "S"), ("coda", "Q")):
        bar = bar.with_sign(sign) if element.find(name) is not None else bar
    return bar


def _symbol(element: Element) -> str:
    """A chord symbol as a lead sheet writes it: the truest that can be read."""
    kind = element.find("kind")
    word, text = ("", "") if kind is None else ((kind.text or "").strip(), kind.get("text") or "")
    root = _note(element, "root")
    if word == "none" or root is None:
        return "NC"
    degrees = [
        Degree((d.findtext("degree-type") or "").strip(), round(_number(d, "degree-value")), round(_number(d, "degree-alter")))
        for d in element.findall("degree")
    ]
    bass = _note(element, "bass")
    below = f"/{bass}" if bass is not None and bass != root else ""
    symbols = [s + below for s in from_musicxml(root, word, text, degrees)]
    return next(filter(is_chord, symbols), "NC")


def _note(element: Element, name: str) -> str | None:
    step = (element.findtext(f"{name}/{name}-step") or "").strip()
    alter = round(_number(element, f"{name}/{name}-alter"))
    return step + _SIGNS[alter] if step in ("C", "D", "E", "F", "G", "A", "B") and alter in _SIGNS else None


def _metronome(element: Element) -> float | None:
    metronome = element.find("direction-type/metronome")
    if metronome is None or metronome.find("per-minute") is None:
        return None
    unit = _UNITS.get((metronome.findtext("beat-unit") or "").strip(), 1.0)
    return _number(metronome, "per-minute") * unit * (1.5 if metronome.find("beat-unit-dot") is not None else 1.0) or None


def _number(element: Element, path: str, default: float = 0.0) -> float:
    return _float(element.findtext(path) or "", default)


def _float(text: str, default: float = 0.0) -> float:
    try:
        found = float(text)
    except ValueError:
        return default
    return found if math.isfinite(found) else default
