"""fluidsynth's side of the trials: is there sound where notes are, and silence where there are none?"""

from __future__ import annotations

import signal
import subprocess
import time
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from trial_rig import OFF, ON, RATE, LineTracker, Rig, TrialError, connect, jam, kind, started, tracker

CALL = Path(__file__).parent.parent / "improv" / "demo" / "call.mid"
QUIET = 0.001  # of the loudest sample: -60 dB
WINDOW = RATE // 20  # frames
FONTS = ("/usr/share/sounds/sf2/default-GM.sf2", "/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/TimGM6mb.sf2")


def font() -> str:
    """A General MIDI SoundFont of this machine, or the one that comes with pretty_midi."""
    package = find_spec("pretty_midi")
    folders = package.submodule_search_locations if package else None
    for path in (*FONTS, *(f"{folder}/TimGM6mb.sf2" for folder in folders or ())):
        if Path(path).exists():
            return path
    raise TrialError("no SoundFont: apt-get install --no-install-recommends fluid-soundfont-gm")


def fluidsynth(rig: Rig) -> tuple[dict[str, float | int | str | bool], dict[str, bool]]:
    """Twice: until the file is over and the answer has ended, and until Ctrl-C while a note sounds."""
    figures: dict[str, float | int | str | bool] = {"soundfont": Path(font()).name}
    checks: dict[str, bool] = {}
    synth = ["fluidsynth", "-a", "jack", "-m", "jack", "-i", "-s", "-o", "midi.jack.id=fluid", "-o", "audio.jack.id=fluid", font()]
    for end, seconds in (("over", 40), ("ctrl_c", 20)):
        with started(*synth), tracker(name="ear") as listening:
            connect("fluid:left", "system:playback_1")
            code, sound = _take(rig, end, seconds, listening)
            notes = _notes(listening)
            figures |= {f"{end}_notes": len(notes)}
            found = _heard(sound, notes)
            figures |= {f"{end}_{key}": value for key, value in found.items()}
            checks |= {
                f"{end}: exit code": code == (0 if end == "over" else 130),
                f"{end}: sound while notes sound": found.get("sounding_share", 0.0) >= 0.99,
                f"{end}: silence after the last note-off": found.get("silent_after_s", 99.0) <= 3.0,
                f"{end}: no note left hanging": listening.sounding() == 0,
            }
    return figures, checks


def _take(rig: Rig, end: str, seconds: int, listening: LineTracker) -> tuple[int, np.ndarray]:
    """A jam into fluidsynth, recorded for `seconds`. Returns improv's exit code and the samples, mono, -1 to 1."""
    path = rig.folder / f"{end}.wav"
    recorder = subprocess.Popen(
        ["jack_rec", "-f", str(path), "-d", str(seconds), "-b", "16", "fluid:left", "fluid:right"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with jam(rig, end, "--player", str(CALL), "--out", "fluid") as playing:
            connect("improv:out", listening.name)
            if end == "ctrl_c":
                deadline = time.perf_counter() + seconds - 6
                while len(listening.times(ON)) < 5 or not listening.sounding():
                    if time.perf_counter() > deadline:
                        raise TrialError("no answer within the recording")
                    time.sleep(0.02)
                code = playing.end(signal.SIGINT)
            else:
                code = playing.end(0)
        recorder.wait(seconds + 10)
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return code, np.abs(frames.astype(float)).max(axis=1) / 32768


def _notes(listening: LineTracker) -> list[tuple[float, float]]:
    """Notes as (on, off), seconds on the ear's time line."""
    opened: dict[int, float] = {}
    notes = []
    for t, message in listening.log():
        if kind(message) == ON:
            opened[message[1]] = t
        elif kind(message) == OFF and message[1] in opened:
            notes.append((opened.pop(message[1]), t))
    return sorted(notes)


def _heard(sound: np.ndarray, notes: list[tuple[float, float]]) -> dict[str, float]:
    """sounding_share: of the 50 ms windows inside notes, those with sound; silent_after_s: from the last note-off.

    The two time lines are laid on each other at the first note and the first sound.
    """
    loud = np.flatnonzero(sound > QUIET * sound.max()) if sound.any() else np.array([])
    if not len(loud) or not notes:
        return {"peak": float(sound.max()) if len(sound) else 0.0}
    shift = loud[0] / RATE - notes[0][0]
    inside = []
    for on, off in notes:
        first, last = int((on + shift) * RATE), int((off + shift) * RATE)
        inside += [sound[i : i + WINDOW].max() > QUIET * sound.max() for i in range(first, last - WINDOW, WINDOW)]
    last_off = max(off for _, off in notes) + shift
    return {
        "peak": float(sound.max()),
        "sounding_share": float(np.mean(inside)),
        "silent_after_s": float(loud[-1] / RATE - last_off),
        "recorded_after_s": float(len(sound) / RATE - last_off),
    }
