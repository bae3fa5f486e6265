"""What a host's project keeps of the engine beside the parameters: the changes, the model if it is none of the parameter's, the name.

A project may be anybody's: what is read is checked, and what makes no sense is left out and told.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace

from improv.core.errors import ImprovError
from improv.core.harmony import parse_changes, wanted

LONGEST = 16384  # characters of the changes
NAME = 40


class WishError(ImprovError):
    """A wish that no engine grants."""


@dataclass(frozen=True, slots=True)
class Project:
    """changes: a text, as --changes takes it. model: a name that overrules the parameter. name: of the performer, for people."""

    changes: str = ""
    model: str = ""
    name: str = "improv"

    def text(self) -> str:
        return json.dumps({"improv": 1} | asdict(self))

    def wished(self, wish: dict[str, object]) -> Project:
        """With what a wish names changed. Raises WishError, HarmonyError."""
        unknown = set(wish) - {f.name for f in fields(self)}
        if unknown:
            raise WishError(f"no {', '.join(sorted(unknown))}; there are changes, model, name")
        for name, value in wish.items():
            most = LONGEST if name == "changes" else NAME
            if not isinstance(value, str) or len(value) > most:
                raise WishError(f"{name}: expected a text of at most {most} characters")
        if "/" in str(wish.get("model", "")) or "\\" in str(wish.get("model", "")):
            raise WishError("model: expected the name of a model that is installed, not a folder")
        if "changes" in wish:
            wish = wish | {"changes": wanted(str(wish["changes"])) or ""}
        if wish.get("changes"):
            parse_changes(str(wish["changes"]))
        return replace(self, **wish)  # type: ignore[arg-type]


def read_project(text: str) -> tuple[Project, str]:
    """The project's text, and what was wrong with it, "" for nothing."""
    if not text:
        return Project(), ""
    try:
        said = json.loads(text)
        if not isinstance(said, dict):
            raise WishError("no JSON object")
        wish = {name: said[name] for name in ("changes", "model", "name") if name in said}
        return Project().wished(wish), ""
    except (ValueError, TypeError, RecursionError, ImprovError) as e:
        return Project(), f"what the project keeps can't be read ({e})"
