"""The real thing: `improv jam` on a JACK server, played by another client."""

from __future__ import annotations

import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ears import Ears
from jack_server import Server
from needs import required

from improv.cli import main
from improv.core.hearing import NOW
from improv.midi.binding import rtmidi
from improv.midi.ports import close_client

pytestmark = pytest.mark.usefixtures("jack")
TEMPO = 240
BEAT = 60 / TEMPO
CALL = [62, 65, 69, 72, 71, 67, 65, 64, 62, 65, 69, 72, 71, 67, 65, 64]


class Client:
    """A player and listener: an output connected to improv's input, an input connected to its output."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[tuple[float, list[int]]] = queue.SimpleQueue()
        self.log: list[tuple[float, list[int]]] = []
        self.out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="keys")
        inp = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="ears")
        self.out.open_virtual_port("out")
        inp.open_virtual_port("in")
        self.ears = Ears(inp, lambda message: self.messages.put((time.perf_counter(), message)))

    def connect(self) -> None:
        for pair in (("keys:out", "improv:in"), ("improv:out", "ears:in")):
            subprocess.run(["jack_connect", *pair], check=True, stderr=subprocess.DEVNULL)

    def play(self, pitches: list[int], step: float = BEAT / 2) -> float:
        """Play a phrase in real time; returns when its first note came."""
        began = time.perf_counter()
        nothing = threading.Event()
        for i, pitch in enumerate(pitches):
            nothing.wait(max(0.0, began + i * step - time.perf_counter()))
            self.out.send_message([0x90, pitch, 90])
            nothing.wait(max(0.0, began + (i + 0.8) * step - time.perf_counter()))
            self.out.send_message([0x80, pitch, 0])
        return began

    def next(self, timeout: float = 10.0) -> tuple[float, list[int]]:
        self.log.append(self.messages.get(timeout=timeout))
        return self.log[-1]

    def next_note(self) -> tuple[float, int]:
        while True:
            at, message = self.next()
            if message[0] & 0xF0 == 0x90:
                return at, message[1]

    def until_quiet(self, seconds: float) -> None:
        try:
            while True:
                self.next(seconds)
        except queue.Empty:
            return

    def open_notes(self) -> set[int]:
        sounding: set[int] = set()
        for _, message in self.log:
            if message[0] & 0xF0 == 0x90:
                assert message[1] not in sounding
                sounding.add(message[1])
            else:
                sounding.discard(message[1])
        return sounding

    def close(self) -> None:
        self.ears.close()
        close_client(self.out)


@contextmanager
def jam(tmp_path: Path, *options: str, code: str = "") -> Iterator[subprocess.Popen[str]]:
    """`improv jam` in a process of its own, listening; code: run before it (to break it)."""
    command = [sys.executable, "-c", f"{code}\nimport sys; from improv.cli import main; sys.exit(main())", "jam", "--api", "jack"]
    command += ["--session", str(tmp_path / "s.jsonl"), "--tempo", str(TEMPO), "--seed", "1", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("listening on"), line + (process.stderr.read() if process.stderr else "")
            yield process
        finally:
            process.kill()


@pytest.fixture
def client(jack: object) -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


def session(tmp_path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("code", ["", "import sys; sys.modules['rtmidi'] = None"], ids=["python-rtmidi", "rtmidi2"])
def test_a_jam(tmp_path: Path, client: Client, code: str) -> None:
    if code and find_spec("rtmidi2") is None:
        pytest.skip("rtmidi2 is not installed (pip install rtmidi2)")
    with jam(tmp_path, code=code) as process:
        ports = subprocess.run(["jack_lsp", "-A"], capture_output=True, text=True, check=True).stdout
        assert re.search(r"^improv:out$", ports, re.M)
        assert re.search(r"^\s*improv:in$", ports, re.M)
        client.connect()

        client.play(CALL)  # two bars of eighths
        for _ in range(4):
            client.next_note()
        client.until_quiet(8 * BEAT)
        assert client.open_notes() == set()  # it ended by itself

        client.play(CALL)
        client.next_note()
        client.out.send_message([0x90, 60, 90])  # the player comes back in mid-answer
        client.until_quiet(0.5)
        after = [m for t, m in client.log if m[0] & 0xF0 == 0x90][-1:]
        assert client.open_notes() == set()
        assert len(after) <= 1
        client.out.send_message([0x80, 60, 0])

        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    lines = session(tmp_path)
    assert lines[-1]["end"]["reason"] == "SIGINT"  # type: ignore[index]
    beat_one, first = (next(line["time"] for line in lines if line.get(side) == "NoteOn") for side in ("heard", "played"))
    eighths = 2 * (first - beat_one) / BEAT  # type: ignore[operator]
    assert eighths == pytest.approx(round(eighths), abs=1e-3)  # it comes on a beat, or on an eighth if a busy machine had to fill in
    heard = sum(line.get("heard") == "NoteOn" for line in lines)
    assert 2 * len(CALL) - 1 <= heard <= 2 * len(CALL) + 1  # a JACK server that misses a period loses what was sent in it
    assert main(["replay", str(tmp_path / "s.jsonl")]) == 0


def test_an_answer_comes_whatever_the_keyboard_sends_beside(tmp_path: Path, client: Client) -> None:
    """A pedal that never moves, all notes off after the last key, drums that go on."""
    with jam(tmp_path) as process:
        client.connect()
        client.out.send_message([0xB0, 64, 127])
        client.play(CALL)
        client.out.send_message([0xB0, 123, 0])
        for _ in range(4):
            client.out.send_message([0x99, 36, 90])
            client.out.send_message([0x89, 36, 0])
            client.until_quiet(0.06)
        for _ in range(4):
            client.next_note()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr
        assert process.stderr.read().count("taken for drums") == 1
    lines = session(tmp_path)
    assert lines[0]["hearing"] == NOW
    assert not any(line.get("channel") == 9 for line in lines)
    assert main(["replay", str(tmp_path / "s.jsonl")]) == 0


def test_a_port_that_is_not_there_is_not_sought_among_our_own(tmp_path: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    with jam(tmp_path):
        assert main(["jam", "--api", "jack", "--no-session", "--in", "Keystation"]) == 2
    said = capsys.readouterr().err
    assert "no MIDI input 'Keystation'; there are: " in said
    assert "keys:out" in said
    assert "improv:out" not in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_leave_silence_and_a_whole_record(tmp_path: Path, client: Client, number: int, code: int) -> None:
    with jam(tmp_path, "--mode", "solo") as process:
        client.connect()
        client.next_note()
        process.send_signal(number)
        assert process.wait(10) == code
        client.until_quiet(0.3)
    assert client.open_notes() == set()
    lines = session(tmp_path)
    assert lines[-1]["end"]["reason"] == signal.Signals(number).name  # type: ignore[index]
    played = [line["played"] for line in lines if "played" in line]
    assert played.count("NoteOn") == played.count("NoteOff") > 0
    assert main(["replay", str(tmp_path / "s.jsonl")]) == 0


def test_a_killed_jam_to_midi_clock_replays_as_far_as_its_record_goes(
    tmp_path: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with jam(tmp_path, "--mode", "solo", "--clock", "midi") as process:
        client.connect()
        client.out.send_message([0xFA])
        for _ in range(40):
            client.until_quiet(0.02)
            client.out.send_message([0xF8])
        while sum(m[0] & 0xF0 == 0x90 for _, m in client.log) < 4:
            client.until_quiet(0.02)
            client.out.send_message([0xF8])
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    capsys.readouterr()
    assert main(["replay", str(tmp_path / "s.jsonl"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["same"], said["cut"], said["damaged"]) == (True, True, 0)
    assert said["performers"][0]["then"] > 0


CRASH = """
from improv.core.events import NoteOn
from improv.perform.band import Band
whole, notes = Band.advance, []
def advance(self, now, heard=()):
    if len(notes) == 3: raise RuntimeError("a planted fault")
    played = whole(self, now, heard)
    notes.extend(e for e in played if isinstance(e, NoteOn))
    return played
Band.advance = advance
"""


def test_a_crash_inside_the_performance_leaves_silence_and_a_whole_record(tmp_path: Path, client: Client) -> None:
    with jam(tmp_path, "--mode", "solo", code=CRASH) as process:
        client.connect()
        assert process.wait(10) == 1
        assert process.stderr
        assert "planted fault" in process.stderr.read()
        client.until_quiet(0.3)
    assert client.open_notes() == set()
    lines = session(tmp_path)
    assert "planted fault" in lines[-1]["end"]["error"]  # type: ignore[index]
    played = [line["played"] for line in lines if "played" in line]
    assert played.count("NoteOn") == played.count("NoteOff") == 3


FAULTY = """
from improv.core.voice import Voice
whole, notes = Voice.play, []
def play(self, plan, time):
    notes.append(plan)
    if len(notes) == 4: raise OverflowError("math range error")
    return whole(self, plan, time)
Voice.play = play
"""


def test_a_model_that_fails_ends_nothing(tmp_path: Path, client: Client) -> None:
    with jam(tmp_path, "--mode", "solo", code=FAULTY) as process:
        client.connect()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        client.until_quiet(0.3)
    assert client.open_notes() == set()
    lines = session(tmp_path)
    assert sum("silent" in line for line in lines) == 1
    assert sum(line.get("filled") == "NoteOn" for line in lines) > 3


def test_a_port_that_vanishes_ends_the_jam(tmp_path: Path, client: Client) -> None:
    synth = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="synth")
    synth.open_virtual_port("midi")
    with jam(tmp_path, "--mode", "solo", "--out", "synth") as process:
        close_client(synth)
        assert process.wait(10) == 3
        assert process.stderr
        assert "vanished" in process.stderr.read()
    lines = session(tmp_path)
    assert str(lines[-1]["end"]["reason"]).startswith("port synth")  # type: ignore[index]
    played = [line["played"] for line in lines if "played" in line]
    assert played.count("NoteOn") == played.count("NoteOff")


def test_a_server_that_dies_ends_the_jam(tmp_path: Path, own_jack: Server) -> None:
    with jam(tmp_path, "--mode", "solo") as process:
        own_jack.end()
        assert process.wait(10) == 3


@pytest.mark.parametrize("side", ["--in", "--out"])
def test_an_unknown_port_is_told_with_what_there_is(tmp_path: Path, client: Client, side: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "improv", "jam", "--api", "jack", side, "Keystation", "--session", str(tmp_path / "s.jsonl")],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "'Keystation'" in said.stderr
    assert "keys:out" in said.stderr or "ears:in" in said.stderr
    assert not (tmp_path / "s.jsonl").exists()


def test_ports_are_listed(client: Client) -> None:
    said = subprocess.run([sys.executable, "-m", "improv", "ports", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["jack"] == {"inputs": ["keys:out"], "outputs": ["ears:in"]}


def test_fluidsynth_sounds(tmp_path: Path, client: Client) -> None:
    """A real synth on JACK, connected to our output; what it sounds is recorded and not silent."""
    required("fluidsynth", package="fluidsynth")
    required("jack_rec", package="jackd2")
    pretty_midi = pytest.importorskip("pretty_midi", reason="it brings a SoundFont: pip install pretty_midi")
    font = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
    synth = subprocess.Popen(
        ["fluidsynth", "-a", "jack", "-m", "jack", "-i", "-s", "-o", "midi.jack.id=fluid", "-o", "audio.jack.id=fluid", str(font)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(2000):  # looks, of some milliseconds each
            if "fluid:midi" in subprocess.run(["jack_lsp"], capture_output=True, text=True).stdout:
                break
        with jam(tmp_path, "--mode", "solo", "--out", "fluid") as process:
            subprocess.run(["jack_rec", "-f", str(tmp_path / "s.wav"), "-d", "2", "-b", "16", "fluid:left", "fluid:right"], check=False)
            process.send_signal(signal.SIGINT)
            process.wait(10)
        with wave.open(str(tmp_path / "s.wav")) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        assert np.abs(samples.astype(int)).max() > 500
    finally:
        synth.terminate()
        synth.wait(10)
