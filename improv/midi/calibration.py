"""What `improv calibrate` measured, kept for the next performance: how many ms early an output must be told of a note.

One small JSON file in the user's configuration folder, by MIDI system and output.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.outside import MissingError, OutsideError, read_json

VERSION = 1
LARGEST = 2**18  # bytes
LONGEST = 2000.0  # ms: no loop that anyone plays through is slower


class CalibrationError(ImprovError):
    """The file can't be read or written, or has no such output."""


def calibration_file() -> Path:
    """Where it is, or would be."""
    import platformdirs

    return Path(platformdirs.user_config_dir("improv")) / "calibration.json"


def stored_advance(api_name: str, output: str) -> float | None:
    """The advance of an output in ms, 0 to 2000; None where it was not calibrated.

    api_name: `alsa`, `jack`, `core`, `winmm`. output: its full name, as `Ports.target` has it. Raises CalibrationError.
    """
    return _read().get(api_name, {}).get(_key(api_name, output))


def store_advance(api_name: str, output: str, ms: float) -> Path:
    """Keep an output's advance, in ms, in place of an earlier one. Returns the file. Raises CalibrationError."""
    outputs = _read()
    outputs.setdefault(api_name, {})[_key(api_name, output)] = ms
    return _write(outputs)


def forget_advance(api_name: str | None, output: str) -> tuple[str, str]:
    """Remove an output's advance, of any MIDI system where api_name is None. output: its name or a part of it.

    Returns its MIDI system and its name. Raises CalibrationError where none or several fit.
    """
    outputs = _read()
    stored = [(api, name) for api, names in outputs.items() if api_name in (None, api) for name in names]
    exact = [(api, name) for api, name in stored if name == _key(api, output)]
    fits = exact or [(api, name) for api, name in stored if output.lower() in name.lower()]
    if len(fits) != 1:
        there = ", ".join(f"{name!r} ({api})" for api, name in fits or stored) or "nothing at all"
        what = "fits several" if fits else "is not calibrated"
        raise CalibrationError(f"output {output!r} {what}; {'choose with --out and --api' if fits else 'stored'}: {there}")
    api, name = fits[0]
    del outputs[api][name]
    _write({a: names for a, names in outputs.items() if names})
    return api, name


def _key(api_name: str, output: str) -> str:
    """An output's name without what changes from start to start: ALSA ends it with numbers of the day."""
    return re.sub(r" \d+:\d+$", "", output) if api_name == "alsa" else output


def _read() -> dict[str, dict[str, float]]:
    path = calibration_file()
    try:
        found: Any = read_json(path, LARGEST)
        if found["calibration"] != VERSION:
            raise ValueError(f"version {found['calibration']!r}, expected {VERSION}")
        outputs = {str(api): {str(name): float(ms) for name, ms in names.items()} for api, names in found["advance_ms"].items()}
        for name, ms in ((name, ms) for names in outputs.values() for name, ms in names.items()):
            if not (math.isfinite(ms) and 0 <= ms <= LONGEST):
                raise ValueError(f"{name}: {ms} ms, expected 0 to {LONGEST:g}")
        return outputs
    except MissingError:
        return {}
    except (OutsideError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as e:
        raise CalibrationError(f"{path}: not a readable calibration ({e}); delete it and run improv calibrate again") from None


def _write(outputs: dict[str, dict[str, float]]) -> Path:
    """The file, whole or as it was."""
    path = calibration_file()
    text = json.dumps({"calibration": VERSION, "advance_ms": outputs}, indent=2, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CalibrationError(f"{path.parent}: {e.strerror}") from None
    atomic_write({path: text.encode()})
    return path
