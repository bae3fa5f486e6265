"""Who performs: what is said of a performer before the performance, and the performer at work in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from improv.core import hearing, playing
from improv.core.events import Event, Renewed
from improv.core.harmony import READING, Changes
from improv.core.harmony.ear import Hears
from improv.core.harmony.templates import Templates
from improv.core.heard.harmony import EarSetup, Foresees
from improv.core.improviser import Improviser
from improv.core.line.lessons import Learning
from improv.core.meter import Meter
from improv.core.metres import FOUR, Metres
from improv.core.note_model import CannotSpeakError, NoteModel
from improv.core.settings import Settings
from improv.models.card import ModelError
from improv.models.loader import load_ear, voicings_for
from improv.models.model import State
from improv.perform.deadline import PATIENCE, DeadlinePlayer, Thinker


@dataclass(frozen=True, slots=True)
class Song:
    """What all performers share. text: the changes, as they were written. bars: of a solo, None for no end.

    reading: how changes are read, also those that come while it plays, see `sheet.READING`. hearing: see `core.hearing`.
    playing: see `core.playing`. band: the mode of each who performs, by number, where they are a band, see `core.band.together`.
    """

    changes: Changes | None = None
    text: str | None = None
    metres: Metres = FOUR
    bars: int | None = None
    reading: int = READING
    hearing: int = hearing.NOW
    playing: int = playing.NOW
    band: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PerformerSetup:
    """A performer before it plays. Two with the same setup play the same to the same stamped events.

    settings: at the start. channel: 0-15. hears: the numbers of the performers that it listens to; inputs: those of the
    inputs, None for all. models: those that a setting `model` may change to, by name. learning: what learns, or has learned,
    from the player, and `learns` what the record says of it. state: what it remembers from before; None for nothing.
    harmony: the numbers of the inputs that bring chords alone.
    """

    name: str
    model: NoteModel
    settings: Settings
    seed: int
    model_name: str = ""
    channel: int = 0
    hears: frozenset[int] = frozenset()
    inputs: frozenset[int] | None = None
    models: Mapping[str, NoteModel] = field(default_factory=dict)
    learning: Learning | None = None
    learns: Mapping[str, Any] = field(default_factory=dict)
    state: State | None = None
    harmony: frozenset[int] = frozenset()

    def improviser(self, song: Song, meter: Meter, models: Mapping[str, NoteModel] | None = None) -> Improviser:
        """It, new. meter: the beat before anything is heard. models: those that it may change to, if others may be added later."""
        name = self.model_name or self.model.card["name"]
        try:
            found = Improviser(
                self.model,
                self.settings,
                song.changes,
                meter,
                self.seed,
                song.bars,
                self.channel,
                self.models if models is None else models,
                self.learning,
                voicings_for(self.settings),
                song.reading,
                song.hearing,
                song.playing,
                song.band,
                ear_for(song.hearing, self.harmony),
            )
            if self.state is not None:
                found.restore(self.state)
        except CannotSpeakError as e:  # before its first note
            raise CannotSpeakError(f"model {name} fails: {e}") from None
        return found


def ear_for(by: int, inputs: frozenset[int] = frozenset()) -> EarSetup | None:
    """What hears the harmony. by: the rules of hearing, see `core.hearing`. inputs: those that bring chords alone, by number."""
    if by < hearing.HANDS:
        return None
    return EarSetup(*_ear(), inputs, by)


@lru_cache(maxsize=1)
def _ear() -> tuple[Hears, Foresees | None]:
    """One for all: nothing of it ever changes."""
    try:
        return load_ear()
    except ModelError:  # none comes with this copy of improv
        return Templates(), None


def ear_named() -> str:
    """What the record says of the ear: the beginning of its weights' hash; or that it hears by templates."""
    card = getattr(_ear()[0], "card", None)
    return str(card["weights_sha256"])[:12] if card else "templates"


class PerformerAtWork:
    """A performer in a performance. number: its place in it, from 0. models: may be added to while it plays.

    worker: who thinks for it, and deadline: what plays when that is late; None where nobody waits for it. renewed: is told where
    another model takes over from one that failed.
    """

    def __init__(
        self,
        number: int,
        setup: PerformerSetup,
        song: Song,
        meter: Meter,
        worker: Thinker | None,
        renewed: Callable[[Renewed], None] = lambda event: None,
    ):
        self.number, self.setup, self.name = number, setup, setup.name
        self.model_name = setup.model_name or str(setup.model.card["name"])
        self.models: dict[str, NoteModel] = {self.model_name: setup.model, **setup.models}
        self.improviser = setup.improviser(song, meter, self.models)
        self.worker = worker
        patience = 0.0 if song.band else PATIENCE  # in a band nobody's notes wait for another's thought
        self.deadline = DeadlinePlayer(self.improviser, worker, patience, renewed) if worker else None

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return self.improviser.settings

    @property
    def player(self) -> DeadlinePlayer | Improviser:
        """Who plays for it in the band."""
        return self.deadline or self.improviser

    def relieved(self, event: Event) -> bool:
        """Whether an event that it played was not its model's choice. Is told once."""
        return self.deadline is not None and self.deadline.relieved(event)
