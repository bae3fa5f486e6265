"""A take as sound, with no synth at hand: a MIDI file rendered to WAV.

midirenderer (a SoundFont synthesiser with wheels for the common machines) plays the SoundFont that IMPROV_SOUNDFONT names; or
FluidR3 GM (F. Wen, MIT licence), where the system has it (Debian's fluid-soundfont-gm, 148 MB: its chords and horns stand out more);
or the small one that comes with pretty_midi. Where midirenderer has no wheel, pretty_midi's own additive synthesis plays.
"""

from __future__ import annotations

import importlib.util
import io
import os
import wave
from pathlib import Path
from typing import Any

from improv.core.errors import ImprovError

NAMED = "IMPROV_SOUNDFONT"  # the environment variable that names a file
INSTALLED = ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/soundfonts/FluidR3_GM.sf2")
RATE = 44_100  # of pretty_midi's sound; midirenderer's file says its own


class SoundError(ImprovError):
    """The sound can't be made or written."""


def render(midi: str | Path, out: str | Path) -> str:
    """Render a MIDI file to a 16-bit WAV, at a good level. Returns which synthesiser played."""
    import numpy as np

    if importlib.util.find_spec("midirenderer"):
        played_by = "midirenderer"
        samples, rate = _with_soundfont(Path(midi))
    else:
        import pretty_midi

        played_by, rate = "pretty_midi", RATE
        samples = pretty_midi.PrettyMIDI(str(midi)).synthesize(fs=rate)[:, None]
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    if peak == 0.0:
        raise SoundError(f"{midi}: nothing sounds in it")
    scaled = (samples * (0.8 * 32767 / peak)).astype("<i2")
    try:
        with wave.open(str(out), "wb") as file:
            file.setnchannels(scaled.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(scaled.tobytes())
    except OSError as e:
        raise SoundError(f"{out}: {e.strerror}") from None
    return played_by


def _with_soundfont(midi: Path) -> tuple[Any, int]:
    import midirenderer
    import numpy as np

    font = soundfont()
    try:
        played = midirenderer.render_wave_from(font.read_bytes(), midi.read_bytes())
    except (OSError, ValueError, RuntimeError) as e:
        raise SoundError(f"{font}: not a SoundFont that can be played ({e})") from None
    with wave.open(io.BytesIO(played)) as file:
        shape = (-1, file.getnchannels())
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(shape).astype(float), file.getframerate()


def soundfont() -> Path:
    """The SoundFont that plays."""
    if said := os.environ.get(NAMED):
        return Path(said)
    package = importlib.util.find_spec("pretty_midi")
    assert package
    assert package.submodule_search_locations
    own = Path(package.submodule_search_locations[0]) / "TimGM6mb.sf2"
    return next((path for path in map(Path, INSTALLED) if path.is_file()), own)
