"""What each member of a band knows of the others: who plays how much, the one dynamic that follows from it, and what is done in a bar.

Each member keeps its own, from what it heard, so nothing is shared between threads; all hear the same of the player and of the
soloist, and so come to the same. The dynamic follows the density, the loudness and the register of who leads, with a memory of
some bars; it comes down where improv takes over from the player.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from improv.core.band.around import around
from improv.core.band.bar import BandBar, ChordsOfBar, Doing
from improv.core.band.ending import ENDING, Ending
from improv.core.band.form import Form, chords_between, form_of
from improv.core.band.styles import STYLES, Style, style_of
from improv.core.events import NoteOff, NoteOn, Setting
from improv.core.harmony import Changes, Chord
from improv.core.meter import Meter
from improv.core.metres import Metres
from improv.core.settings import AUTO, FEATURES, Settings

PARTS = ("bass", "drums", "comp")  # modes that accompany; who plays in another one leads
RANGES = {"bass": (28, 60), "drums": (0, 127), "comp": (48, 76)}  # lowest and highest pitch of each part
KEPT = 96  # notes
USUAL, QUIET = 0.5, 0.36  # the dynamic at the start, and what it goes to where nobody leads
MEMORY = 0.35  # of a bar's share in the dynamic: half of it is from the last two
DOWN = 0.14  # by how much it comes down where improv takes over from the player
SOFTLY = 0.22  # the dynamic under a bass solo
PATIENT = 32  # bars after the last note of somebody who leads, after which the band rests
FOUR = 4
HELD_FROM = 0.5  # beats into the last bar, from which on who leads strikes nothing more


@dataclass(slots=True)
class LedNote:
    """A note of who leads. beat, length: in beats, infinity while it sounds."""

    beat: float
    length: float
    pitch: int
    velocity: int
    improv: bool


@dataclass(frozen=True, slots=True)
class Here:
    """The song at the moment: the beat, the changes, what is held where there are none, and the settings."""

    meter: Meter
    changes: Changes | None
    chord: Chord
    settings: Settings


@dataclass
class PlayingTogether:
    """plays: the mode of each performer at the start, by its number. bars: how many are played, None for no end."""

    plays: Sequence[str] = ()
    bars: int | None = None
    bass: int | None = None  # the pitch that the bass played last
    dynamic: float = USUAL
    notes: deque[LedNote] = field(default_factory=lambda: deque(maxlen=KEPT))
    _open: dict[tuple[int, int, int], LedNote] = field(default_factory=dict)
    _formed: tuple[Changes | None, Metres] | None = None
    _form: Form = field(default_factory=Form)
    _ending: Ending = field(default_factory=lambda: Ending(Form()))
    _features: list[tuple[int, str]] = field(default_factory=list)  # (from which bar on, what)
    _line: float = -math.inf  # the bar line of the dynamic
    _before: tuple[float, bool] = (USUAL, False)  # of the bar before: the dynamic, and whether improv led

    # Heard

    def heard(self, event: NoteOn | NoteOff, beat: float) -> None:
        """Somebody plays."""
        number = -1 - event.part
        mode = self.plays[number] if 0 <= number < len(self.plays) else ""
        if mode in PARTS:
            if mode == "bass" and isinstance(event, NoteOn):
                self.bass = event.pitch
            return
        key = event.part, event.channel, event.pitch
        if (known := self._open.pop(key, None)) is not None:
            known.length = beat - known.beat
        if isinstance(event, NoteOn):
            note = self._open[key] = LedNote(beat, math.inf, event.pitch, event.velocity, event.part < 0)
            self.notes.append(note)

    @property
    def sounding(self) -> list[int]:
        """The pitches of who leads that sound."""
        return [note.pitch for note in self._open.values()]

    def set(self, setting: Setting, here: Here, beat: float) -> bool:
        """Somebody asks for an end, or for a feature. Returns whether that is all of a setting."""
        if setting.name == ENDING:
            self._ending.ask(self.form(here), here.meter, beat)
        elif setting.name == "feature" and setting.value in FEATURES:
            bar = here.meter.bar_of(beat)
            place = self.form(here).place(bar)
            self._features = [*self._features[-7:], (bar - place.of_section + place.section, str(setting.value))]
        return setting.name == ENDING

    def begin(self, here: Here) -> None:
        """The beat begins to run."""
        self._features = [(0, here.settings.feature)]
        self._ending.begin(self.form(here))

    # Asked

    def form(self, here: Here) -> Form:
        """As the changes of the moment have it."""
        of = here.changes, here.meter.metres
        if self._formed is None or self._formed[0] is not of[0] or self._formed[1] is not of[1]:
            first = self._formed is None
            self._formed, self._form = of, form_of(*of)
            if first:
                self._ending = Ending(self._form, self.bars)
        return self._form

    def last_bar(self, here: Here) -> int | None:
        """The bar of the last chord, if an end is in sight."""
        self.form(here)
        return self._ending.at

    def bar(self, part: str, line: float, here: Here) -> BandBar | None:
        """The bar that begins on a beat, for a part of PARTS; None once it is over."""
        meter, settings, form = here.meter, here.settings, self.form(here)
        beats = meter.bar_at(line)
        doing = self._doing(part, line, here)
        if doing is None:
            return None
        self._follow(line, beats)
        number = meter.bar_of(line)
        place = form.place(max(number, 0))
        chords: ChordsOfBar = ((0.0, here.chord),)
        coming = chords
        if here.changes is not None:
            chords = chords_between(here.changes, meter.position(line), beats)
            coming = chords_between(here.changes, meter.position(line) + beats, meter.bar_at(line + beats))
        if doing is Doing.END:
            chords, coming = chords[:1], ()
        left = math.ceil(-meter.position(line) / beats - 1e-6) if doing is Doing.COUNT else 1
        softly = self._feature(number) == "bass" and part != "bass"
        return BandBar(
            chords,
            coming,
            beats,
            meter.metres.at(meter.position(line)).metre,
            meter.tempo,
            style(settings),
            doing,
            *place,
            left,
            SOFTLY if softly else self.dynamic,
            around([(n.beat, min(n.length, line - n.beat), n.pitch, n.velocity) for n in self.notes], line, beats),
        )

    def others_turn(self, beat: float, here: Here) -> bool:
        """Whether who leads is silent at a beat: bass or drums have a solo, or the band has struck its last chord."""
        number = here.meter.bar_of(beat)
        last = self.last_bar(here)
        if last is not None and number >= last:
            return number > last or here.meter.within_bar(beat) > HELD_FROM
        feature = self._feature(number)
        return feature in ("bass", "drums") or (feature == "fours" and self._drums_four(number))

    def _doing(self, part: str, line: float, here: Here) -> Doing | None:
        """None: the band is over."""
        number = here.meter.bar_of(line)
        if here.meter.position(line) < -1e-6:
            return Doing.COUNT if part == "drums" else Doing.REST
        last = self.last_bar(here)
        if last is not None and number >= last:
            return Doing.END if number == last else None
        said = self.form(here).said(number)
        if said is not Doing.PLAY:
            return said
        feature = self._feature(number)
        if feature == "bass":
            return {"bass": Doing.SOLO, "comp": Doing.REST}.get(part, Doing.PLAY)
        if feature == "drums" or (feature == "fours" and self._drums_four(number)):
            return Doing.SOLO if part == "drums" else Doing.REST
        waited = line - (self.notes[-1].beat if self.notes else line)
        return Doing.REST if waited > PATIENT * here.meter.bar_at(line) else Doing.PLAY

    def _feature(self, bar: int) -> str:
        return next((what for since, what in reversed(self._features) if since <= bar), "none")

    def _drums_four(self, bar: int) -> bool:
        since = next((since for since, _ in reversed(self._features) if since <= bar), 0)
        return (bar - since) // FOUR % 2 == 1

    def _follow(self, line: float, beats: float) -> None:
        """The dynamic of the bar that begins on a beat, from the bar before. Asked again for a bar, it begins from the same."""
        if line > self._line + 1e-6:
            self._before = self.dynamic, self._improv_leads(self._line, self._line + beats)
            self._line = line
        before, led = self._before
        lately = [n for n in self.notes if line - beats <= n.beat < line]
        self.dynamic = before + MEMORY * (_wanted(lately, beats) - before)
        if lately and lately[-1].improv and not led and any(not n.improv for n in self.notes):
            self.dynamic = max(self.dynamic - DOWN, 0.0)

    def _improv_leads(self, since: float, until: float) -> bool:
        last = next((n for n in reversed(self.notes) if n.beat < until), None)
        return last is not None and last.improv


def _wanted(notes: Sequence[LedNote], beats: float) -> float:
    """The dynamic that a bar's notes ask for."""
    if not notes:
        return QUIET
    density, loud = len(notes) / beats, sum(n.velocity for n in notes) / len(notes)
    register = sum(n.pitch for n in notes) / len(notes)
    asked = 0.18 * _limited((density - 1.5) / 1.5) + 0.25 * _limited((loud - 80) / 30) + 0.08 * _limited((register - 67) / 12)
    return USUAL + asked


def _limited(x: float) -> float:
    return max(-1.0, min(1.0, x))


def style(settings: Settings) -> Style:
    """The style that is played: as set, or as the feel and the tempo ask for."""
    if settings.style != AUTO:
        return STYLES[settings.style]
    return style_of("", settings.feel, settings.tempo)
