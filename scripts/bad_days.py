"""Bad days, tried on a real JACK server: what was done, how often, what was lost.

python scripts/bad_days.py [--times 10] [--kinds stopped,clock,handles,ports,server]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from rig import JACK, Rig, start_server

from improv.core.events import Event, NoteOff, NoteOn
from improv.midi.binding import rtmidi
from improv.midi.patchbay import Input, Output, Patchbay
from improv.midi.ports import close_client

BACKWARDS = """
import time
real = time.time
time.time = lambda: real() - 86400.0 * (int(real()) % 7)
time.time_ns = lambda: int(time.time() * 1e9)
"""


def note_ons(rig: Rig, since: float, until: float) -> int:
    return sum(since <= at < until and m[0] & 0xF0 == 0x90 for at, m in list(rig.got))


def stopped(times: int) -> None:
    """SIGSTOP for ten seconds, with a key of the player's down and notes of ours sounding."""
    with Rig("improv-bad", "--tempo", "160", "--mode", "solo") as rig:
        for _ in range(times):
            time.sleep(2.0)
            rig.jam.send_signal(signal.SIGSTOP)
            time.sleep(10.0)
            goes_on = time.perf_counter()
            rig.jam.send_signal(signal.SIGCONT)
            time.sleep(3.0)
            print(
                f"stopped for 10 s: {note_ons(rig, goes_on, goes_on + 0.1)} note-ons in the first 0.1 s, "
                f"{note_ons(rig, goes_on, goes_on + 3)} in 3 s; jam {'runs' if rig.jam.poll() is None else 'ended'}"
            )
        rig.end()
        print(f"  exit {rig.jam.returncode}; open notes {rig.open_notes()}; dropped as too late {rig.summary.get('dropped')}")
    with Rig("improv-bad", "--tempo", "160") as rig:
        rig.send(0x90, 60, 80)
        time.sleep(0.5)
        rig.jam.send_signal(signal.SIGSTOP)
        rig.send(0x80, 60, 0)  # while nobody listens
        time.sleep(10.0)
        rig.jam.send_signal(signal.SIGCONT)
        time.sleep(3.0)
        silence = rig.answered()
        rig.end()
        lines = [json.loads(line) for line in rig.session.read_text().splitlines()]
        off = [line["time"] for line in lines if line.get("heard") == "NoteOff" and line["pitch"] == 60]
        print(f"a key that came up meanwhile: released {len(off)} times; then a call was answered after {silence} s")
        print("  it said: " + " | ".join(rig.said.strip().splitlines()))


def clock(times: int) -> None:
    """The wall clock of the jam jumps by days, back and on, every second."""
    with Rig("improv-bad", "--tempo", "160", "--mode", "solo", code=BACKWARDS) as rig:
        time.sleep(10.0)
        rig.end()
        stamps = [line["time"] for line in map(json.loads, rig.session.read_text().splitlines()) if "played" in line]
        ordered = stamps == sorted(stamps)
        print(f"wall clock jumping by days for 10 s: {rig.summary.get('played')} notes, stamps in order: {ordered}, "
              f"late by {rig.summary.get('lateness_ms')}; exit {rig.jam.returncode}; open notes {rig.open_notes()}")  # fmt: skip


def handles(times: int) -> None:
    """No file handle left while it plays, and too few to start with."""
    with Rig("improv-bad", "--tempo", "160") as rig:
        resource.prlimit(rig.jam.pid, resource.RLIMIT_NOFILE, (1, 1))
        answers = [rig.answered() for _ in range(2)]
        time.sleep(4.0)
        rig.end()
        print(f"no file handles left: calls answered after {answers} s; exit {rig.jam.returncode}; open notes {rig.open_notes()}; "
              f"said {rig.said.strip().splitlines()[-1:]}")  # fmt: skip
    server = start_server("improv-bad")
    for most in (8, 12, 16, 20, 24):
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most}))\n"
        run = limit + "import sys; from improv.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", run, "jam", "--api", "jack", "--json", "--quiet", "--no-session"]
        jam = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda jam=jam: jam.poll() is not None, 20.0)
        if jam.poll() is None:
            jam.send_signal(signal.SIGINT)
        _, said = jam.communicate(timeout=30)
        print(f"started with {most} file handles: exit {jam.returncode}, traceback: {'Traceback' in said}; said {said.strip()[-160:]!r}")
    server.terminate()
    server.wait()


class Synth:
    def __init__(self) -> None:
        self.got: list[list[int]] = []
        self.port = rtmidi.MidiIn(JACK, name="synth")
        self.port.open_virtual_port("midi")
        self.port.set_callback(lambda message, _: self.got.append(message[0]))

    def close(self) -> None:
        close_client(self.port)


def until(true: Callable[..., bool], seconds: float = 20.0) -> float:
    began = time.perf_counter()
    while not true():
        if time.perf_counter() - began > seconds:
            return float("inf")
        time.sleep(0.002)
    return time.perf_counter() - began


def ports(times: int) -> None:
    """A synth goes and returns in mid-phrase, and so does a keyboard with a key down."""
    server = start_server("improv-bad")
    heard: list[Event] = []
    bay = Patchbay(JACK, time.perf_counter, heard.append, [Input(0, "keys", "keys")], [Output(0, "synth")], say=lambda text: None)
    bay.start()
    status, found, closed, released = bay.status, [], 0, 0
    for turn in range(times):
        synth, keys = Synth(), rtmidi.MidiOut(JACK, name="keys")
        keys.open_virtual_port("out")
        found.append(until(lambda: status()["inputs"]["keys"]["there"] and status()["outputs"][0]["there"]))
        if turn:
            until(lambda got=synth.got: bool(got), 1.0)
            closed += synth.got == [[0x80, 60, 0]]
        bay.send(NoteOn(0.0, 60, 80))
        keys.send_message([0x90, 50, 80])
        time.sleep(0.2)
        synth.close()
        close_client(keys)
        before = len(heard)
        until(lambda: not (status()["inputs"]["keys"]["there"] or status()["outputs"][0]["there"]))
        released += [(type(e), e.pitch) for e in heard[before:] if isinstance(e, NoteOff)] == [(NoteOff, 50)]
    bay.close()
    print(f"ports gone and back {times} times: found after {statistics.median(found):.2f} s (p50), {max(found):.2f} s at most;")
    print(f"  what sounded was closed {closed} of {times - 1} times, held keys were released {released} of {times} times")
    server.terminate()
    server.wait()


def jackd(times: int) -> None:
    """The server is killed and started again; our ports with it."""
    server = start_server("improv-bad")
    bay = Patchbay(JACK, time.perf_counter, lambda event: None, [Input(0, "in")], [Output(0)], say=lambda text: None)
    bay.start()
    status, found, held = bay.status, [], []
    for _ in range(times):
        until(lambda: status()["inputs"]["in"]["there"] and status()["outputs"][0]["there"])
        held.append(len(os.listdir("/proc/self/fd")))
        server.kill()
        server.wait()
        until(lambda: not status()["inputs"]["in"]["there"])
        began = time.perf_counter()
        server = start_server("improv-bad")
        until(lambda: status()["inputs"]["in"]["there"] and status()["outputs"][0]["there"])
        found.append(time.perf_counter() - began)
    bay.close()
    print(f"JACK killed and started {times} times: our ports back, from its start, after {statistics.median(found):.2f} s (p50),")
    print(f"  {max(found):.2f} s at most; file handles {held[0]} at first, {held[-1]} at last")
    server.terminate()
    server.wait()


KINDS = {"stopped": stopped, "clock": clock, "handles": handles, "ports": ports, "server": jackd}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--kinds", default=",".join(KINDS))
    args = parser.parse_args()
    for kind in args.kinds.split(","):
        KINDS[kind](args.times)


if __name__ == "__main__":
    main()
