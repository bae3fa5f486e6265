"""What `improv jam` shows while it plays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from improv.core.band.together import PARTS
from improv.core.events import Event, NoteOff, NoteOn, Setting
from improv.core.harmony import Changes, parse_chord
from improv.core.harmony.spelling import Key
from improv.core.heard.told import ToldHarmony
from improv.core.meter import Meter
from improv.core.observer import MODEL_FAILED, Observer
from improv.core.settings import PERIOD
from improv.render.lines import NEAREST, line


class Screen(Observer):
    """Words on the terminal: news on standard output where it `talks`, warnings on standard error always."""

    def __init__(self, talks: bool, greets: bool):
        self._talks, self._greets = talks, greets

    def began(self, priority: str) -> None:
        if self._greets:
            print(f"real-time priority: {priority}", flush=True)

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        if warning:
            print(f"improv: {text}", file=sys.stderr, flush=True)
        elif self._talks:
            try:
                print(f"{'':15}{text}", flush=True)
            except OSError:  # the terminal is gone; nobody looks
                self._talks = False

    def closed(self, event: NoteOff) -> None:
        print(f"improv: note {event.pitch} sounded longer than it may, and was closed", file=sys.stderr)

    def ended(self, end: Mapping[str, Any]) -> None:
        if end["reason"] == MODEL_FAILED:
            print(f"improv: {end['error']}; what it played until then is kept", file=sys.stderr)
        elif "error" in end:
            print(f"improv: internal error, all notes closed: {end['error']} (IMPROV_DEBUG=1 shows where)", file=sys.stderr)
        elif str(end["reason"]).startswith("port"):
            print(f"improv: MIDI {end['reason']} vanished; all notes closed", file=sys.stderr)


def symbols_of(instrument: str) -> Callable[[str], str]:
    """A chord's symbol as the player of an instrument reads it, one of `charts.moving.INSTRUMENTS`."""
    if instrument == "C":
        return str
    from improv.charts.moving import written

    return lambda symbol: written(symbol, instrument)


def as_read(changes: Changes | None, instrument: str) -> Changes | None:
    """Changes as the player of an instrument reads them, one of `charts.moving.INSTRUMENTS`."""
    if changes is None or instrument == "C":
        return changes
    reads = symbols_of(instrument)
    return Changes(changes.starts, [parse_chord(reads(str(c))) for c in changes.chords], changes.length, again=changes.again)


def shower(
    meter: Callable[[], Meter],
    changes: Changes | None,
    heard: Callable[[], ToldHarmony | None] = lambda: None,
    key: Callable[[], Key | None] = lambda: None,
    band: Sequence[str] = (),
    reads: Callable[[str], str] = str,
) -> Callable[[str, Event], None]:
    """What prints a line for each note, heard or played. meter: says where the beat is now; heard: what is heard of the harmony, where
    there are no changes; key: that of the moment, in which notes are spelled; band: the mode of each who performs: of a band, only who
    leads is shown. reads: the symbol of a chord that is heard as the player reads it."""
    quiet = {number for number, mode in enumerate(band) if mode in PARTS and number}

    def show(side: str, event: Event) -> None:
        if side == "played" and isinstance(event, NoteOn) and event.part in quiet:
            return
        told, now = heard(), meter()
        beat = now.beat(event.time) + NEAREST
        chord = None if told is None else told.chord_at(now.bar_of(beat), now.within_bar(beat))
        text = None if isinstance(event, Setting) and event.name == PERIOD else line(side, event, now, changes, chord, key(), reads)
        if text:
            print(text, flush=True)

    return show
