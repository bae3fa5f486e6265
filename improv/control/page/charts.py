"""Changes as the page draws them: chords with their tones, and the symbols of each bar. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from improv.control.page.parts import Chart, ChartChord, Tone
from improv.core.harmony import Changes, HarmonyError, parse_changes, taken_for, wanted
from improv.core.metres import Metres

NO_CHART = Chart("", 0.0, 4.0, (), ())
MOST_BARS = 2000  # that are told
GOES_ON = "%"
NEAR = 1e-6  # beats


def chart_of(told: Mapping[str, Any] | None, bar: float) -> Chart:
    """Of changes as `page_end.told_changes` tells them."""
    if not told:
        return NO_CHART
    chords = tuple(ChartChord(p, symbol, tuple(tones), tuple(scale), root) for p, symbol, root, tones, scale in told["chords"])
    lines = tuple((float(at), int(count)) for at, count in told["lines"])
    return Chart(told["text"], told["length"], bar, chords, bars_of(chords, told["length"], bar, lines), told["loops"], lines=lines)


def checked(text: str, metres: Metres) -> Chart:
    """Of changes as they are typed, over a song's metres. Raises HarmonyError, with its position."""
    if wanted(text) is None:
        return NO_CHART
    changes, bar = parse_changes(text, metres), metres.first.bar
    if changes.metres:
        raise HarmonyError("changes that say their metre must be there from the start", 0)
    if metres.bars(changes.length) > MOST_BARS:
        raise HarmonyError(f"changes: more than {MOST_BARS:,} bars", 0)
    chords, lines = chords_of(changes), lines_of(metres, changes.length)
    bars = bars_of(chords, changes.length, bar, lines)
    return Chart(text, changes.length, bar, chords, bars, changes.loop, taken_for(changes) or "", lines)


def lines_of(metres: Metres, length: float) -> tuple[tuple[float, int], ...]:
    """Where each bar of changes begins and how many beats it counts; empty where all are alike."""
    if len(metres.changes) == 1:
        return ()
    lines: list[tuple[float, int]] = []
    while len(lines) < MOST_BARS and (at := metres.line(len(lines))) < length - NEAR:
        lines.append((at, metres.at(at).metre[0]))
    return tuple(lines)


def chords_of(changes: Changes) -> tuple[ChartChord, ...]:
    return tuple(
        ChartChord(start, str(c), tuple(sorted(c.tones)), tuple(sorted(c.scale)), c.root)
        for start, c in zip(changes.starts, changes.chords, strict=True)
    )


def bars_of(
    chords: Sequence[ChartChord], length: float, bar: float, lines: Sequence[tuple[float, int]] = ()
) -> tuple[tuple[str, ...], ...]:
    """The symbols of each bar; where the chord of before goes on over the bar line, it begins with GOES_ON. lines: as of a Chart."""
    begins = [at for at, _ in lines] or [i * bar for i in range(min(round(length / bar), MOST_BARS))]
    bars: list[list[str]] = [[] for _ in begins]
    for chord in chords:
        if chord.position >= length - NEAR:
            break
        at = bisect_right(begins, chord.position + NEAR) - 1
        if not bars[at] and chord.position > begins[at] + NEAR:
            bars[at].append(GOES_ON)
        bars[at].append(chord.symbol)
    return tuple(tuple(symbols) or (GOES_ON,) for symbols in bars)


def chord_at(chart: Chart, position: float) -> ChartChord | None:
    """The chord that sounds at a place in the song; None where there is none."""
    if not chart.chords:
        return None
    within = position % chart.length if chart.loops else position
    found = None
    for chord in chart.chords:
        if chord.position > within + 1e-9:
            break
        found = chord
    return found


def tone_of(pitch: int, chord: ChartChord | None) -> Tone | None:
    """What a pitch is to a chord; None where there is no chord."""
    if chord is None or chord.root is None:
        return None
    return "chord" if pitch % 12 in chord.tones else "scale" if pitch % 12 in chord.scale else "outside"
