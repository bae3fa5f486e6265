"""A title for a session, drawn with its seed. No session waits or fails for want of one."""

from __future__ import annotations

import numpy as np

from improv.titles.load import load_texts
from improv.titles.titles import Titles

NAME = "titles"  # of the model
STREAM = 0x717E  # so that it takes nothing from the notes' draws


def load_titles(name: str = NAME) -> Titles:
    """Raises ImprovError."""
    return Titles(*load_texts(name))


def titled(seed: int, name: str = NAME) -> dict[str, str]:
    """{"title": ...} for a session's header, the same for a seed; empty where there is no model, or it is broken."""
    try:
        title = load_titles(name).draw(np.random.default_rng([STREAM, seed]))
    except Exception:  # whatever it is: the music begins
        return {}
    return {"title": title} if title else {}
