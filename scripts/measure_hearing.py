"""How soon a chord is known, live over JACK, and how often another is heard than was played.

    jackd -n hearing -r -S -d dummy -r 48000 -p 64 &
    JACK_DEFAULT_SERVER=hearing python scripts/measure_hearing.py [--model jazz] [--bars 32]

The pianists of `measure_pianist.py` play through a port to `improv jam`'s performance, mode trade, the keys of a chord 5 to 40 ms one
after the other. Printed: from the arrival of a chord's last key until the chord is known that was meant, in ms; chords of another root
than the one meant that were played by, a minute; what telling the hands apart costs a note in the performance's thread, in us; and how
late improv's own notes were, heard and, in a second take, with the same chords typed, so that nothing is heard. With `--offline` no time
passes: how soon and how often alone, over several seeds, the same every time.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass

import numpy as np
from measure_pianist import PIANISTS, Asked, Note, Pianist, chorus_of, triad

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Stop
from improv.core.harmony import Chord, parse_changes
from improv.core.hearing import NOW
from improv.core.improviser import Improviser
from improv.core.line.hands import Hands
from improv.core.observer import Observer
from improv.core.settings import Settings
from improv.midi.fixed_ports import FixedPorts
from improv.midi.systems import choose_api
from improv.models.loader import load_model
from improv.perform.band import Slot
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.engine import perform
from improv.perform.inbox import Inbox
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song, ear_for
from improv.perform.priority import raise_priority

SPREAD = (0.005, 0.040)  # seconds from one key of a chord to the next
TOGETHER = 3  # keys of a chord that counts as struck; of a broken one nobody can say when it is there
HEAD = (
    "pianist              p50   p99 ms   not within a beat   false a minute   us a note p50  p99"
    "   late, ms heard: p50  p99   typed: p50  p99"
)
SENDER = """
import json, re, sys, time
from improv.midi.binding import rtmidi
script = json.loads(sys.stdin.readline())
port = rtmidi.MidiOut(int(sys.argv[1]), name="pianist")
port.open_port(next(i for i, name in enumerate(port.get_ports()) if re.match(r"improv(-\\d+)?:in", name)))
time.sleep(0.5)
begun = time.perf_counter()
for at, message in script:
    time.sleep(max(begun + at - time.perf_counter(), 0))
    port.send_message(message)
time.sleep(0.5)
"""


def script_of(who: Pianist, seed: int, bars: int) -> tuple[list[tuple[float, list[int]]], list[tuple[float, int]]]:
    """What is sent, as (seconds, message); and the beat and the number of keys of each struck chord, in their order."""
    rng = np.random.default_rng([seed, 11])
    left, right, _ = chorus_of(who, seed)
    chords: dict[float, list[Note]] = {}
    for note in left:
        chords.setdefault(note[0], []).append(note)
    sent: list[tuple[float, list[int]]] = []
    struck: list[tuple[float, int]] = []
    for beat, keys in sorted(chords.items()):
        if beat >= 4 * bars:
            continue
        at = beat * 60 / who.tempo
        for _, off, pitch, velocity in keys:
            sent += [(at, [0x90, pitch, velocity]), (max(off * 60 / who.tempo - 0.03, at + 0.1), [0x80, pitch, 0])]
            at += float(rng.uniform(*SPREAD))
        struck.append((beat, len(keys)))
    for on, off, pitch, velocity in right:
        if on < 4 * bars:
            sent += [(on * 60 / who.tempo, [0x90, pitch, velocity]), (off * 60 / who.tempo, [0x80, pitch, 0])]
    return sorted(sent, key=lambda row: (row[0], row[1][0])), struck


class Arrivals(Observer):
    """The keys that arrive, and what they cost the hands."""

    def __init__(self) -> None:
        self.keys: list[NoteOn] = []
        self.cost: list[float] = []
        self._hands = Hands()

    def heard(self, event: Event) -> None:
        if isinstance(event, NoteOn | NoteOff):
            began = time.perf_counter()
            self._hands.hears(event)
            self.cost.append(time.perf_counter() - began)
        if isinstance(event, NoteOn):
            self.keys.append(event)


@dataclass
class Take:
    """delays: until a chord was known, in seconds; missed and false: chords. cost: of a note, in seconds. late: improv's notes, in ms."""

    delays: list[float]
    missed: int
    false: int
    minutes: float
    cost: list[float]
    late: dict[str, float]


def played(who: Pianist, seed: int, bars: int, model: str, api: int, typed: bool = False) -> Take:
    """One take. typed: the changes are given, and nothing is heard."""
    sent, struck = script_of(who, seed, bars)
    length = sent[-1][0] + 4.0
    clock, inbox = LiveClock(), Inbox()
    ports = FixedPorts(api, clock.now, inbox.put, begin=raise_priority)
    setup = PerformerSetup("improv", load_model(model), Settings(tempo=who.tempo, feel=who.feel), seed)
    song = Song(parse_changes(who.changes), who.changes) if typed else Song()
    performance = Performance(PerformanceConfig([setup], song, signals=()), clock, ports, inbox=inbox)
    arrivals, known = Arrivals(), list[tuple[float, Chord]]()
    performance.observe(arrivals)
    harmony = performance.performers[0].improviser.listening.harmony
    assert harmony
    settle = harmony.settle

    def settled(time: float) -> bool:
        changed = settle(time)
        known.append((clock.now(), harmony.chord(harmony.meter.beat(time))))
        return changed

    harmony.settle = settled  # type: ignore[method-assign]
    sender = subprocess.Popen([sys.executable, "-c", SENDER, str(api)], stdin=subprocess.PIPE, text=True)
    assert sender.stdin
    sender.stdin.write(json.dumps(sent) + "\n")
    sender.stdin.flush()
    threading.Timer(length, lambda: inbox.put(Stop(clock.now(), "over"))).start()
    end = performance.run()
    sender.wait()
    ports.close()
    delays = ([], 0, 0) if typed else delays_of(who, arrivals.keys, known, struck)
    return Take(*delays, length / 60, arrivals.cost, dict(end.get("lateness_ms") or {}))


def offline(who: Pianist, seed: int, bars: int, model: str) -> tuple[list[float], int, int, float]:
    """As `played`, with no time passing: delays, chords that were missed, false ones, minutes."""
    sent, struck = script_of(who, seed, bars)
    heard: list[Event] = [NoteOn(at, m[1], m[2]) if m[0] == 0x90 else NoteOff(at, m[1]) for at, m in sent]
    settings = Settings(mode="trade", tempo=who.tempo, feel=who.feel)
    keeper = Timekeeper(settings)
    keeper.begin(0.0)
    improviser = Improviser(load_model(model), settings, None, keeper.meter, seed=seed, ear=ear_for(NOW))
    harmony, known = improviser.listening.harmony, list[tuple[float, Chord]]()
    assert harmony
    settle = harmony.settle

    def settled(at: float) -> bool:
        changed = settle(at)
        known.append((at, harmony.chord(harmony.meter.beat(at))))
        return changed

    harmony.settle = settled  # type: ignore[method-assign]
    asked, ignored = Asked([Slot(improviser)], keeper, {}), list[Event]()
    perform(asked, OfflineClock(heard, sent[-1][0] + 4.0), queue.SimpleQueue(), ignored.append)
    keys = [event for event in heard if isinstance(event, NoteOn)]
    return (*delays_of(who, keys, known, struck), (sent[-1][0] + 4.0) / 60)


def print_offline(args: argparse.Namespace) -> None:
    """A line a pianist."""
    print(HEAD[: HEAD.index("   us a note")])
    for who in PIANISTS:
        takes = [offline(who, seed, args.bars, args.model) for seed in range(args.seed, args.seed + args.takes)]
        found, missed = [delay for take in takes for delay in take[0]], sum(take[1] for take in takes)
        p50, p99 = (1000 * float(np.quantile(found or [math.nan], q)) for q in (0.5, 0.99))
        false = sum(take[2] for take in takes) / sum(take[3] for take in takes)
        print(f"{who.name:18} {p50:5.0f} {p99:5.0f}   {missed:6} of {missed + len(found):<6} {false:12.1f}", flush=True)


def delays_of(
    who: Pianist, keys: list[NoteOn], known: list[tuple[float, Chord]], struck: list[tuple[float, int]]
) -> tuple[list[float], int, int]:
    """From each chord's last key until the chord that was meant was known; how many never were; how many others were played by."""
    changes = parse_changes(who.changes)
    low = [key for key in keys if key.pitch <= 66]  # of the left hand, but for a few
    start = low[0].time - struck[0][0] * 60 / who.tempo
    delays, missed = list[float](), 0
    for beat, count in struck:
        if count < TOGETHER:
            continue
        at = start + beat * 60 / who.tempo
        last = max((key.time for key in low if at - 0.03 <= key.time <= at + 0.045 * count), default=None)
        if last is None:
            continue
        meant = triad(changes.harmony(beat + (0.5 if beat % 1 else 0.0)).chord)
        when = next((t for t, chord in known if t >= last and triad(chord) == meant), None)
        if when is None or when - last > 60 / who.tempo:
            missed += 1
        else:
            delays.append(when - last)
    false, before = 0, None
    for t, chord in known:
        beat = (t - start) * who.tempo / 60
        roots = {changes.harmony(max(b, 0.0)).chord.root for b in (beat - 0.3, beat, beat + 1.0)}
        false += chord.root != before and chord.root is not None and chord.root not in roots
        before = chord.root
    return delays, missed, false


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="jazz")
    parser.add_argument("--bars", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one of the pianists, 0 to 3")
    parser.add_argument("--take", choices=("heard", "typed"), help="one take of that pianist alone, as JSON")
    parser.add_argument("--offline", action="store_true", help="without JACK: how soon and how often alone")
    parser.add_argument("--takes", type=int, default=5, help="with --offline: of each pianist (default: 5)")
    args = parser.parse_args()
    if args.offline:
        print_offline(args)
        return
    if args.take:
        api = choose_api("jack")
        assert api is not None
        print(json.dumps(asdict(played(PIANISTS[args.only or 0], args.seed, args.bars, args.model, api, args.take == "typed"))))
        return
    print(HEAD, flush=True)
    for number in range(len(PIANISTS)) if args.only is None else (args.only,):
        command = [sys.executable, __file__, "--model", args.model, "--bars", str(args.bars), "--seed", str(args.seed)]
        takes = []
        for kind in ("heard", "typed"):  # each with ports of its own
            said = subprocess.run([*command, "--only", str(number), "--take", kind], check=True, stdout=subprocess.PIPE, text=True)
            takes.append(Take(**json.loads(said.stdout.splitlines()[-1])))
        print(row_of(PIANISTS[number], *takes), flush=True)


def row_of(who: Pianist, take: Take, typed: Take) -> str:
    """A line of figures."""
    p50, p99 = (1000 * float(np.quantile(take.delays or [math.nan], q)) for q in (0.5, 0.99))
    c50, c99 = (1e6 * float(np.quantile(take.cost, q)) for q in (0.5, 0.99))
    late = [t.late.get(share, math.nan) for t in (take, typed) for share in ("p50", "p99")]
    return (
        f"{who.name:18} {p50:5.0f} {p99:5.0f}   {take.missed:6} of {take.missed + len(take.delays):<6} {take.false / take.minutes:12.1f}"
        f" {c50:14.0f} {c99:5.0f} {late[0]:10.2f} {late[1]:6.2f} {late[2]:13.2f} {late[3]:6.2f}"
    )


if __name__ == "__main__":
    main()
