"""Every setting of an improviser, one row each: a field of `Settings`. Options, improv.toml, OSC, ctl and bindings read the rows.

Settings are values: `changed` gives a new one. They arrive as `Setting` events, wherever the request came from.
A new setting is one row here, and the code that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from improv.core import beats, modes
from improv.core.band.styles import STYLES
from improv.core.errors import ImprovError
from improv.core.harmony.symbols import pitch_of
from improv.core.meter import FASTEST, SLOWEST
from improv.core.vocabulary import FEELS

# By name, what each does.
MODES = {name: row.help for name, row in modes.MODES.items()}
CLOCKS = {name: row.help for name, row in beats.CLOCKS.items()}
ENTRIES = {"beat": "on the next beat", "bar": "on the next bar", "now": "at once"}
SUSTAIN = 64  # the pedal's controller
DRUMS = 10  # the channel of a click, or of a count-in, where no other is said
AT_ONCE, NEXT_BAR = "at once", "next bar"  # when a setting that changes takes effect
PERFORMER, PERFORMANCE = "performer", "performance"  # whose it is: each performer has its own, or all share one
GROUPS = {
    "music": "what it plays",
    "time": "when it plays",
    "line": "how it plays its line",
    "chords": "how it plays chords",
    "band": "how the band plays",
}
AUTO = "auto"
PLAYED = {AUTO: "as the feel and the tempo ask for"} | {name: style.about for name, style in STYLES.items()}
FEATURES = {
    "none": "all play for who leads",
    "bass": "a bass solo",
    "drums": "a drum solo",
    "fours": "four bars of whoever leads and four of the drums, in turn",
}
PITCH = "pitch"  # the unit of MIDI pitches, which have names, too
PLAY = "play"  # a Setting event of this name is no setting: who waits plays from now on
SECOND_TAKE = "second take"  # nor of this: another phrase is to be heard
PERIOD = "grain"  # a Setting event of this name is no user's: the MIDI system's period in ms, once at the start of a performance


class SettingError(ImprovError):
    """An unknown setting, or a value outside its range."""


@dataclass(frozen=True)
class SettingRow:
    """What there is to know of a setting. limits: lowest and highest; or, of words, the choices.

    when: AT_ONCE or NEXT_BAR. whose: PERFORMER or PERFORMANCE. group: a key of GROUPS. alone: whether `improv solo`
    takes it, with no player to hear. meanings: of choices, what each does, where that is told. unit: of a number, where it has one.
    """

    name: str
    default: Any
    limits: tuple[Any, ...]
    help: str
    group: str
    when: str
    whose: str
    alone: bool
    meanings: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    @cached_property
    def is_word(self) -> bool:
        """Whether it is one of some words; it is a number otherwise."""
        return isinstance(self.default, str)

    @cached_property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return isinstance(self.default, int)

    @property
    def takes(self) -> str:
        """What values it takes, in words."""
        if self.is_word:
            return f"one of {', '.join(self.limits)}"
        named = ", or a note such as C3" if self.unit == PITCH else ""
        return f"{'a whole number ' if self.is_whole else ''}from {self.limits[0]:g} to {self.limits[1]:g}{named}"

    def natural(self, value: Any) -> Any:
        """A number as the setting's kind: 60.0 as 60 for a whole one, 1 as 1.0 for another; a note's name as its pitch. All else stays
        as it is."""
        if self.unit == PITCH and isinstance(value, str) and (pitch := pitch_of(value)) is not None:
            return pitch
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if self.is_whole:
            return int(value) if isinstance(value, float) and value.is_integer() else value
        return value if self.is_word else float(value)

    def check(self, value: Any) -> None:
        """Raises SettingError where the setting does not take the value."""
        if self.is_word:
            good = value in self.limits
        else:
            kinds = (int,) if self.is_whole else (int, float)
            good = not isinstance(value, bool) and isinstance(value, kinds) and self.limits[0] <= value <= self.limits[1]
        if not good:
            raise SettingError(f"{self.name} {value!r}: expected {self.takes}")


def _row(
    default: Any,
    limits: tuple[Any, ...] | Mapping[str, str],
    help: str,
    group: str,
    *,
    when: str = AT_ONCE,
    whose: str = PERFORMER,
    alone: bool = True,
    unit: str = "",
) -> Any:
    """A field of Settings with its row. limits: a mapping has the choices and what each means, which `help` says first."""
    meanings: Mapping[str, str] = {}
    if isinstance(limits, Mapping):
        meanings = limits
        told = "; ".join(f"{word}: {text}" for word, text in limits.items())
        limits, help = tuple(limits), f"{help}{told}"
    row = {"default": default, "limits": limits, "help": help, "group": group, "when": when, "whose": whose, "alone": alone}
    return field(default=default, metadata=row | {"meanings": meanings, "unit": unit})


@dataclass(frozen=True, slots=True)
class Settings:
    """One value for each row."""

    mode: str = _row("trade", MODES, "", "music", when=NEXT_BAR, alone=False)
    clock: str = _row("internal", CLOCKS, "", "time", whose=PERFORMANCE, alone=False)
    tempo: float = _row(
        120.0,
        (SLOWEST, FASTEST),
        "quarter notes a minute; with an outside clock, the tempo it begins with",
        "time",
        whose=PERFORMANCE,
        unit="bpm",
    )
    count_in: int = _row(0, (0, 8), "bars that are clicked before bar one", "time", whose=PERFORMANCE, alone=False, unit="bars")
    click: int = _row(
        0, (0, 16), "MIDI channel of the metronome; 0: no click, and 10 for a count-in", "time", whose=PERFORMANCE, alone=False
    )
    trade: int = _row(
        0,
        (0, 32),
        "bars to trade, from bar one and you first: 4 for fours; 0: you take turns by the phrase",
        "music",
        alone=False,
        unit="bars",
    )
    # 1.1 by `improv eval --improvise`: intervals, phrases and rests nearest to real solos
    temperature: float = _row(1.1, (0.05, 3.0), "how adventurous the pitches are: below 1 safer, above 1 wilder", "line")
    rhythm_temperature: float = _row(1.0, (0.05, 3.0), "how adventurous the rhythm is: below 1 safer, above 1 wilder", "line")
    density: float = _row(0.0, (-2.0, 2.0), "how many notes: above 0 more, below 0 fewer, 0 as the model has learned", "line")
    # by scripts/measure_outside.py
    outside: float = _row(0.0, (-1.0, 1.0), "how far from chord and scale pitches go: -1 inside, 1 far out, 0 as the model does", "line")
    top_p: float = _row(
        1.0, (0.05, 1.0), "share of probability that it draws from, the likeliest pitches and lengths first: 1 takes them all", "line"
    )
    # 1 foretells best; by `improv eval --listening`, 1.5 answers as real soloists do
    recall: float = _row(1.5, (0.0, 3.0), "how much it takes up what was played before in this performance: 0 not at all", "line")
    quote: float = _row(
        0.5,
        (0.0, 1.0),
        "how long it may quote the solos that it learned from: 0 no figure of nine notes, 0.5 as soloists quote one another, 1 any length",
        "line",
    )
    learned: float = _row(1.0, (0.0, 1.0), "how much it plays by what it has learned of you: 0 not at all, 1 fully", "line", alone=False)
    low: int = _row(50, (0, 127), "lowest MIDI pitch it plays; 60 is middle C, C4", "line", unit=PITCH)
    high: int = _row(84, (0, 127), "highest MIDI pitch it plays", "line", unit=PITCH)
    enter: str = _row("beat", ENTRIES, "when an answer starts. ", "time", alone=False)
    feel: str = _row("swing", FEELS, "swing, straight, or any: as the music suggests", "line")
    loudness: int = _row(0, (-64, 64), "added to every velocity: above 0 louder, below 0 softer", "line")
    interval: int = _row(
        0, (-24, 24), "echo: semitones from your note to its echo; 0: to a chord tone below", "chords", alone=False, unit="semitones"
    )
    # by scripts/compare_voicings.py
    voicing: str = _row("rules", ("rules", "learned"), "comp: chords by rules, or as learned from pianists' hands", "chords", alone=False)
    split: int = _row(
        0,
        (0, 127),
        "lowest note of your line: below it you play chords; 0: told apart by how they are played",
        "chords",
        alone=False,
        unit=PITCH,
    )
    harmony_channel: int = _row(
        0, (0, 16), "MIDI channel from which only chords are heard, as a DAW's chord track; 0: none", "chords", alone=False
    )
    accents: float = _row(1.0, (0.0, 2.0), "how much louder accented notes are: 0 all alike, 1 as you accent yours", "line")
    surprise: int = _row(
        0,
        (0, 118),
        "MIDI controller that tells how surprising each of its notes is, and the next one each of yours, for lights or a filter; 0: none",
        "line",
    )
    # what a manner sets, see `mood.manners`; amounts by scripts/learn_soloists.py
    leaps: float = _row(0.0, (-1.0, 1.0), "how wide its intervals are: -1 mostly steps, 1 wide leaps, 0 as the model does", "line")
    legato: float = _row(0.0, (-1.0, 1.0), "how long its notes sound: below 0 shorter, above 0 longer, 0 as the model has learned", "line")
    rests: float = _row(0.0, (-1.0, 1.0), "how often it rests: above 0 short phrases that leave room, below 0 long lines", "line")
    register: float = _row(0.0, (-1.0, 1.0), "where in its range it plays: -1 low, 1 high, 0 as the model does", "line")
    behind: float = _row(0.0, (-60.0, 60.0), "how far behind the beat it plays: below 0 ahead of it", "line", unit="ms")

    style: str = _row(AUTO, PLAYED, "what bass, drums and comping play. ", "band", whose=PERFORMANCE)
    feature: str = _row("none", FEATURES, "whose turn it is, from the next section on. ", "band", whose=PERFORMANCE, alone=False)
    level: float = _row(1.0, (0.0, 1.5), "the fader: times as loud as it plays, 0 silent", "band", alone=False)

    def __post_init__(self) -> None:
        for name, row in SETTINGS.items():
            row.check(getattr(self, name))
        if self.surprise in (SUSTAIN - 1, SUSTAIN):
            raise SettingError(
                f"surprise {self.surprise}: it would move the sustain pedal ({SUSTAIN}); take another controller, such as 20"
            )
        if self.high - self.low < 11:
            raise SettingError(f"low {self.low} and high {self.high}: the range must span an octave")

    def changed(self, name: str, value: Any) -> Settings:
        """The settings with one changed. Raises SettingError."""
        row_of(name)
        return replace(self, **{name: value})

    def taken(self, name: str, value: Any) -> Settings:
        """As `changed`; but where the value does not fit the others (a range below an octave, from two sides), nothing changes."""
        try:
            return self.changed(name, value)
        except SettingError:
            return self


SETTINGS: dict[str, SettingRow] = {f.name: SettingRow(f.name, **f.metadata) for f in fields(Settings)}
SHARED = tuple(row.name for row in SETTINGS.values() if row.whose == PERFORMANCE)  # settings that all performers share
OWN = tuple(row.name for row in SETTINGS.values() if row.whose == PERFORMER)
# What waits for the next bar line: such settings, and what a Setting event can change beside settings.
ADDRESSED = frozenset({"mode", "model", "low", "high"})  # what changes who accompanies in a band only if that one is meant by name
BY_THE_BAR = frozenset({row.name for row in SETTINGS.values() if row.when == NEXT_BAR} | {"model", "changes"})


def row_of(name: object) -> SettingRow:
    """The row of a setting. Raises SettingError where there is none of that name."""
    row = SETTINGS.get(name) if isinstance(name, str) else None
    if row is None:
        raise SettingError(f"no setting {name!r}; there are {', '.join(SETTINGS)}")
    return row
