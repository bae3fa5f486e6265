"""Flood a running `improv jam` over JACK, each kind beside a jam that is left in peace, and print what it cost.

    python scripts/flood.py --seconds 20 --rate 20000

Each kind of flood gets a jam of its own that plays a solo, and yields to the player's notes as ever; the flooder is a program of its
own. For each: how many notes a second
improv played and how late they were, both also as a ratio to the jam in peace; memory, the size of the record, what the terminal
said, and the notes that were left sounding. Then rubbish: a megabyte of SysEx, active sensing, real-time bytes inside messages,
note-offs without note-ons, a hundred notes and every controller at once, each followed by a call that must be answered. Exits with
1 where a note was left sounding, the music stopped, or the memory grew by more than 50 MB.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from rig import JACK, Rig

from improv.core.events import Event, NoteOff, NoteOn, Stop
from improv.core.observer import Observer
from improv.core.settings import Settings
from improv.midi.patchbay import Input, Patchbay
from improv.models.loader import load_model
from improv.perform.clock import LiveClock
from improv.perform.inbox import Inbox
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup

FLOODER = """
import random, subprocess, sys, time
from improv.midi.binding import rtmidi
kind, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="flood"); port.open_virtual_port("out")
subprocess.run(["jack_connect", "flood:out", "improv:in"], check=True)
rng = random.Random(1)
sysex = [0xF0, *[1] * 4000, 0xF7]
storm = [[0xFA], [0xFC], [0xFB], [0xF2, 0, 16], [0xFC], [0xFA]]
def message(i):
    pitch = rng.randrange(128)
    if kind == "sysex": return sysex
    if kind == "sensing": return [0xFE]
    if kind == "clock": return [0xF8]
    if kind == "transport": return storm[i % 6]
    if kind == "bend": return [[0xE0 | i % 16, 0, pitch], [0xD0 | i % 16, pitch], [0xA0 | i % 16, pitch, i % 128]][i % 3]
    if kind == "held": return [0x90 | i // 128 % 16, i % 128, 80]
    k = i % 8 if kind == "mixed" else {"notes": i % 2, "controllers": 2}[kind]
    return [[0x90, pitch, 80], [0x80, pitch, 0], [0xB0, pitch % 120, i % 128], [0x90, pitch, 0],
            [0xE0, 0, pitch], [0xFE], [0xF8], [0xB0, 64, i % 128]][k]
if kind == "clock": port.send_message([0xFA])
sent, began = 0, time.perf_counter()
while (now := time.perf_counter() - began) < seconds:
    while kind != "quiet" and sent < now * rate and not (kind == "held" and sent >= 2048):
        port.send_message(message(sent)); sent += 1
    time.sleep(0.0005)
for channel in range(16):
    for pitch in range(128 if kind in ("held", "notes", "mixed") else 0): port.send_message([0x80 | channel, pitch, 0])
    port.send_message([0xB0 | channel, 64, 0])
    time.sleep(0.02)
time.sleep(0.3)
print(sent, time.perf_counter() - began - 0.62)
"""
RATES = {"clock": 4000.0, "transport": 2000.0, "sysex": 25.0, "held": 2048.0}  # a second: 10,000 bpm; 100 kB; all keys within one
OPTIONS = {"clock": ("--clock", "midi")}
GROWN = 50.0  # MB
AFTER = 4.0  # seconds


class Peace:
    """Figures of the jam that was left alone."""

    notes = late = 0.0


def flood(kind: str, rate: float, seconds: float) -> bool:
    """One kind of flood, and its figures. Whether all held."""
    rate = min(rate, RATES.get(kind, rate))
    with Rig("improv-flood", "--tempo", "160", "--mode", "solo", *OPTIONS.get(kind, ())) as rig:
        before, handles = rig.memory(), rig.handles()
        peak = before
        flooder = subprocess.Popen([sys.executable, "-c", FLOODER, kind, str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)
        began = time.perf_counter()
        while flooder.poll() is None:
            peak = max(peak, rig.memory())
            time.sleep(0.2)
        until = time.perf_counter()
        sent, took = (float(word) for word in flooder.communicate()[0].split())
        time.sleep(1.0)
        for channel in range(16):  # JACK may have dropped the flood's last messages
            rig.send(0xB0 | channel, 64, 0)
            rig.send(0xB0 | channel, 123, 0)
        over = time.perf_counter()
        rig.send(0xFA)
        time.sleep(AFTER)
        afterwards = sum(at > over and m[0] & 0xF0 == 0x90 for at, m in list(rig.got))
        handles_then, size = rig.handles(), rig.session.stat().st_size / 1e6
        rig.end()
        played = sum(began <= at <= until and m[0] & 0xF0 == 0x90 for at, m in list(rig.got)) / (until - began)
        late = rig.summary.get("lateness_ms", {})
        if kind == "quiet":
            Peace.notes, Peace.late = played, late.get("p99", 0.0)
        said = [line for line in rig.said.strip().splitlines() if "real-time priority" not in line]
        opened = rig.open_notes()
        print(f"{kind}: {sent:,.0f} messages in {took:.0f} s ({sent / took:,.0f} a second)")
        print(f"  played {played:.1f} notes a second{ratio(played, Peace.notes)}, late by p50 {late.get('p50')}, p99 {late.get('p99')}"
              f"{ratio(late.get('p99', 0.0), Peace.late)}, at most {late.get('max')} ms; dropped {rig.summary.get('dropped')}")  # fmt: skip
        print(f"  taken {rig.summary.get('heard')} note-ons; left out {rig.summary.get('shed', {})}; record {size:.1f} MB")
        print(
            f"  memory {before:.0f} MB before, {peak:.0f} at most; file handles {handles}, then {handles_then}; exit {rig.jam.returncode}"
        )
        print(f"  {afterwards} notes in the {AFTER:g} s after; {opened} notes left sounding", flush=True)
        for line in said[:3]:
            print(f"  said: {line}")
        if len(said) > 3:
            print(f"  and {len(said) - 3} lines more", flush=True)
        return opened == 0 and peak - before < GROWN and (afterwards > 0 or kind == "clock")


def ratio(now: float, peace: float) -> str:
    return f" ({now / peace:.2f} of peace)" if peace else ""


class Counted(Observer):
    """How many events were heard, and note-ons played less note-offs."""

    events = sounding = 0

    def heard(self, event: Event) -> None:
        self.events += 1

    def played(self, event: Event, late: float, filled: bool) -> None:
        self.sounding += isinstance(event, NoteOn) - isinstance(event, NoteOff)


def direct(rate: int, seconds: float) -> None:
    """The same without JACK, which drops most of a flood itself: messages into the input's callback, in this program."""
    clock, inbox, counted = LiveClock(), Inbox(), Counted()
    setup = PerformerSetup("improv", load_model("jazz"), Settings(mode="trade", tempo=160.0), 1)
    performance = Performance(PerformanceConfig([setup]), clock, observers=[counted], inbox=inbox)
    most = 0
    bay = Patchbay(JACK, clock.now, inbox.put, [Input(0, "in")])  # not started: no port is opened
    arrived = bay._listener(Input(0, "in"))
    took = [0.0, 0.0]

    def pour() -> None:
        nonlocal most
        sent, began, rng = 0, time.perf_counter(), random.Random(1)
        while (now := time.perf_counter() - began) < seconds:
            while sent < now * rate:
                pitch = rng.randrange(128)
                kinds = [[0x90, pitch, 80], [0x80, pitch, 0], [0xB0, pitch % 120, 64], [0x90, pitch, 0], [0xFE], [0xF8]]
                arrived((kinds[sent % 6], 0.0))
                sent += 1
            most = max(most, inbox.qsize())
            time.sleep(0.0005)
        took[:] = sent, time.perf_counter() - began
        time.sleep(1.0)
        inbox.put(Stop(clock.now(), "over"))

    threading.Thread(target=pour, daemon=True).start()
    performance.run()
    print(f"without JACK: {took[0]:,.0f} messages in {took[1]:.0f} s ({took[0] / took[1]:,.0f} a second); {counted.events:,} events taken,")
    print(f"  left out {inbox.dropped}; at most {most:,} waited; our note-ons less note-offs {counted.sounding}")
    print(f"  memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB at most")


def told(seconds: float | None) -> str:
    return "never" if seconds is None else f"after {seconds:.2f} s"


def rubbish() -> None:
    """What should not come, each kind, and after each whether a call is answered."""

    def sysex(rig: Rig) -> None:
        for _ in range(262):  # JACK's buffers take no longer ones
            rig.send(0xF0, *[1] * 4000, 0xF7)
            time.sleep(0.005)

    def sensing(rig: Rig) -> None:
        for _ in range(10_000):
            rig.send(0xFE)
            time.sleep(0.0001)

    def inside(rig: Rig) -> None:
        for i in range(2000):
            rig.send(*[[0x90, 0xF8, 60], [0x80, 0xFE, 60], [0xF9], [0xFD], [0x90, 200, 1], [0xF8]][i % 6])
            time.sleep(0.0002)

    def orphans(rig: Rig) -> None:
        for i in range(5000):
            rig.send(0x80 | i % 16, i % 128, 0)
            time.sleep(0.0001)

    def hundred(rig: Rig) -> None:
        for _ in range(5):
            for pitch in range(14, 114):
                rig.send(0x90, pitch, 90)
            time.sleep(0.3)
            for pitch in range(14, 114):
                rig.send(0x80, pitch, 0)
            time.sleep(0.3)

    def controllers(rig: Rig) -> None:
        for control in range(128):
            for channel in range(16):
                rig.send(0xB0 | channel, control, 127)
            time.sleep(0.001)
        for control in (64, 66, 67, 123):
            for channel in range(16):
                rig.send(0xB0 | channel, control, 0)

    kinds: dict[str, Callable[[Rig], None]] = {
        "a megabyte of SysEx": sysex,
        "10,000 times active sensing": sensing,
        "2,000 messages with real-time bytes inside, or broken": inside,
        "5,000 note-offs that never had an on": orphans,
        "a hundred notes at once, five times": hundred,
        "every controller of every channel at once": controllers,
    }
    with Rig("improv-flood", "--tempo", "160") as rig:
        for text, send in kinds.items():
            send(rig)
            time.sleep(1.0)
            silence = rig.answered()
            print(f"{text}: a call was then answered {told(silence)}; memory {rig.memory():.0f} MB")
            time.sleep(3.0)
        rig.end()
        print(f"  exit {rig.jam.returncode}; open notes {rig.open_notes()}; left out {rig.summary.get('shed', {})}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = "quiet,mixed,notes,controllers,bend,sensing,clock,transport,held,sysex,direct,rubbish"
    parser.add_argument("--seconds", type=float, default=20.0, help="of each flood (default: 20)")
    parser.add_argument("--rate", type=int, default=20_000, help="messages a second, where the kind has no rate of its own")
    parser.add_argument("--kinds", default=kinds, help=f"(default: {kinds})")
    args = parser.parse_args()
    held = True
    for kind in args.kinds.split(","):
        if kind == "rubbish":
            rubbish()
        elif kind == "direct":
            direct(args.rate, args.seconds)
        else:
            held &= flood(kind, args.rate, args.seconds)
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
