"""A take before a training and one after it, over the same changes with the same seed: as MIDI, sound and piano roll."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from improv.core.errors import ImprovError
from improv.midi.files import write_take
from improv.render.piano_roll import draw_roll
from improv.train.evaluation.playing import PlayedTake


def write_before_after(folder: Path, takes: Mapping[str, PlayedTake]) -> tuple[list[str], list[str]]:
    """Write each take under its name (`before.mid`, `before.wav`, `before.png`). Returns the files, and what could not be written."""
    written, failed = [], []
    for name, take in takes.items():
        if not take.notes():
            failed.append(f"{name}: the model played nothing, so there is no take of it")
            continue
        midi, sound, picture = (folder / f"{name}{kind}" for kind in (".mid", ".wav", ".png"))
        try:
            write_take(midi, [], take.events, [(0.0, take.tempo)], take.metres, take.changes)
            written.append(midi.name)
            draw_roll(picture, [], take.events, take.metres, take.changes)
            written.append(picture.name)
            from improv.render.sound import render

            render(midi, sound)
            written.append(sound.name)
        except (ImprovError, OSError, ImportError) as e:
            failed.append(f"{name}: {e}")
    return written, failed
