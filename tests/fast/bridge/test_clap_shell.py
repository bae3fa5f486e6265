"""The CLAP plugin, called as a host calls it: notes, parameters and the transport in, notes and changes out, state."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char_p, c_double, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import pytest
from plugin_core import BYPASSED, MIDI, OFFLINE, PARAMETER, RATE, STARTED, STOPPED, TRANSPORT, WENT_ON, EngineEnd, folder_of, library

from improv.bridge.parameters import NUMBERS, PARAMETERS

NOTE_ON, NOTE_OFF, CHOKE, VALUE, TOUCH, LET_GO, MOVE, MESSAGE = 0, 1, 2, 5, 7, 8, 9, 10
ONE = 1 << 31  # a quarter note in fixed point


def table(*kinds: Any) -> type[ctypes.Structure]:
    return type("Table", (ctypes.Structure,), {"_fields_": [(f"f{i}", kind) for i, kind in enumerate(kinds)]})


NAMES = ["descriptor", "of", "init", "destroy", "activate", "deactivate", "start", "stop", "reset", "run", "extension", "called"]
TYPES = [
    c_void_p, c_void_p, CFUNCTYPE(c_bool, c_void_p), CFUNCTYPE(None, c_void_p), CFUNCTYPE(c_bool, c_void_p, c_double, c_uint32, c_uint32),
    CFUNCTYPE(None, c_void_p), CFUNCTYPE(c_bool, c_void_p), CFUNCTYPE(None, c_void_p), CFUNCTYPE(None, c_void_p),
    CFUNCTYPE(c_int32, c_void_p, c_void_p), CFUNCTYPE(c_void_p, c_void_p, c_char_p), CFUNCTYPE(None, c_void_p),
]  # fmt: skip
ASKED = CFUNCTYPE(c_void_p, c_void_p, c_char_p)
CALLED = CFUNCTYPE(None, c_void_p)
COUNT, GET, PUT = CFUNCTYPE(c_uint32, c_void_p), CFUNCTYPE(c_void_p, c_void_p, c_uint32), CFUNCTYPE(c_bool, c_void_p, c_void_p)
STREAM = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_uint64)
RESCAN = CFUNCTYPE(None, c_void_p, c_uint32)


class Plugin(ctypes.Structure):
    _fields_ = tuple(zip(NAMES, TYPES, strict=True))


Entry = table(c_uint32, c_uint32, c_uint32, CFUNCTYPE(c_bool, c_char_p), CFUNCTYPE(None), CFUNCTYPE(c_void_p, c_char_p))
Factory = table(CFUNCTYPE(c_uint32, c_void_p), CFUNCTYPE(c_void_p, c_void_p, c_uint32), CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_char_p))
HostTable = table(c_uint32, c_uint32, c_uint32, c_void_p, *[c_char_p] * 4, ASKED, CALLED, CALLED, CALLED)
List = table(c_void_p, COUNT, GET)
Out = table(c_void_p, PUT)
Stream = table(c_void_p, STREAM)
Block = table(c_int64, c_uint32, c_void_p, c_void_p, c_void_p, c_uint32, c_uint32, c_void_p, c_void_p)
Parameters = table(
    CFUNCTYPE(c_uint32, c_void_p), CFUNCTYPE(c_bool, c_void_p, c_uint32, c_void_p),
    CFUNCTYPE(c_bool, c_void_p, c_uint32, POINTER(c_double)),
    CFUNCTYPE(c_bool, c_void_p, c_uint32, c_double, c_char_p, c_uint32),
    CFUNCTYPE(c_bool, c_void_p, c_uint32, c_char_p, POINTER(c_double)), CFUNCTYPE(None, c_void_p, c_void_p, c_void_p),
)  # fmt: skip
State = table(CFUNCTYPE(c_bool, c_void_p, c_void_p), CFUNCTYPE(c_bool, c_void_p, c_void_p))
Render = table(CFUNCTYPE(c_bool, c_void_p), CFUNCTYPE(c_bool, c_void_p, c_int32))
Ports = table(CFUNCTYPE(c_uint32, c_void_p, c_bool), CFUNCTYPE(c_bool, c_void_p, c_uint32, c_bool, c_void_p))


def head(size: int, time: int, kind: int) -> bytes:
    return struct.pack("<IIHHI", 16 + size, time, 0, kind, 0)


def note(time: int, kind: int, key: int, velocity: float = 0.63, channel: int = 0) -> bytes:
    return head(24, time, kind) + struct.pack("<ihhh6xd", -1, 0, channel, key, velocity)


def message(time: int, *said: int) -> bytes:
    return head(8, time, MESSAGE) + struct.pack("<H3B3x", 0, *said)


def value(time: int, number: int, to: float) -> bytes:
    return head(40, time, VALUE) + struct.pack("<I4xQihhh6xd", number, 0, -1, -1, -1, -1, to)


def move(
    time: int, beat: float, playing: bool = True, tempo: float = 120.0, bar: float = 0.0, loop: tuple[float, float] | None = None
) -> bytes:
    flags = 1 | 2 | 8 | 16 * playing | 64 * bool(loop)
    ends = [round(end * ONE) for end in loop or (0, 0)]
    said = struct.pack("<I4xqqddqqqqqiHH", flags, round(beat * ONE), 0, tempo, 0.0, *ends, 0, 0, round(bar * ONE), 1, 4, 4)
    return head(len(said), time, MOVE) + said


class Daw:
    """A CLAP host with one instance, and the engine's end of it."""

    def __init__(self, lib: Any):
        self.rescans: list[int] = []
        self.calls: list[str] = []
        self._rescan = RESCAN(lambda _, what: self.rescans.append(what))
        self._dirty = CALLED(lambda _: self.calls.append("dirty"))
        self._parameters = table(RESCAN, c_void_p, c_void_p)(self._rescan, None, None)
        self._state = table(CALLED)(self._dirty)
        nothing = CALLED(lambda _: None)
        wants = CALLED(lambda _: self.calls.append("call"))
        offers = {b"clap.params": self._parameters, b"clap.state": self._state}
        asked = ASKED(lambda _, name: ctypes.addressof(offers[name]) if name in offers else None)
        self._host = HostTable(1, 2, 2, None, b"test", b"", b"", b"1", asked, nothing, nothing, wants)
        entry = Entry.in_dll(lib, "clap_entry")
        assert entry.f3(b"improv.clap")
        assert entry.f5(b"clap.other") is None
        factory = Factory.from_address(entry.f5(b"clap.plugin-factory"))
        self.factory = ctypes.addressof(factory)
        assert factory.f0(self.factory) == 1
        assert factory.f2(self.factory, ctypes.addressof(self._host), b"another") is None
        self.at = factory.f2(self.factory, ctypes.addressof(self._host), b"improv.plugin")
        self.plugin = Plugin.from_address(self.at)
        assert self.plugin.init(self.at)
        before = set(folder_of(lib).glob("*.ring"))
        assert self.plugin.activate(self.at, RATE, 1, 4096)
        assert self.plugin.start(self.at)
        self.end = EngineEnd(lib)
        self.end.open((set(folder_of(lib).glob("*.ring")) - before).pop())
        self.frame, self.beat, self.playing = 0, 0.0, True

    def extension(self, name: bytes, kind: type[ctypes.Structure]) -> Any:
        return kind.from_address(self.plugin.extension(self.at, name))

    def run(self, frames: int, *heard: bytes, transport: bytes | None = b"") -> list[tuple[Any, ...]]:
        """One block: what comes out, with frames since the start. transport: "" for the usual, None for none."""
        said = move(0, self.beat, self.playing, bar=self.beat // 4 * 4) if transport == b"" else transport
        kept = [ctypes.create_string_buffer(e, len(e)) for e in heard]
        events = List(None, COUNT(lambda _: len(kept)), GET(lambda _, i: ctypes.addressof(kept[i])))
        out: list[tuple[Any, ...]] = []
        ends = Out(None, PUT(lambda _, at: out.append(self._read(at)) or True))
        place = ctypes.create_string_buffer(said, len(said)) if said else None
        at = ctypes.addressof(place) if place else None
        block = Block(self.frame, frames, at, None, None, 0, 0, ctypes.addressof(events), ctypes.addressof(ends))
        assert self.plugin.run(self.at, ctypes.addressof(block)) == 1
        assert [e[0] for e in out] == sorted(e[0] for e in out)
        self.frame += frames
        self.beat += frames * 2.0 / RATE * self.playing
        return out

    def _read(self, at: int) -> tuple[Any, ...]:
        size, time, _, kind, _ = struct.unpack("<IIHHI", ctypes.string_at(at, 16))
        body = ctypes.string_at(at + 16, size - 16)
        if kind in (NOTE_ON, NOTE_OFF):
            _, _, channel, key, velocity = struct.unpack_from("<ihhh6xd", body)
            return self.frame + time, kind, channel, key, round(velocity * 127)
        if kind == VALUE:
            return self.frame + time, kind, struct.unpack_from("<I", body)[0], struct.unpack_from("<d", body, 32)[0]
        return (self.frame + time, kind, *(body[2:5] if kind == MESSAGE else struct.unpack_from("<I", body)))

    def close(self) -> None:
        self.end.close()
        self.plugin.stop(self.at)
        self.plugin.deactivate(self.at)
        self.plugin.destroy(self.at)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clap")


@pytest.fixture
def daw(folder: Path) -> Iterator[Daw]:
    os.environ["IMPROV_PLUGIN_SETTINGS"] = str(folder / "none")
    daw = Daw(library(folder))
    daw.run(64)
    daw.end.told()
    yield daw
    daw.close()


def test_notes_leave_at_their_samples_as_notes_and_the_pedal_as_a_controller(daw: Daw) -> None:
    daw.end.plan((100, b"\x91\x3c\x50"), (127, b"\xb1\x40\x7f"), (130, b"\x81\x3c\x40"), (500, b"\xb1\x40\x00"))
    assert daw.run(64) == [(100, NOTE_ON, 1, 60, 80), (127, MESSAGE, 0xB1, 64, 127)]
    assert daw.run(1024) == [(130, NOTE_OFF, 1, 60, 64), (500, MESSAGE, 0xB1, 64, 0)]


def test_what_is_heard_comes_with_its_sample(daw: Daw) -> None:
    daw.run(128, note(3, NOTE_ON, 60), message(20, 0xB0, 64, 90), note(40, NOTE_OFF, 60, channel=2), note(60, CHOKE, 61), note(70, 0, -1))
    assert [(e.frame - 64, bytes(e.bytes[:3])) for e in daw.end.told() if e.kind == MIDI] == [
        (3, b"\x90\x3c\x50"), (20, b"\xb0\x40\x5a"), (40, b"\x82\x3c\x40"), (60, b"\x80\x3d\x40"),
    ]  # fmt: skip
    daw.run(64, note(1, NOTE_OFF, -1, channel=-1))
    assert [bytes(e.bytes[:2]) for e in daw.end.told() if e.kind == MIDI] == [bytes((0xB0 | channel, 123)) for channel in range(16)]


def test_automation_comes_with_its_sample_and_changes_of_the_engine_as_a_knob_that_is_turned(daw: Daw) -> None:
    mode, density = NUMBERS["mode"], NUMBERS["density"]
    daw.run(128, value(50, density, 0.5), value(60, 999, 1.0))
    assert [(e.frame - 64, e.size, e.value[0]) for e in daw.end.told() if e.kind == PARAMETER] == [(50, density, 0.5)]
    daw.end.lib.improv_engine_set_parameter(daw.end.engine, mode, 3.0)
    assert daw.run(64) == [(192, TOUCH, mode), (192, VALUE, mode, 3.0), (192, LET_GO, mode)]
    daw.run(64, value(0, mode, 3.0))
    assert [e for e in daw.end.told() if e.kind == PARAMETER] == []


def test_the_transport_is_told_as_the_host_has_it_also_within_a_block(daw: Daw) -> None:
    daw.end.plan((200, b"\x90\x3c\x50"))
    assert daw.run(256, move(100, 20.0, bar=20.0)) == []  # the jump takes it back
    daw.run(64, transport=move(0, 20.0 + 156 / 24000, tempo=180.0, bar=20.0, loop=(16.0, 24.0)))
    daw.run(64, transport=move(0, 20.1, playing=False, bar=20.0))
    daw.run(64, transport=move(0, 20.1, bar=20.0))
    told = [e for e in daw.end.told() if e.kind == TRANSPORT]
    assert [(e.frame, e.bytes[2], e.value[1], e.value[2]) for e in told] == [
        (164, 3, 120.0, 20.0), (320, WENT_ON, 180.0, 20.0), (384, STOPPED, 120.0, 20.0), (448, STARTED, 120.0, 20.0),
    ]  # fmt: skip
    assert list(told[1].value[3:]) == [16.0, 24.0]


def test_a_host_without_a_transport_and_one_that_bounces(daw: Daw) -> None:
    daw.run(64, transport=None)
    assert daw.extension(b"clap.render", Render).f1(daw.at, 1)
    daw.run(64)
    daw.run(64, value(0, NUMBERS["bypass"], 1.0))
    flags = [e.size for e in daw.end.told() if e.kind == TRANSPORT]
    assert (flags[0] & 1, flags[1] & OFFLINE, flags[-1] & BYPASSED) == (0, OFFLINE, BYPASSED)


def test_parameters_have_their_names_ranges_and_words(daw: Daw) -> None:
    of = daw.extension(b"clap.params", Parameters)
    assert of.f0(daw.at) == len(PARAMETERS)
    room, number = ctypes.create_string_buffer(2000), c_double()
    for index, row in enumerate(PARAMETERS):
        assert of.f1(daw.at, index, ctypes.addressof(room))
        told, flags = struct.unpack_from("<II", room)
        assert (told, ctypes.string_at(ctypes.addressof(room) + 16).decode()) == (index, row.label)
        assert struct.unpack_from("<3d", room, 16 + 256 + 1024) == (row.lowest, row.highest, row.default)
        assert bool(flags & 1) == row.whole
        text = ctypes.create_string_buffer(64)
        assert of.f3(daw.at, index, row.highest, text, 64)
        assert of.f4(daw.at, index, text.value, ctypes.byref(number))
        assert number.value == row.highest, text.value
    assert not of.f1(daw.at, len(PARAMETERS), ctypes.addressof(room))
    assert not of.f3(daw.at, 0, 0.0, text, 3)


def test_it_has_a_port_for_notes_each_way_and_no_latency(daw: Daw) -> None:
    ports, room = daw.extension(b"clap.note-ports", Ports), ctypes.create_string_buffer(300)
    for inwards, name in ((True, b"Heard"), (False, b"Played")):
        assert ports.f0(daw.at, inwards) == 1
        assert ports.f1(daw.at, 0, inwards, ctypes.addressof(room))
        assert (struct.unpack_from("<III", room)[1:], ctypes.string_at(ctypes.addressof(room) + 12)) == ((3, 1), name)
    assert daw.extension(b"clap.latency", table(CFUNCTYPE(c_uint32, c_void_p))).f0(daw.at) == 0
    assert daw.plugin.extension(daw.at, b"clap.audio-ports") is None


def test_the_state_goes_through_the_hosts_stream_in_small_pieces(daw: Daw) -> None:
    state, kept = daw.extension(b"clap.state", State), bytearray()
    daw.run(64, value(0, NUMBERS["mode"], 2.0))

    def write(_: int, at: int, size: int) -> int:
        kept.extend(ctypes.string_at(at, min(size, 100)))
        return min(size, 100)

    out = Stream(None, STREAM(write))
    assert state.f0(daw.at, ctypes.addressof(out))
    assert b"\nmode=echo\n" in kept

    def loaded(text: bytes) -> bool:
        left = bytearray(text)

        def read(_: int, at: int, size: int) -> int:
            piece = bytes(left[: min(size, 70)])
            del left[: len(piece)]
            ctypes.memmove(at, piece, len(piece))
            return len(piece)

        coming = Stream(None, STREAM(read))
        return bool(state.f1(daw.at, ctypes.addressof(coming)))

    daw.end.told()
    assert loaded(bytes(kept).replace(b"mode=echo", b"mode=duet"))
    assert daw.rescans == [1]
    assert not loaded(b"rubbish")
    daw.run(64)
    assert [(e.size, e.value[0]) for e in daw.end.told() if e.kind == PARAMETER] == [(NUMBERS["mode"], 4.0)]
    daw.end.lib.improv_engine_put_text(daw.end.engine, b"words", 5)
    daw.run(64)
    assert daw.calls == ["call"]
    daw.plugin.called(daw.at)
    assert daw.calls == ["call", "dirty"], "the project has something to save"


def test_a_host_that_scans_finds_nothing_made(folder: Path) -> None:
    lib = library(folder)
    before: Sequence[Path] = sorted(folder_of(lib).iterdir())
    daw = Daw(lib)
    daw.close()
    assert sorted(folder_of(lib).iterdir()) == before
