"""What learns in a performance, what it knew before, and where it is kept. Live, a process of its own learns; else the loop itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from improv.core.events import Event, Learned
from improv.core.line.lessons import Learning
from improv.core.note_model import NoteModel
from improv.learning.inline import Inline, Known
from improv.learning.learner import Profile
from improv.learning.process import LearnerProcess
from improv.learning.profile import ProfileError, profile_beside, profile_path, read_profile, that_learns, write_profile
from improv.models.loader import find_model
from improv.models.model import Model


@dataclass
class LearningSetup:
    """What learns in a jam. before: what was known; name, keep: of the profile, and where it is written; None for nothing."""

    learning: Inline | LearnerProcess | Known
    model: Model
    before: Profile | None
    name: str | None
    keep: Path | None

    @property
    def header(self) -> dict[str, Any]:
        """What a session's header says of it."""
        known = {"profile": self.name, "lessons": self.before.lessons} if self.before else {}
        return {"learns": not isinstance(self.learning, Known)} | known

    def begin(self, put: Callable[[Event], object], now: Callable[[], float], session: Path | None) -> None:
        """From now on versions are heard of. session: its file, beside which goes what was known before."""
        if session and self.before:
            write_profile(profile_beside(session), self.before, self.model)
        if not isinstance(self.learning, Known):

            def told(number: int) -> None:
                put(Learned(now(), number))

            self.learning.told = told

    def end(self) -> str | None:
        """Keep what was learned; the profile's file, if there is one."""
        if isinstance(self.learning, Inline) and self.keep:
            profile = self.learning.close()
            if profile.lessons > (self.before.lessons if self.before else 0):
                write_profile(self.keep, profile, self.model)
        elif isinstance(self.learning, LearnerProcess):
            self.learning.close()
        return str(self.keep) if self.keep and self.keep.exists() else None


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """What was asked for: to learn, to play by a profile of that name, and to begin it anew. live: a player waits for the notes."""

    learn: bool = False
    profile: str | None = None
    forget: bool = False
    live: bool = True


def learning_setup(options: LearningOptions, model: NoteModel, name_of_model: str, profiles: Path) -> LearningSetup | None:
    """What learns by these options; None for nothing. name_of_model: or its folder. profiles: their folder. Raises ProfileError."""
    learn, name, forget = options.learn, options.profile, options.forget
    if forget and not name:
        raise ProfileError("--forget removes a profile; say which with --profile NAME")
    if not learn and not name:
        return None
    model = that_learns(model)
    path = profile_path(profiles, name) if name else None
    if forget and path:
        path.unlink(missing_ok=True)
    before = read_profile(path, model) if path else None
    if not learn:
        if before is None and not forget:
            raise ProfileError(f"profile {name}: there is none yet; --learn makes it")
        return LearningSetup(Known(before), model, before, name, None) if before else None
    if not options.live:
        return LearningSetup(Inline(model, before), model, before, name, path)
    return LearningSetup(LearnerProcess(model, find_model(name_of_model), before, path), model, before, name, path)


def learned_again(session: Path, said: Mapping[str, Any], model: NoteModel) -> Learning | None:
    """What learned, or had learned, in a session, for its replay. said: the performer in its header. Raises ProfileError."""
    if not said.get("learns") and not said.get("profile"):
        return None
    model, before = that_learns(model), None
    if said.get("profile"):
        path = profile_beside(session)
        before = read_profile(path, model)
        if before is None:
            raise ProfileError(f"{path}: what was learned before is not there, so this can't be played again; try --model")
    if said.get("learns"):
        return Inline(model, before)
    return Known(before) if before else None
