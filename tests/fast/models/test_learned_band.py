"""The learned bass and drums: what they are told, what is refused, and that they play as a bandleader expects."""

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from band_song import BLUES, bars, played

from improv.core.band.bar import TICKS, BandBar, Doing, Member
from improv.core.band.kit import KEYS, PEDAL, RIDE
from improv.core.band.styles import STYLES
from improv.core.band.walking import HIGH, LOW, BassPlace
from improv.models import bass, drums
from improv.models.card import ModelError
from improv.models.drum_groove import LIKE, parts_of
from improv.models.loader import load_bass, load_drums, load_model, read_folder

LOADS = {"bass": load_bass, "drums": load_drums}


@pytest.mark.parametrize("name", LOADS)
def test_what_ships_is_small_and_plays_every_style_and_metre(name: str) -> None:
    member: Member = LOADS[name]()
    assert sum(w.nbytes for w in read_folder(name)[1].values()) < 1_500_000
    for style, beats in itertools.product(STYLES, (3, 4, 5)):
        song = bars(BLUES, beats, style=STYLES[style])[:4]
        found = played(member, song)
        assert played(member, song) == found
        for bar, notes in zip(song, found, strict=True):
            assert notes
            assert all(0 <= n.tick < bar.ticks and -0.15 < n.onset < bar.beats + 0.15 and 1 <= n.velocity <= 127 for n in notes)
            assert {n.pitch for n in notes} <= set(range(LOW, HIGH + 1) if name == "bass" else KEYS)


def test_signs_are_one_of_each_table_and_all_keys_are_alike() -> None:
    here = BassPlace(bars("F7|Bb7")[0], 1.0, (0, 0, 41, 40, 41, 43, 45, 45), 5)
    moved = BassPlace(bars("G7|C7")[0], 1.0, (0, 0, 43, 42, 43, 45, 47, 47), 7)
    differ = [a != b for a, b in zip(bass.signs_of(here, 3), bass.signs_of(moved, 3), strict=True)]
    assert [table for table, other in zip(bass.TABLES, differ, strict=True) if other] == ["register"]
    starts = list(bass.STARTS.values())
    for sign, start, size in zip(bass.signs_of(here, 0), starts, bass.TABLES.values(), strict=True):
        assert start <= sign < start + size


def test_a_walking_bass_keeps_to_roots_and_moves() -> None:
    song = [bar for _ in range(6) for bar in bars(BLUES)]
    found = played(load_bass(), song)
    ones = [notes[0].pitch % 12 == bar.chords[0][1].root for bar, notes in zip(song, found, strict=True)]
    assert sum(ones) > 0.6 * len(ones)
    walked = [n.pitch for notes in found for n in notes if n.tick % TICKS == 0]
    assert not any(a == b == c for a, b, c in zip(walked, walked[1:], walked[2:], strict=False))
    steps = [abs(a - b) for a, b in itertools.pairwise(walked)]
    assert sum(step <= 4 for step in steps) > 0.5 * len(steps)


def test_a_swinging_drummer_rides_and_closes_the_hat_on_two_and_four_from_the_first_bar() -> None:
    song = [bar for _ in range(4) for bar in bars(BLUES)]
    found = played(load_drums(), song)
    on_beats = [sum(n.pitch == KEYS[RIDE] and n.tick % TICKS == 0 for n in notes) for notes in found]
    assert sum(on_beats) > 3 * len(song)
    assert on_beats[0] >= 3
    hats = [{n.tick for n in notes if n.pitch == KEYS[PEDAL]} for notes in found]
    assert sum(TICKS in ticks for ticks in hats) > 0.6 * len(song)


def test_comping_follows_the_band_and_the_drummer_alone_fills() -> None:
    def drums_struck(**others: object) -> int:
        song = [bar for _ in range(2) for bar in bars(BLUES, **others)]  # type: ignore[arg-type]
        return sum(n.pitch in (36, 38, 37, 50, 47, 43) for notes in played(load_drums(), song) for n in notes)

    soft, loud = drums_struck(dynamic=0.25), drums_struck(dynamic=0.9)
    assert soft < loud < drums_struck(doing=Doing.SOLO)


@pytest.mark.parametrize(
    ("beats", "parts"), [(1, [1]), (4, [4]), (5, [3, 2]), (6, [2, 4]), (7, [3, 4]), (8, [4, 4]), (9, [3, 2, 4]), (11, [3, 4, 4])]
)
def test_long_bars_are_played_in_parts(beats: int, parts: list[int]) -> None:
    assert parts_of(beats) == parts
    assert sum(parts) == beats


def test_every_style_has_drummers() -> None:
    assert set(LIKE) == set(STYLES) == set(bass.FEELS)
    assert {family for family, *_ in LIKE.values()} <= set(drums.FAMILIES)


@pytest.mark.parametrize("name", LOADS)
def test_states_of_others_do_not_fit(name: str) -> None:
    member: Member = LOADS[name]()
    _, state = member.bar(member.start(), bars(BLUES)[0], np.random.default_rng(0))
    assert member.fits(state)
    assert json.loads(json.dumps(state)) == list(state)
    for wrong in ((), state[:-1], (*state, 0), (*state[:-1], 99), (*state[:-1], -1), (*state[:-1], 1.5), (*state[:-1], True)):
        assert not member.fits(wrong)


@pytest.mark.parametrize("name", LOADS)
@pytest.mark.parametrize("change", [{"units": [1]}, {"units": ["a", 2]}, {"tables": {}}, {"kind": "titles"}, {"format": 7}])
def test_cards_that_promise_something_else_are_refused(name: str, change: dict[str, object], tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[3] / "models" / name, tmp_path / name)
    card = json.loads((tmp_path / name / "card.json").read_text())
    (tmp_path / name / "card.json").write_text(json.dumps(card | change))
    with pytest.raises(ModelError):
        LOADS[name](str(tmp_path / name))


@pytest.mark.parametrize("name", LOADS)
def test_they_perform_under_their_names(name: str) -> None:
    model = load_model(name)
    assert model.card["name"] == name
    assert model.card["about"]["weights_sha256"] == read_folder(name)[0]["weights_sha256"]


def test_six_eight_is_felt_in_two() -> None:
    bar = replace(BandBar(), beats=3.0, metre=(6, 8), tempo=180.0)
    notes = [n for notes in played(load_drums(), [bar] * 8) for n in notes]
    assert all(math.isclose(n.tick % 12, 0) for n in notes)
