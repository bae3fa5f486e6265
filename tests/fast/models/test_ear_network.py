"""The learned ear: what it hears is the same in all keys, and its files are checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from improv.core.harmony.ear import QUALITIES, Ear
from improv.core.harmony.frames import SoundingNote
from improv.core.harmony.spelling import Key
from improv.core.harmony.whole import hear_whole
from improv.models.card import ModelError
from improv.models.ear import EarNetwork, ear_shapes
from improv.models.loader import find_model, load_ear
from improv.train.folder import write_folder

CHORDS = {"Dm7": (50, 57, 60, 65), "G7": (43, 53, 59, 62), "Cmaj7": (48, 55, 59, 64), "A7": (45, 55, 61, 64)}


def heard(by: int) -> list[tuple[str, int]]:
    """Chord and quality's root of two rounds, so many semitones up, a moment after each is struck."""
    ear, said = Ear(load_ear()[0], lambda beat: beat % 4), []
    for i, pitches in enumerate([*CHORDS.values()] * 2):
        for pitch in pitches:
            ear.note_on(4.0 * i + 0.01, pitch + by)
        now = ear.heard(4.0 * i + 0.15)
        said.append((str(now.chord), ((now.chord.root or 0) - by) % 12))
        for pitch in pitches:
            ear.note_off(4.0 * i + 3.9, pitch + by)
    return said


def test_what_is_played_is_heard_in_the_key_of_c_and_in_all_others() -> None:
    assert [symbol for symbol, _ in heard(0)][4:] == list(CHORDS)
    roots = [2, 7, 0, 9] * 2
    assert all([root for _, root in heard(by)][4:] == roots[4:] for by in range(-5, 7))


def test_a_whole_piece_is_heard_with_what_comes_after() -> None:
    notes = [SoundingNote(4.0 * i, 4.0 * i + 3.9, p, 64, False) for i, c in enumerate([*CHORDS.values()] * 3) for p in sorted(c)]
    found = hear_whole(load_ear()[0], notes, 48, lambda beat: beat % 4)
    assert [str(h.chord) for h in found[16:32:4]] == list(CHORDS)
    assert found[-1].key == Key(0)
    assert all(h.chords.sum() + h.none == pytest.approx(1.0, abs=1e-4) for h in found)


def test_what_comes_next_is_known_from_standards() -> None:
    from improv.core.harmony import parse_chord

    following = load_ear()[1]
    likely = following.after([parse_chord("Em7"), parse_chord("A7"), parse_chord("Dm7")], Key(0))
    assert str(likely[0][0]) == "G7"
    assert likely[0][1] > 0.5


def small(units: int = 3) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    head = {"name": "small", "kind": "ear", "format": 1, "first": 2, "units": units, "qualities": list(QUALITIES)}
    weights = {name: np.zeros(shape, np.float32) for name, shape in ear_shapes(head).items()}
    return head, weights | {"next.rows": np.zeros((0, 7), np.uint8)}


def test_an_ear_that_does_not_match_its_card_is_refused(tmp_path: Path) -> None:
    head, weights = small()
    write_folder(tmp_path / "good", head, weights, {})
    assert isinstance(load_ear(str(tmp_path / "good"))[0], EarNetwork)
    cases = {
        "3 weights too few": ({}, {k: v for k, v in weights.items() if "key" not in k}),
        "other units": ({"units": 4}, weights),
        "no size": ({"units": 0}, weights),
        "a size that is none": ({"first": True}, weights),
        "other qualities": ({"qualities": ["", "m"]}, weights),
        "another format": ({"format": 2}, weights),
        "no counts": ({}, {k: v for k, v in weights.items() if k != "next.rows"}),
        "odd counts": ({}, weights | {"next.rows": np.zeros((2, 3), np.uint8)}),
        "no numbers": ({}, weights | {"key.bias": np.full(2, np.nan, np.float32)}),
        "a voicer": ({"kind": "voicings"}, weights),
    }
    for name, (changed, arrays) in cases.items():
        write_folder(tmp_path / name, head | changed, arrays, {})
        with pytest.raises(ModelError):
            load_ear(str(tmp_path / name))


def test_the_ear_that_comes_along_is_small_and_says_where_it_is_from() -> None:
    folder = find_folder()
    assert (folder / "weights.safetensors").stat().st_size < 1_000_000
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert "POP909" in card["attribution"]
    assert "Weimar Jazz Database" in card["attribution"]
    with pytest.raises(ModelError, match="hears chords and keys, and plays no lines"):
        find_model("ear")


def find_folder() -> Path:
    from improv.models.loader import shelves

    return next(shelf / "ear" for shelf in shelves() if (shelf / "ear" / "card.json").exists())
