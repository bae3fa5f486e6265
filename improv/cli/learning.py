"""`--learn`, `--profile`, `--forget`: what learns from the player in a jam, and what is kept of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from improv.cli.sessions import default_folder
from improv.core.events import Event, Learned
from improv.core.line.lessons import Learning
from improv.core.note_model import NoteModel
from improv.learning.inline import Inline, Known
from improv.learning.learner import Profile
from improv.learning.process import LearnerProcess
from improv.learning.profile import ProfileError, profile_beside, profile_path, read_profile, that_learns, write_profile
from improv.models.loader import find_model
from improv.models.model import Model
from improv.session import SessionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("learning from you")
    group.add_argument("--learn", action="store_true", help="learn from you while you play; the model stays as it is")
    group.add_argument("--profile", metavar="NAME", help="play by what was learned under this name; with --learn, go on learning there")
    group.add_argument("--forget", action="store_true", help="with --profile: remove what is kept there, and begin anew")


def profiles_folder() -> Path:
    """Where profiles are."""
    return default_folder().parent / "profiles"


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


def schooling_of(args: argparse.Namespace, model: NoteModel) -> LearningSetup | None:
    """What the arguments of a jam ask for. Raises ProfileError."""
    learn, name, forget = (getattr(args, what, None) for what in ("learn", "profile", "forget"))
    if forget and not name:
        raise ProfileError("--forget removes a profile; say which with --profile NAME")
    if not learn and not name:
        return None
    model = that_learns(model)
    path = profile_path(profiles_folder(), name) if name else None
    if forget and path:
        path.unlink(missing_ok=True)
    before = read_profile(path, model) if path else None
    if not learn:
        if before is None and not forget:
            raise ProfileError(f"profile {name}: there is none yet; --learn makes it")
        return LearningSetup(Known(before), model, before, name, None) if before else None
    if args.fast:
        return LearningSetup(Inline(model, before), model, before, name, path)
    return LearningSetup(LearnerProcess(model, find_model(args.model), before, path), model, before, name, path)


def learned_again(session: Path, said: Mapping[str, Any], model: NoteModel) -> Learning | None:
    """What learned, or had learned, in a session, for its replay. said: the performer in its header. Raises SessionError."""
    if not said.get("learns") and not said.get("profile"):
        return None
    model, before = that_learns(model), None
    if said.get("profile"):
        path = profile_beside(session)
        before = read_profile(path, model)
        if before is None:
            raise SessionError(f"{path}: what was learned before is not there, so this can't be played again; try --model")
    if said.get("learns"):
        return Inline(model, before)
    return Known(before) if before else None
