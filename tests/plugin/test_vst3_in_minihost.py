"""The VST3 plugin in a host that nobody here wrote, with a planned engine: samples, transport, note-offs, parameters, state, lives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from plugin_core import (
    ACTIVATED,
    JUMPED,
    LOOPED,
    MIDI,
    PARAMETER,
    PLAYING,
    RATE,
    STOPPED,
    SWITCHED,
    TRANSPORT,
    WENT_ON,
    EngineEnd,
    folder_of,
    library,
)

from improv.bridge.bundles import write_vst3
from improv.bridge.parameters import NUMBERS, PARAMETERS

minihost = pytest.importorskip("minihost", reason="minihost is not installed (pip install minihost)")
np = pytest.importorskip("numpy")


def on(pitch: int) -> tuple[int, int, int]:
    return (0x90, pitch, 80)


def off(pitch: int) -> tuple[int, int, int]:
    return (0x80, pitch, 0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plugin")


@pytest.fixture(scope="session")
def bundle(folder: Path) -> Path:
    os.environ["IMPROV_PLUGIN_SETTINGS"] = str(folder / "none")
    library(folder)
    return write_vst3(folder, next(folder.glob("improv.*")))


@pytest.fixture
def rings(folder: Path, bundle: Path) -> Path:
    return folder_of(library(folder))


@dataclass
class Daw:
    """minihost with one instance, and the engine's end of it."""

    plugin: Any
    end: EngineEnd
    frame: int = 0
    beat: float = 0.0
    tempo: float = 120.0
    metre: tuple[int, int] = (4, 4)
    playing: bool = True
    loop: tuple[float, float] | None = None

    def run(
        self, frames: int, heard: Sequence[tuple[int, int, int, int]] = (), changes: Any = None
    ) -> list[tuple[int, tuple[int, int, int]]]:
        """One block: what is played, at frames since the start."""
        place = {"position_beats": self.beat, "position_samples": round(self.beat * 60 / self.tempo * RATE)}
        looped = (
            {}
            if self.loop is None
            else {"is_looping": True, "loop_start": self.samples(self.loop[0]), "loop_end": self.samples(self.loop[1])}
        )
        self.plugin.set_transport(self.tempo, *self.metre, is_playing=self.playing, **place, **looped)
        silence, out = np.zeros((2, frames), np.float32), np.ones((2, frames), np.float32)
        if changes is None:
            played = self.plugin.process_midi(silence, out, list(heard), 2048)
        else:
            played = self.plugin.process_auto(silence, out, list(heard), changes, 2048)
        assert not out.any(), "it has no sound of its own"
        start = self.frame
        self.frame += frames
        if self.playing:
            self.beat += frames * self.tempo / 60 / RATE
            if self.loop and self.beat > self.loop[1] - 1e-9:
                self.beat -= self.loop[1] - self.loop[0]
        return [(start + e[0], (e[1], e[2], e[3])) for e in played]

    def samples(self, beat: float) -> int:
        return round(beat * 60 / self.tempo * RATE)

    def play(self, frames: int, block: int = 64) -> list[tuple[int, tuple[int, int, int]]]:
        played, end = [], self.frame + frames
        while self.frame < end:
            played += self.run(min(block, end - self.frame))
        return played

    def told(self) -> list[Any]:
        return self.end.told()


@pytest.fixture
def daw(bundle: Path, rings: Path, folder: Path) -> Iterator[Daw]:
    before = set(rings.glob("*.ring"))
    plugin = minihost.Plugin(str(bundle), sample_rate=RATE, max_block_size=2048)
    (made,) = set(rings.glob("*.ring")) - before
    end = EngineEnd(library(folder))
    end.open(made)
    daw = Daw(plugin, end)
    daw.run(64)
    yield daw
    end.close()
    plugin.close()


def messages(*notes: tuple[int, tuple[int, int, int]]) -> list[tuple[int, bytes]]:
    return [(frame, bytes(message)) for frame, message in notes]


def test_it_is_an_instrument_with_midi_both_ways_and_no_latency(daw: Daw) -> None:
    p = daw.plugin
    assert (p.accepts_midi, p.produces_midi, p.num_input_channels, p.num_output_channels, p.latency_samples) == (True, True, 0, 2, 0)
    for number, row in enumerate(PARAMETERS):
        told = p.get_param_info(number)
        assert (told["name"], told["label"], told["id"]) == (row.label, row.unit, str(number))
        words = row.words[round(row.default)] if row.words else f"{row.default:g}"
        assert (told["current_value_str"], p.param_to_text(number, told["default_value"])) == (words, words)


@pytest.mark.parametrize("block", [32, 64, 512, 2048])
def test_each_note_leaves_at_the_sample_it_was_planned_for(daw: Daw, block: int) -> None:
    notes = [(4000 + 331 * i + 200 * k, off(40 + i) if k else on(40 + i)) for i in range(40) for k in (0, 1)]
    daw.end.plan(*messages(*notes))
    assert daw.play(20480, block) == sorted(notes)


def test_the_transport_is_told_as_the_host_has_it(daw: Daw) -> None:
    daw.told()
    daw.run(512)
    daw.tempo = 180.0
    daw.run(512)
    daw.metre = (6, 8)
    daw.run(512)
    daw.beat = 31.5
    daw.run(512)
    daw.playing = False
    daw.run(512)
    told = [(e.frame, e.bytes[2], e.value[1], e.bytes[0], e.bytes[1], e.size & PLAYING) for e in daw.told() if e.kind == TRANSPORT]
    assert told == [
        (576, WENT_ON, 180.0, 4, 4, 1), (1088, WENT_ON, 180.0, 6, 8, 1), (1600, JUMPED, 180.0, 6, 8, 1), (2112, STOPPED, 180.0, 6, 8, 0),
    ]  # fmt: skip


def test_the_bar_is_told_where_the_host_tells_none(daw: Daw) -> None:
    daw.told()
    daw.beat = 31.5
    daw.run(512)
    (e,) = [e for e in daw.told() if e.kind == TRANSPORT]
    assert (e.value[0], e.value[2]) == (31.5, 28.0)


@pytest.mark.parametrize("why", ["stop", "jump", "bypass", "engine"])
def test_no_note_sounds_on_when_the_music_breaks(daw: Daw, why: str) -> None:
    daw.end.plan(*messages((100, on(60)), (110, on(64)), (9000, off(60)), (9000, off(64)), (5000, on(72)), (6000, off(72))))
    assert len(daw.run(64)) == 2
    now = daw.frame
    if why == "stop":
        daw.playing = False
    elif why == "jump":
        daw.beat += 8
    elif why == "bypass":
        daw.plugin.set_param(NUMBERS["bypass"], 1.0)
    else:
        daw.end.word(192, "<q", 0)
    assert daw.run(64) == [(now, off(60)), (now, off(64))]
    assert daw.play(12000) == []


def test_a_loop_of_four_bars_breaks_a_hundred_times_and_hangs_no_note(daw: Daw) -> None:
    daw.tempo, daw.loop, daw.beat = 240.0, (4.0, 20.0), 4.0
    daw.run(64)
    daw.told()
    sounding: set[int] = set()
    breaks = []
    for round_ in range(100):
        daw.end.plan(*messages((daw.frame + 3000, on(60 + round_ % 12))))
        for _, message in daw.play(16 * RATE // 4, 2048):
            (sounding.add if message[0] == 0x90 else sounding.discard)(message[1])
        breaks += [e.frame for e in daw.told() if e.kind == TRANSPORT and e.bytes[2] == LOOPED]
        assert len(sounding) <= 1
    assert [later - earlier for earlier, later in pairwise(breaks)] == [4 * RATE] * 99
    daw.playing = False
    assert [message for _, message in daw.run(64)] == [off(pitch) for pitch in sounding]


def test_automation_comes_with_its_sample_and_the_pedal_as_a_controller(daw: Daw) -> None:
    daw.told()
    share = (0.5 - 0.05) / 2.95
    echo = 2.0 / PARAMETERS[NUMBERS["mode"]].highest
    daw.run(512, [(40, 0xB0, 64, 127), (50, *on(60)), (90, *off(60))], [(100, NUMBERS["temperature"], share), (300, NUMBERS["mode"], echo)])
    events = daw.told()
    told = [(e.frame - 64, e.size, e.value[0]) for e in events if e.kind == PARAMETER]
    assert told == [(100, NUMBERS["temperature"], 0.5), (300, NUMBERS["mode"], 2.0)]
    heard = [(e.frame - 64, bytes(e.bytes[:3])) for e in events if e.kind == MIDI]
    assert heard == [(40, bytes((0xB0, 64, 127))), (50, bytes(on(60))), (90, bytes((0x80, 60, 64)))]


def test_a_project_brings_back_what_it_saved(daw: Daw, bundle: Path, rings: Path) -> None:
    p = daw.plugin
    for name, text in {"mode": "duet", "density": "-1.25", "seed": "4711", "high": "96", "enter": "now"}.items():
        p.set_param(NUMBERS[name], p.param_from_text(NUMBERS[name], text))
    daw.run(64)
    saved = p.get_state()
    other = minihost.Plugin(str(bundle), sample_rate=RATE, max_block_size=512)
    other.set_state(saved)
    for number in range(len(PARAMETERS)):
        assert other.param_to_text(number, other.get_param(number)) == p.param_to_text(number, p.get_param(number))
    assert other.param_to_text(0, other.get_param(0)) == "duet"
    with pytest.raises(RuntimeError, match="Failed to set plugin state"):
        other.set_state(b"rubbish")
    other.close()


def test_what_the_engine_changes_moves_the_hosts_knobs_and_comes_back_with_the_project(daw: Daw, bundle: Path) -> None:
    p = daw.plugin
    daw.run(64)
    daw.told()
    for name, value in {"mode": 3.0, "temperature": 0.8, "seed": 17.0}.items():
        daw.end.lib.improv_engine_set_parameter(daw.end.engine, NUMBERS[name], value)
    daw.run(64)
    shown = [p.param_to_text(NUMBERS[name], p.get_param(NUMBERS[name])) for name in ("mode", "temperature", "seed")]
    assert shown == ["comp", "0.8", "17"]
    daw.run(64)
    assert [e for e in daw.told() if e.kind == PARAMETER] == [], "the engine knows it already"
    share = (2.0 - 0.05) / 2.95
    daw.run(64, changes=[(10, NUMBERS["temperature"], share)])  # automation counts, then as ever
    assert [(e.size, e.value[0]) for e in daw.told() if e.kind == PARAMETER] == [(NUMBERS["temperature"], 2.0)]
    other = minihost.Plugin(str(bundle), sample_rate=RATE, max_block_size=512)
    other.set_state(p.get_state())
    assert other.param_to_text(0, other.get_param(0)) == "comp"
    other.close()


def test_sample_rate_may_change_in_mid_play(daw: Daw) -> None:
    daw.told()
    daw.plugin.sample_rate = 96000.0
    daw.run(512)
    told = daw.told()
    assert [e.value[0] for e in told if e.kind == ACTIVATED][-1] == 96000
    assert [e.bytes[2] for e in told if e.kind == TRANSPORT][-1] == SWITCHED


def test_eight_instances_have_a_file_each(bundle: Path, rings: Path) -> None:
    before = set(rings.glob("*.ring"))
    eight = [minihost.Plugin(str(bundle), sample_rate=RATE) for _ in range(8)]
    assert len(set(rings.glob("*.ring")) - before) == 8
    for plugin in eight:
        plugin.close()
    assert set(rings.glob("*.ring")) == before


def test_a_host_that_scans_leaves_nothing_and_starts_nothing(bundle: Path, rings: Path) -> None:
    before = set(rings.iterdir())
    told = minihost.probe(str(bundle))
    assert told["name"] == "improv"
    assert set(rings.iterdir()) == before


def test_a_hundred_lives_leave_nothing(bundle: Path, rings: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(100):
        minihost.Plugin(str(bundle), sample_rate=RATE).close()
    assert not before or len(os.listdir("/proc/self/fd")) <= before + 1
