"""What the two ends of the control pipe tell each other as a line of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def line_of(told: Mapping[str, Any]) -> bytes:
    """The line. Raises TypeError, ValueError where JSON has no words for it."""
    try:
        text = json.dumps(told, allow_nan=False, default=_number)
    except ValueError:  # a figure of which there is none yet
        text = json.dumps(_finite(told), allow_nan=False, default=_number)
    return text.encode() + b"\n"


def _number(value: Any) -> object:
    """NumPy's numbers as Python's. Raises TypeError."""
    if not hasattr(value, "item"):
        raise TypeError(f"a {type(value).__name__}")
    return value.item()


def _finite(value: object) -> object:
    """With None for all that is not a number or is without an end."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
