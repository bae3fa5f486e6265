"""The plugin in minihost, bounced: nothing here depends on how fast this machine is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from in_minihost import RATE, Message, Track, hanging, home, needed, note_ons, steady

LINE = (60, 62, 63, 65, 67, 68, 70, 72)
SOLO, ECHO = 1.0, 2.0


def call(seconds: float) -> list[Message]:
    found: list[Message] = []
    for i, pitch in enumerate(LINE):
        on = int((seconds + i * 0.25) * RATE)
        found += [(on, 0x90, pitch, 80), (on + int(0.2 * RATE), 0x80, pitch, 0)]
    return found


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Track]:
    minihost: Any = needed()
    with home(tmp_path_factory.mktemp("host")) as bundle:
        one = Track(minihost, bundle)
        one.ready()
        yield one
        one.close()


def test_a_bounce_is_the_same_at_every_block_size_and_each_time(track: Track) -> None:
    renders = [track.play(8.0, steady(120.0), call(0.5), blocks, offline=True) for blocks in ((64,), (64,), (512,), (2048, 33, 700))]
    assert len(note_ons(renders[0])) > 4
    assert renders[1] == renders[0]
    assert [note_ons(r) for r in renders] == [note_ons(renders[0])] * 4
    assert not hanging(renders[0])


def test_an_echo_is_on_the_sample_of_its_key_in_a_bounce(track: Track) -> None:
    track.set("mode", ECHO)
    keys = call(0.503)
    echoes = note_ons(track.play(4.0, steady(93.0), keys, (256,), offline=True))
    track.set("mode", 0.0)
    assert [frame for frame, _, _ in echoes] == [frame for frame, *_ in note_ons(keys)]


@pytest.mark.parametrize("tempo", [60.0, 120.0, 240.0])
def test_a_solo_begins_on_the_beat_at_any_tempo(track: Track, tempo: float) -> None:
    track.set("mode", SOLO)
    notes = note_ons(track.play(6.0, steady(tempo), (), (300,), offline=True))
    track.set("mode", 0.0)
    assert notes[0][0] == round(1.5 * 60.0 / tempo * RATE)  # with this seed a beat and a half after bar one
    assert len(notes) > 8


def test_another_seed_is_another_render_and_the_state_brings_the_first_back(track: Track) -> None:
    first = track.play(8.0, steady(120.0), call(0.5), (512,), offline=True)
    kept = track.plugin.get_state()
    track.set("seed", 7.0)
    other = track.play(8.0, steady(120.0), call(0.5), (512,), offline=True)
    track.plugin.set_state(kept)
    again = track.play(8.0, steady(120.0), call(0.5), (512,), offline=True)
    assert [pitch for _, pitch, _ in note_ons(other)] != [pitch for _, pitch, _ in note_ons(first)]
    assert note_ons(again) == note_ons(first)
