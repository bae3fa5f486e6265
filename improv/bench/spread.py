"""What all that is measured has in common: how it is spread, and the changes that are played over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from improv.core.harmony import parse_changes

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")
SPREAD = ("p50_us", "p99_us", "p999_us", "max_us")


def spread(times: Sequence[float]) -> dict[str, Any]:
    """How microseconds are spread: SPREAD, and n."""
    values = np.percentile(times, [50, 99, 99.9, 100])
    return {name: round(float(v), 2) for name, v in zip(SPREAD, values, strict=True)} | {"n": len(times)}
