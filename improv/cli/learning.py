"""`--learn`, `--profile`, `--forget` of `improv jam`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what learns is loaded as it is asked for
    from improv.core.note_model import NoteModel
    from improv.learning.setup import LearningSetup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("learning from you")
    group.add_argument("--learn", action="store_true", help="learn from you while you play; the model stays as it is")
    group.add_argument("--profile", metavar="NAME", help="play by what was learned under this name; with --learn, go on learning there")
    group.add_argument("--forget", action="store_true", help="with --profile: remove what is kept there, and begin anew")


def profiles_folder() -> Path:
    """Where profiles are."""
    from improv.cli.sessions import default_folder

    return default_folder().parent / "profiles"


def schooling_of(args: argparse.Namespace, model: NoteModel) -> LearningSetup | None:
    """What the arguments of a jam ask for; of a solo, nothing. Raises ProfileError."""
    if not hasattr(args, "learn"):
        return None
    from improv.learning.setup import LearningOptions, learning_setup

    options = LearningOptions(args.learn, args.profile, args.forget, live=not args.fast)
    return learning_setup(options, model, args.model, profiles_folder())
