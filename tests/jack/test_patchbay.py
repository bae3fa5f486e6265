"""Ports that come and go, on a real JACK server of our own, with other clients that vanish and return."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ears import Ears
from jack_server import Server

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse
from improv.midi.binding import rtmidi
from improv.midi.patchbay import LOOK, Input, Output, Patchbay
from improv.midi.ports import close_client

pytestmark = pytest.mark.usefixtures("jack")
JACK = rtmidi.API_UNIX_JACK
BACK = 4  # looks within which what returns is found, so at most 2 seconds
NEWS = threading.Event()  # a patchbay looked at its ports, or a synth got something
PATIENCE = 200  # news


class Rig:
    """A patchbay, watched, and what it heard and said."""

    def __init__(self, inputs: list[Input], outputs: list[Output], now: Callable[[], float], sounding: Path | None = None):
        self.heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.said: list[str] = []
        self.looks = 0
        self.bay = Patchbay(JACK, now, self.heard.put, inputs, outputs, say=self.said.append, sounding=sounding)
        look = self.bay.look

        def counted() -> None:
            look()
            self.looks += 1
            NEWS.set()

        self.bay.look = counted  # type: ignore[method-assign]
        self.bay.start()

    def side(self, which: str, name: object) -> bool:
        return bool(self.bay.status()[which][name]["there"])


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds that a look at the ports or a message brings about."""
    for _ in range(PATIENCE):
        NEWS.clear()
        if true():
            return
        assert NEWS.wait(10), "nothing happens any more"
    pytest.fail("it never came")


def test_what_returns_is_found_within_two_seconds() -> None:
    assert BACK * LOOK <= 2.0


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(inputs: list[Input], outputs: list[Output], now: Callable[[], float] = time.perf_counter, sounding: Path | None = None) -> Rig:
        rigs.append(Rig(inputs, outputs, now, sounding))
        return rigs[-1]

    yield make
    for each in rigs:
        each.bay.close()


@pytest.fixture(params=["libjack", "RtMidi alone"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How ports are connected: as on JACK, and as on other systems."""
    if request.param == "RtMidi alone":
        monkeypatch.setattr("improv.midi.patchbay.libjack", lambda: None)


class Synth:
    """A client whose input can be played to. What it got is in `got`."""

    def __init__(self, name: str = "synth"):
        self.got: list[list[int]] = []
        self.port = rtmidi.MidiIn(JACK, name=name)
        self.port.open_virtual_port("midi")
        self.port.ignore_types(timing=False)
        self.ears = Ears(self.port, self._take)

    def _take(self, message: list[int]) -> None:
        self.got.append(message)
        NEWS.set()

    def close(self) -> None:
        self.ears.close()


class Keyboard:
    def __init__(self, name: str = "keys", port: str = "out"):
        self.port = rtmidi.MidiOut(JACK, name=name)
        self.port.open_virtual_port(port)

    def send(self, *message: int) -> None:
        self.port.send_message(list(message))

    def close(self) -> None:
        close_client(self.port)


def next_of(rig: Rig) -> tuple[str, int, int]:
    event = rig.heard.get(timeout=5)
    assert isinstance(event, NoteOn | NoteOff)
    return type(event).__name__, event.pitch, event.part


@pytest.mark.usefixtures("way")
def test_a_synth_that_is_unplugged_in_mid_phrase_is_found_again_and_what_sounded_is_closed_first(rig: Callable[..., Rig]) -> None:
    synth, other = Synth(), Synth("other")
    r = rig([], [Output(0, "synth"), Output(1, "other")])
    until(lambda: r.side("outputs", 0) and r.side("outputs", 1))
    for pitch in (60, 64):
        r.bay.send(NoteOn(0.0, pitch, 90, 2))
    until(lambda: len(synth.got) == 2)
    synth.close()
    r.bay.send(NoteOff(0.0, 64, 2))  # nobody knows yet that it goes nowhere
    until(lambda: not r.side("outputs", 0))
    r.bay.send(NoteOff(0.0, 60, 2))
    r.bay.send(NoteOn(0.0, 67, 90, 2))  # to nowhere
    r.bay.send(NoteOn(0.0, 50, 90, 0, 1))  # the music goes on where it can
    until(lambda: other.got == [[0x90, 50, 90]])

    looks = r.looks
    synth = Synth()
    until(lambda: r.side("outputs", 0))
    assert r.looks - looks <= BACK
    r.bay.send(NoteOn(0.0, 72, 90, 2))
    until(lambda: [0x92, 72, 90] in synth.got)
    assert synth.got == [[0x82, 60, 0], [0x82, 64, 0], [0x92, 72, 90]]
    assert r.bay.reconnects == 1
    assert r.bay.status()["outputs"][0] == {"port": "synth:midi", "there": True, "missed": 1}
    assert [s.split(";")[0] for s in r.said] == ["output synth:midi is gone", "output synth:midi is back"]
    synth.close()
    other.close()


@pytest.mark.usefixtures("way")
def test_keys_that_are_held_are_released_and_the_keyboard_is_found_under_another_name(rig: Callable[..., Rig]) -> None:
    keys = Keyboard("Key Station")
    r = rig([Input(3, "left", "Key Station", frozenset({0})), Input(4, "right", "pads")], [])
    until(lambda: r.side("inputs", "left"))
    assert "input pads is not there; waiting for it" in r.said
    keys.send(0x90, 60, 80)
    keys.send(0xB0, 64, 127)
    keys.send(0x91, 61, 80)  # a channel that is not listened to
    assert next_of(r) == ("NoteOn", 60, 3)
    assert isinstance(r.heard.get(timeout=5), ControlChange)
    keys.close()
    assert next_of(r) == ("NoteOff", 60, 3)
    pedal = r.heard.get(timeout=5)
    assert isinstance(pedal, ControlChange)
    assert (pedal.control, pedal.value, pedal.part) == (64, 0, 3)
    assert r.heard.empty()

    looks = r.looks
    keys = Keyboard("Key Station 2")
    until(lambda: r.side("inputs", "left"))
    assert r.looks - looks <= BACK
    keys.send(0x90, 62, 80)
    assert next_of(r) == ("NoteOn", 62, 3)
    looks = r.looks
    pads = Keyboard("pads")  # missing at the start
    until(lambda: r.side("inputs", "right"))
    assert r.looks - looks <= BACK
    pads.send(0x90, 36, 80)
    assert next_of(r) == ("NoteOn", 36, 4)
    keys.close()
    pads.close()


SYNTH = """
import sys
from improv.midi.binding import rtmidi
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="synth")
port.open_virtual_port("midi")
print("there", flush=True)
while True:
    message = sys.stdin.readline()
    if not message: break
    while m := port.get_message(): print(*m[0], flush=True)
    print("so far", flush=True)
"""


class FarSynth:
    """A synth in a program of its own, which can die with its server."""

    def __init__(self) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-c", SYNTH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._line() == "there"

    def _line(self) -> str:
        assert self.program.stdout
        return self.program.stdout.readline().strip()

    def got(self) -> list[str]:
        assert self.program.stdin
        self.program.stdin.write("\n")
        self.program.stdin.flush()
        return list(iter(self._line, "so far"))

    def kill(self) -> None:
        self.program.kill()
        self.program.communicate()


def test_a_server_that_is_killed_and_returns(own_jack: Server, rig: Callable[..., Rig]) -> None:
    synth = FarSynth()
    r = rig([Input(0, "in")], [Output(0, "synth")])
    until(lambda: r.side("inputs", "in") and r.side("outputs", 0))
    r.bay.send(NoteOn(0.0, 60, 90))
    try:
        own_jack.kill()
        until(lambda: not r.side("inputs", "in") and not r.side("outputs", 0))
        synth.kill()
        r.bay.send(NoteOff(0.0, 60))
        r.bay.send(NoteOn(0.0, 62, 90))
        own_jack.start()
        synth = FarSynth()
        looks = r.looks
        until(lambda: r.side("inputs", "in") and r.side("outputs", 0))
        assert r.looks - looks <= BACK
        r.bay.send(NoteOn(0.0, 64, 90))
        got: list[str] = []
        until(lambda: bool(got.extend(synth.got()) or "144 64 90" in got))
        assert got == ["128 60 0", "144 64 90"]
        keys = Keyboard()
        subprocess.run(["jack_connect", "keys:out", "improv:in"], check=True, stderr=subprocess.DEVNULL)
        keys.send(0x90, 70, 80)
        assert next_of(r) == ("NoteOn", 70, 0)
        keys.close()
        assert "the JACK server is gone; waiting for it" in r.said
    finally:
        synth.kill()
        r.bay.close()


def test_a_server_that_is_not_there_at_the_start(own_jack: Server, rig: Callable[..., Rig]) -> None:
    own_jack.end()
    r = rig([Input(0, "in")], [Output(0)])
    assert not r.side("inputs", "in")
    own_jack.start()
    looks = r.looks
    until(lambda: r.side("inputs", "in") and r.side("outputs", 0))
    assert r.looks - looks <= BACK
    r.bay.close()


def test_a_server_that_stands_still_takes_no_messages_and_holds_nobody_up(own_jack: Server, rig: Callable[..., Rig]) -> None:
    """RtMidi waits for ever for room in its buffer, which is full after some 2,300 notes that nobody fetches."""
    synth = Synth()
    r = rig([], [Output(0, "synth")])
    until(lambda: r.side("outputs", 0))
    r.bay.send(NoteOn(0.0, 60, 90))
    until(lambda: len(synth.got) == 1)
    own_jack.program.send_signal(signal.SIGSTOP)
    try:
        until(lambda: not r.side("outputs", 0))
        for _ in range(10_000):
            r.bay.send(NoteOn(0.0, 61, 90))
        r.bay.send(NoteOff(0.0, 60))
    finally:
        own_jack.program.send_signal(signal.SIGCONT)
    until(lambda: r.side("outputs", 0))
    r.bay.send(NoteOn(0.0, 62, 90))
    until(lambda: [0x90, 62, 90] in synth.got)
    assert synth.got == [[0x90, 60, 90], [0x80, 60, 0], [0x90, 62, 90]]
    synth.close()


def test_what_we_play_and_comes_back_is_left_out_and_clock_is_taken_from_one_input(rig: Callable[..., Rig]) -> None:
    slow = itertools.count()  # so slow a clock that a busy machine's delay does not matter
    inputs = [Input(0, "in"), Input(1, "two"), Input(2, "pads", None, frozenset(range(16)), "control")]
    r = rig(inputs, [Output(0)], lambda: next(slow) * 1e-6)
    until(lambda: r.side("inputs", "in") and r.side("inputs", "two") and r.side("outputs", 0))
    keys = Keyboard()
    for target in ("improv:in", "improv:two", "improv:pads"):
        subprocess.run(["jack_connect", "keys:out", target], check=True, stderr=subprocess.DEVNULL)
    keys.send(0xF8)
    keys.send(0x90, 40, 80)
    found = [r.heard.get(timeout=5) for _ in range(4)]
    assert sum(isinstance(e, Pulse) for e in found) == 1
    assert sorted(e.part for e in found if isinstance(e, NoteOn)) == [0, 1, 2]

    synth = Synth()
    for pair in (("improv:out", "improv:in"), ("improv:out", "synth:midi")):
        subprocess.run(["jack_connect", *pair], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["jack_disconnect", "keys:out", "improv:two"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["jack_disconnect", "keys:out", "improv:pads"], check=True, stderr=subprocess.DEVNULL)
    sent = 0
    for pitch in range(60, 70):
        for event in (NoteOn(0.0, pitch, 90), NoteOff(0.0, pitch)):
            r.bay.send(event)
            sent += 1
            until(lambda sent=sent: len(synth.got) == sent)  # type: ignore[misc]
    keys.send(0x90, 41, 80)  # it comes in after all that
    heard = list(iter(lambda: next_of(r), ("NoteOn", 41, 0)))
    assert heard == [(kind, pitch, 0) for pitch in (60, 61, 62) for kind in ("NoteOn", "NoteOff")]  # before it is sure
    until(lambda: any("comes back on input in" in s for s in r.said))
    keys.close()
    synth.close()


def test_panic_sends_note_offs_and_silence(rig: Callable[..., Rig]) -> None:
    synth = Synth()
    r = rig([], [Output(0, "synth")])
    until(lambda: r.side("outputs", 0))
    r.bay.send(NoteOn(0.0, 60, 90, 1))
    r.bay.panic()
    until(lambda: len(synth.got) == 4)
    assert synth.got[1:] == [[0x81, 60, 0], [0xB1, 64, 0], [0xB1, 123, 0]]
    synth.close()


def test_a_hundred_notes_at_once_come_in_as_they_were_played_while_python_is_busy(rig: Callable[..., Rig]) -> None:
    r = rig([Input(0, "in", "keys")], [])
    keys = Keyboard()
    until(lambda: r.side("inputs", "in"))
    over = threading.Event()
    busy = threading.Thread(target=lambda: [sum(range(1000)) for _ in iter(over.is_set, True)])
    busy.start()
    try:
        for pitch in range(14, 114):
            keys.send(0x90, pitch, 80)
        for pitch in range(14, 114):
            keys.send(0x80, pitch, 0)
        heard = [next_of(r) for _ in range(200)]
    finally:
        over.set()
        busy.join()
    assert heard == [(kind, pitch, 0) for kind in ("NoteOn", "NoteOff") for pitch in range(14, 114)]
    keys.close()


KILLED = """
import sys, time
from improv.midi.binding import rtmidi
from pathlib import Path
from improv.core.events import NoteOff, NoteOn
from improv.midi.patchbay import Output, Patchbay
bay = Patchbay(rtmidi.API_UNIX_JACK, time.perf_counter, print, [], [Output(0, sys.argv[2] or None)], sounding=Path(sys.argv[1]))
bay.start()
print("there", flush=True)
sys.stdin.readline()
for channel, pitch in ((2, 60), (2, 64), (9, 42), (2, 67)):
    bay.send(NoteOn(0.0, pitch, 90, channel))
bay.send(NoteOff(0.0, 67, 2))
sys.stdin.read()
"""
CLOSING = [[0x82, 60, 0], [0x82, 64, 0], [0x82, 67, 0], [0x89, 42, 0], *([0xB0 | c, control, 0] for c in (2, 9) for control in (64, 123))]


def killed_in_mid_note(synth: Synth, folder: Path, target: str) -> None:
    """A performer that plays to the synth, and is killed once all of it was heard. target: its port; empty for a virtual one."""
    words = [sys.executable, "-c", KILLED, str(folder), target]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == "there\n"
        if not target:
            connect("synth:midi")
        child.stdin.write("go\n")
        child.stdin.flush()
        until(lambda: any(message[:2] == [0x82, 67] for message in synth.got))
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert [0x92, 60, 90] in synth.got


def connect(synth: str) -> None:
    out = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout.split("\n")
    ours = [name for name in out if name.startswith("improv") and name.endswith(":out")]
    subprocess.run(["jack_connect", ours[-1], synth], check=True)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.usefixtures("way")
def test_what_a_killed_performer_left_sounding_is_closed_as_soon_as_its_port_is_there(
    late: bool, tmp_path: Path, rig: Callable[..., Rig]
) -> None:
    synth = Synth()
    killed_in_mid_note(synth, tmp_path, "synth")
    if late:
        synth.close()
    else:
        synth.got.clear()
    r = rig([], [Output(0, "synth")], sounding=tmp_path)
    if late:
        until(lambda: r.looks > 1)
        synth = Synth()
    until(lambda: r.side("outputs", 0))
    until(lambda: all(message in synth.got for message in CLOSING))
    r.bay.send(NoteOn(0.0, 64, 80, 2))
    until(lambda: [0x92, 64, 80] in synth.got)
    assert any("4 notes that an earlier performance may have left sounding" in text for text in r.said)
    until(lambda: not r.bay._outs[0].left.channels)  # they are closed for the last time
    heard = synth.got[synth.got.index([0x92, 64, 80]) :]
    assert [0x82, 64, 0] not in heard  # our own note sounds on
    r.bay.send(NoteOff(0.0, 64, 2))
    r.bay.close()
    assert list(tmp_path.iterdir()) == []
    synth.close()


def test_a_virtual_port_closes_what_was_left_once_it_is_connected(tmp_path: Path, rig: Callable[..., Rig]) -> None:
    synth = Synth()
    killed_in_mid_note(synth, tmp_path, "")
    synth.got.clear()
    r = rig([], [Output(0)], sounding=tmp_path)
    until(lambda: r.looks > 2)
    assert synth.got == []
    connect("synth:midi")
    until(lambda: all(message in synth.got for message in CLOSING))
    synth.close()


def test_a_port_is_found_by_its_alias_and_by_its_pretty_name(rig: Callable[..., Rig]) -> None:
    """The names that a keyboard has in JACK's own lists."""
    keyboard = Keyboard("system-keys")
    subprocess.run(["jack_alias", "system-keys:out", "Keystation-88:midi/capture_1"], check=True, stdout=subprocess.DEVNULL)
    pretty = ["jack_property", "-p", "-s", "system-keys:out", "http://jackaudio.org/metadata/pretty-name", "The big one"]
    subprocess.run(pretty, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"JACK_NO_START_SERVER": "1"})
    one = rig([Input(0, "by alias", "keystation-88"), Input(1, "by pretty name", "big one")], [])
    until(lambda: one.side("inputs", "by alias") and one.side("inputs", "by pretty name"))
    assert {part["port"] for part in one.bay.status()["inputs"].values()} == {"system-keys:out"}
    keyboard.close()


def test_drums_are_left_out_and_told_once(rig: Callable[..., Rig]) -> None:
    keyboard = Keyboard()
    one = rig([Input(0, "in", "keys:out"), Input(1, "all", "keys:out", frozenset(range(16)))], [])
    until(lambda: one.side("inputs", "in") and one.side("inputs", "all"))
    keyboard.send(0x99, 36, 90)
    keyboard.send(0x90, 60, 90)
    until(lambda: any("taken for drums" in text for text in one.said) and one.heard.qsize() >= 3)
    found = {(e.part, e.channel, e.pitch) for e in (one.heard.get() for _ in range(3)) if isinstance(e, NoteOn)}
    assert found == {(0, 0, 60), (1, 0, 60), (1, 9, 36)}
    keyboard.send(0x99, 36, 90)
    looks = one.looks
    until(lambda: one.looks >= looks + 2)
    assert sum("taken for drums" in text for text in one.said) == 1
    keyboard.close()


def test_what_comes_back_with_another_number_is_found_and_its_second_port_is_not_taken_for_it(rig: Callable[..., Rig]) -> None:
    """As ALSA's clients are named by JACK's bridge to it."""
    name = "Keystation 88 [{}] (capture): Keystation 88 MIDI {}"
    first = Keyboard("a2j", name.format(20, 1))
    one = rig([Input(0, "in", f"a2j:{name.format(20, 1)}"), Input(1, "short", "Keystation")], [])
    until(lambda: one.side("inputs", "in") and one.side("inputs", "short"))
    first.close()
    until(lambda: not one.side("inputs", "in") and not one.side("inputs", "short"))
    second = Keyboard("a2j", name.format(24, 2))
    looks = one.looks
    until(lambda: one.looks >= looks + BACK)
    assert not one.side("inputs", "in")
    assert not one.side("inputs", "short")
    first = Keyboard("a2j-01", name.format(24, 1))
    looks = one.looks
    until(lambda: one.side("inputs", "in") and one.side("inputs", "short"))
    assert one.looks <= looks + BACK
    assert {part["port"] for part in one.bay.status()["inputs"].values()} == {f"a2j-01:{name.format(24, 1)}"}
    first.close()
    second.close()
