"""The LV2 plugin, called as a host calls it: atoms in, atoms out, the host's position, ports, state."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_float, c_int, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import pytest
from needs import required
from plugin_core import BYPASSED, JUMPED, LOOPED, OFFLINE, RATE, STARTED, TRANSPORT, WENT_ON, EngineEnd, folder_of, library

from improv.bridge.bundles import write_lv2
from improv.bridge.parameters import NUMBERS, PARAMETERS

NS = "http://lv2plug.in/ns/ext/"


class Descriptor(ctypes.Structure):
    _fields_ = (
        ("uri", c_char_p),
        ("instantiate", CFUNCTYPE(c_void_p, c_void_p, c_double, c_char_p, c_void_p)),
        ("connect_port", CFUNCTYPE(None, c_void_p, c_uint32, c_void_p)),
        ("activate", CFUNCTYPE(None, c_void_p)),
        ("run", CFUNCTYPE(None, c_void_p, c_uint32)),
        ("deactivate", CFUNCTYPE(None, c_void_p)),
        ("cleanup", CFUNCTYPE(None, c_void_p)),
        ("extension_data", CFUNCTYPE(c_void_p, c_char_p)),
    )


CHANGE = CFUNCTYPE(c_int, c_void_p, c_uint32, c_float)
MAP = CFUNCTYPE(c_uint32, c_void_p, c_char_p)
STORE = CFUNCTYPE(c_int, c_void_p, c_uint32, c_void_p, c_size_t, c_uint32, c_uint32)
RETRIEVE = CFUNCTYPE(c_void_p, c_void_p, c_uint32, POINTER(c_size_t), POINTER(c_uint32), POINTER(c_uint32))


class Map(ctypes.Structure):
    _fields_ = (("handle", c_void_p), ("map", MAP))


class Request(ctypes.Structure):
    _fields_ = (("handle", c_void_p), ("change", CHANGE))


class Feature(ctypes.Structure):
    _fields_ = (("uri", c_char_p), ("with", c_void_p))


class State(ctypes.Structure):
    _fields_ = (
        ("save", CFUNCTYPE(c_int, c_void_p, STORE, c_void_p, c_uint32, c_void_p)),
        ("restore", CFUNCTYPE(c_int, c_void_p, RETRIEVE, c_void_p, c_uint32, c_void_p)),
    )


class Rack:
    """An LV2 host with one instance, and the engine's end of it."""

    def __init__(self, lib: Any, room: int = 4096, moves_knobs: bool = True):
        lib.lv2_descriptor.restype, lib.lv2_descriptor.argtypes = POINTER(Descriptor), [c_uint32]
        self.d = lib.lv2_descriptor(0).contents
        self.uris: list[str] = [""]
        self._map = Map(None, MAP(lambda _, uri: self.id(uri.decode())))
        self._feature = Feature((NS + "urid#map").encode(), ctypes.cast(ctypes.pointer(self._map), c_void_p).value)
        self.asked: list[tuple[int, float]] = []  # which ports were asked for to change
        self._request = Request(None, CHANGE(lambda _, port, value: self.asked.append((port, value)) or 0))
        uri = b"http://kx.studio/ns/lv2ext/control-input-port-change-request"
        self._other = Feature(uri, ctypes.cast(ctypes.pointer(self._request), c_void_p).value)
        offered = [self._feature, *([self._other] if moves_knobs else [])]
        features = (c_void_p * 3)(*[ctypes.cast(ctypes.pointer(feature), c_void_p).value for feature in offered])
        self.plugin = self.d.instantiate(None, RATE, b"", ctypes.cast(features, c_void_p))
        assert self.plugin
        self.ports = (c_float * (len(PARAMETERS) + 4))(*[0] * (len(PARAMETERS) + 4))
        self.heard, self.played, self.room = ctypes.create_string_buffer(1 << 16), ctypes.create_string_buffer(1 << 16), room
        self.d.connect_port(self.plugin, 0, ctypes.cast(self.heard, c_void_p))
        self.d.connect_port(self.plugin, 1, ctypes.cast(self.played, c_void_p))
        for port in range(2, len(PARAMETERS) + 4):
            self.d.connect_port(self.plugin, port, ctypes.addressof(self.ports) + 4 * port)
        self.ports[3] = 1
        for port, row in enumerate((row for row in PARAMETERS if row.symbol != "bypass"), 4):
            self.ports[port] = row.default
        before = set(folder_of(lib).glob("*.ring"))
        self.d.activate(self.plugin)
        self.end = EngineEnd(lib)
        self.end.open((set(folder_of(lib).glob("*.ring")) - before).pop())
        self.frame = 0

    def id(self, uri: str) -> int:
        if uri not in self.uris:
            self.uris.append(uri)
        return self.uris.index(uri)

    def position(self, at: int, speed: float, **values: float) -> bytes:
        """An event. values: floats, but bar, frame and beatUnit."""
        body = struct.pack("<II", 0, self.id(NS + "time#Position"))
        for name, value in {"speed": speed, **values}.items():
            kind, form = {"bar": ("Long", "q"), "frame": ("Long", "q"), "beatUnit": ("Int", "i"), "beat": ("Double", "d")}.get(
                name, ("Float", "f")
            )
            raw = struct.pack("<" + form, value)
            body += struct.pack("<IIII", self.id(NS + "time#" + name), 0, len(raw), self.id(NS + "atom#" + kind)) + raw.ljust(8, b"\0")
        return struct.pack("<qII", at, len(body), self.id(NS + "atom#Object")) + body

    def midi(self, at: int, *message: int) -> bytes:
        return struct.pack("<qII", at, len(message), self.id(NS + "midi#MidiEvent")) + bytes(message).ljust(8, b"\0")

    def run(self, frames: int, *events: bytes) -> list[tuple[int, bytes]]:
        """One block: what is played, at frames since the start."""
        body = struct.pack("<II", 0, 0) + b"".join(events)
        self.heard[: 8 + len(body)] = struct.pack("<II", len(body), self.id(NS + "atom#Sequence")) + body
        self.played[:8] = struct.pack("<II", self.room, 0)
        self.d.run(self.plugin, frames)
        size, kind = struct.unpack_from("<II", self.played)
        assert self.uris[kind] == NS + "atom#Sequence"
        notes, at = [], 16
        while at < 8 + size:
            offset, length, kind = struct.unpack_from("<qII", self.played, at)
            assert self.uris[kind] == NS + "midi#MidiEvent"
            notes.append((self.frame + offset, self.played[at + 16 : at + 16 + length]))
            at += 16 + (length + 7) // 8 * 8
        self.frame += frames
        return notes

    def transports(self) -> list[tuple[int, int, float, float, float, int]]:
        """Frame, why, position, tempo, bar's start, flags."""
        told = [e for e in self.end.told() if e.kind == TRANSPORT]
        return [(e.frame, e.bytes[2], round(e.value[0], 4), round(e.value[1], 4), round(e.value[2], 4), e.size) for e in told]

    def close(self) -> None:
        self.end.close()
        self.d.deactivate(self.plugin)
        self.d.cleanup(self.plugin)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lv2")


@pytest.fixture
def rack(folder: Path) -> Iterator[Rack]:
    os.environ["IMPROV_PLUGIN_SETTINGS"] = str(folder / "none")
    rack = Rack(library(folder))
    rack.run(64)
    rack.transports()
    yield rack
    rack.close()


COMMON = {"barBeat": 0.0, "bar": 0, "beatUnit": 4, "beatsPerBar": 4.0, "beatsPerMinute": 120.0}


def on(pitch: int) -> bytes:
    return bytes((0x90, pitch, 80))


def off(pitch: int) -> bytes:
    return bytes((0x80, pitch, 0))


def test_the_position_is_taken_where_it_stands_in_the_block_and_goes_on_from_there(rack: Rack) -> None:
    rack.run(128, rack.position(32, 1, **{**COMMON, "bar": 2, "barBeat": 1.0}, frame=216000), rack.midi(40, *on(60)))
    rack.run(128)
    rack.run(128, rack.position(0, 1, **{**COMMON, "bar": 2, "barBeat": 1.0 + 224 / 24000}, frame=216224))
    assert [(e.frame, e.kind) for e in rack.end.told()] == [(96, TRANSPORT), (104, 1)]
    rack.run(64, rack.position(0, 0, **{**COMMON, "bar": 2, "barBeat": 1.0146667}, frame=216352))
    assert rack.transports() == [(448, 2, 9.0147, 120.0, 8.0, 0)]


def test_a_host_that_rounds_to_ticks_is_not_followed_in_its_rounding(rack: Rack) -> None:
    for block in range(400):
        ticks = round(block * 128 / 12.5) / 1920
        rack.run(128, rack.position(0, 1, **{**COMMON, "bar": int(ticks // 4), "barBeat": ticks % 4}, frame=128 * block))
    assert [line[:3] for line in rack.transports()] == [(64, STARTED, 0.0)]


def test_a_bar_goes_on_where_the_metre_changes_and_a_jump_is_one(rack: Rack) -> None:
    rack.run(24000, rack.position(0, 1, **{**COMMON, "bar": 3, "barBeat": 3.0}, frame=360000))
    three = {**COMMON, "beatsPerBar": 3.0}
    rack.run(24000, rack.position(0, 1, **{**three, "bar": 4}, frame=384000))
    rack.run(24000, rack.position(0, 1, **{**three, "bar": 4, "barBeat": 1.0}, frame=408000))
    rack.run(24000, rack.position(0, 1, **{**three, "bar": 9, "barBeat": 0.0}, frame=700000))
    assert [line[1:5] for line in rack.transports()] == [
        (STARTED, 15.0, 120.0, 12.0), (WENT_ON, 16.0, 120.0, 16.0), (JUMPED, 27.0, 120.0, 27.0),
    ]  # fmt: skip


def test_tempo_is_in_the_hosts_beats_and_place_in_quarters(rack: Rack) -> None:
    rack.run(64, rack.position(0, 1, bar=2, barBeat=3.0, beatUnit=8, beatsPerBar=6.0, beatsPerMinute=240.0))
    rack.run(64, rack.position(0, 1, beat=40.0, beatUnit=8, beatsPerBar=6.0, beatsPerMinute=240.0, barBeat=4.0))
    assert [line[1:5] for line in rack.transports()] == [(STARTED, 7.5, 120.0, 6.0), (JUMPED, 20.0, 120.0, 18.0)]


def test_notes_leave_at_their_samples_whatever_the_position_does(rack: Rack) -> None:
    rack.run(64, rack.position(0, 1, **COMMON, frame=0))
    rack.end.plan((300, on(60)), (420, off(60)), (421, on(61)), (500, off(61)))
    played = rack.run(256, rack.position(100, 1, **{**COMMON, "barBeat": 164 / 24000, "beatsPerMinute": 140.0}, frame=164))
    played += rack.run(256)
    assert played == [(300, on(60)), (420, off(60)), (421, on(61)), (500, off(61))]


def test_a_loop_closes_what_sounds_at_the_sample_of_its_end(rack: Rack) -> None:
    rack.run(64, rack.position(0, 1, **{**COMMON, "barBeat": 3.0}, frame=72000))
    rack.end.plan((130, on(60)), (9000, off(60)))
    assert rack.run(64) == [(130, on(60))]
    assert rack.run(64, rack.position(33, 1, **COMMON, frame=0)) == [(192 + 33, off(60))]
    assert [line[1] for line in rack.transports()][-1] in (JUMPED, LOOPED)


def test_ports_are_parameters_and_enabled_is_no_bypass(rack: Rack) -> None:
    rack.ports[4 + NUMBERS["temperature"]] = 0.4
    rack.ports[2] = 1
    rack.run(64)
    rack.ports[3] = 0
    rack.run(64)
    events = rack.end.told()
    assert [(e.size, e.value[0]) for e in events if e.kind == 3] == [(NUMBERS["temperature"], 0.4), (NUMBERS["bypass"], 1.0)]
    assert [e.size for e in events if e.kind == TRANSPORT] == [OFFLINE, OFFLINE | BYPASSED]


def test_a_host_that_can_is_asked_to_move_the_knobs_of_what_the_engine_changes(rack: Rack) -> None:
    density = 4 + NUMBERS["density"]
    for name, value in (("density", 0.7), ("bypass", 1.0), ("seed", 9.0), ("channel", 2.0)):
        rack.end.lib.improv_engine_set_parameter(rack.end.engine, NUMBERS[name], value)
    rack.run(64)
    # after `bypass`, which is the port `enabled`, the numbers of ports are one less
    assert rack.asked == [(density, pytest.approx(0.7)), (4 + NUMBERS["seed"], 9.0), (3, 0.0), (3 + NUMBERS["channel"], 2.0)]
    assert rack.end.word(188, "<I") == 1
    rack.ports[density] = rack.asked[0][1]  # the host does it
    rack.end.told()
    rack.run(64)
    assert [e for e in rack.end.told() if e.kind == 3] == []


def test_where_knobs_can_not_be_moved_the_change_holds_until_its_knob_is_turned(folder: Path, rack: Rack) -> None:
    other = Rack(library(folder), moves_knobs=False)
    number = NUMBERS["density"]
    other.run(64)
    other.end.lib.improv_engine_set_parameter(other.end.engine, number, 0.5)
    other.run(64)
    assert other.asked == []
    assert other.end.word(188, "<I") == 2
    assert other.end.word(512 + 8 * number, "<Q") == struct.unpack("<Q", struct.pack("<d", 0.5))[0]
    other.end.told()
    other.ports[4 + number] = 1.0
    other.run(64)
    assert [(e.size, e.value[0]) for e in other.end.told() if e.kind == 3] == [(number, 1.0)]
    other.close()


def test_a_small_buffer_of_the_host_delays_and_loses_nothing(rack: Rack) -> None:
    rack.room = 8 + 24 * 3
    rack.end.plan(*[(100, on(pitch)) for pitch in range(40, 50)], *[(110, off(pitch)) for pitch in range(40, 50)])
    played = [message for _ in range(20) for _, message in rack.run(64)]
    assert sorted(played) == sorted([on(p) for p in range(40, 50)] + [off(p) for p in range(40, 50)])


def test_the_state_goes_through_the_hosts_store(rack: Rack, folder: Path) -> None:
    rack.ports[4 + NUMBERS["mode"]] = 2
    rack.run(64)
    table = ctypes.cast(rack.d.extension_data((NS + "state#interface").encode()), POINTER(State)).contents
    kept: dict[str, bytes] = {}

    def store(_: Any, key: int, value: int, size: int, kind: int, flags: int) -> int:
        kept[rack.uris[key]] = ctypes.string_at(value, size)
        return 0

    assert table.save(rack.plugin, STORE(store), None, 0, None) == 0
    assert b"\nmode=echo\n" in kept["urn:improv:plugin#state"]
    buffer = ctypes.create_string_buffer(kept["urn:improv:plugin#state"].replace(b"mode=echo", b"mode=duet"))

    def retrieve(_: Any, key: int, size: Any, kind: Any, flags: Any) -> int | None:
        size[0], kind[0] = len(buffer.value) + 1, rack.id(NS + "atom#String")
        return ctypes.addressof(buffer)

    assert table.restore(rack.plugin, RETRIEVE(retrieve), None, 0, None) == 0
    rack.run(64)
    assert (NUMBERS["mode"], 4.0) in [(e.size, e.value[0]) for e in rack.end.told() if e.kind == 3]


def test_the_texts_say_what_lv2_asks_for(folder: Path) -> None:
    required("lv2_validate", "lv2ls", package="lilv-utils lv2-dev sordi")
    library(folder)
    bundle = write_lv2(folder, next(folder.glob("improv.*")))
    said: Sequence[str] = [str(path) for path in bundle.glob("*.ttl")]
    done = subprocess.run(["lv2_validate", *said], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert "Found 0 errors" in done.stdout, done.stdout
    listed = subprocess.run(["lv2ls"], env=os.environ | {"LV2_PATH": str(folder)}, text=True, capture_output=True)
    assert "urn:improv:plugin" in listed.stdout.split(), listed.stderr
