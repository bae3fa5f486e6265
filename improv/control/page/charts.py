"""Changes as the page draws them: chords with their tones, and the symbols of each bar. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from improv.control.page.parts import Chart, ChartChord, Tone
from improv.core.harmony import Changes, HarmonyError, parse_changes, taken_for, wanted
from improv.core.metres import Metres

NO_CHART = Chart("", 0.0, 4.0, (), ())
MOST_BARS = 2000  # that are told
GOES_ON = "%"


def chart_of(told: Mapping[str, Any] | None, bar: float) -> Chart:
    """Of changes as `page_end.told_changes` tells them."""
    if not told:
        return NO_CHART
    chords = tuple(ChartChord(p, symbol, tuple(tones), tuple(scale), root) for p, symbol, root, tones, scale in told["chords"])
    return Chart(told["text"], told["length"], bar, chords, bars_of(chords, told["length"], bar), told["loops"])


def checked(text: str, metres: Metres) -> Chart:
    """Of changes as they are typed, over a song's metres. Raises HarmonyError, with its position."""
    if wanted(text) is None:
        return NO_CHART
    changes, bar = parse_changes(text, metres), metres.first.bar
    if changes.metres:
        raise HarmonyError("changes that say their metre must be there from the start", 0)
    if changes.length / bar > MOST_BARS:
        raise HarmonyError(f"changes: more than {MOST_BARS:,} bars", 0)
    chords = chords_of(changes)
    return Chart(text, changes.length, bar, chords, bars_of(chords, changes.length, bar), changes.loop, taken_for(changes) or "")


def chords_of(changes: Changes) -> tuple[ChartChord, ...]:
    return tuple(
        ChartChord(start, str(c), tuple(sorted(c.tones)), tuple(sorted(c.scale)), c.root)
        for start, c in zip(changes.starts, changes.chords, strict=True)
    )


def bars_of(chords: Sequence[ChartChord], length: float, bar: float) -> tuple[tuple[str, ...], ...]:
    """The symbols of each bar; where the chord of before goes on over the bar line, it begins with GOES_ON."""
    count = min(round(length / bar), MOST_BARS)
    bars: list[list[str]] = [[] for _ in range(count)]
    for chord in chords:
        at = int(chord.position / bar + 1e-6)
        if at >= count:
            break
        if not bars[at] and chord.position > at * bar + 1e-6:
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
