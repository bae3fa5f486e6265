"""improv beside programs that nobody here wrote: trials over a JACK server of their own, with figures.

    python scripts/trial_with_others.py                  # all, about three minutes
    python scripts/trial_with_others.py --only ardour --json ardour.json --keep takes/
    python scripts/trial_with_others.py --server plain   # jackd without real-time priority

On Linux with jackd. A trial whose programs are not there says which Debian package to install, and counts as not
run. Exit code: 0 all that were run passed, 1 one failed. What each trial did on one machine stands in docs/trials.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import trial_ardour
import trial_sound
from trial_rig import (
    CONTINUE,
    ON,
    POSITION,
    PULSE,
    SERVERS,
    START,
    STOP,
    LineTracker,
    Rig,
    TrialError,
    beat_at,
    connect,
    has_option,
    jam,
    kind,
    numbered,
    rig,
    spread,
    started,
    steady,
    tracker,
    transport,
    version,
)

from improv.midi.binding import rtmidi
from improv.midi.ports import close_client

Figures = dict[str, float | int | str | bool]
CLICK = 10  # the channel that the metronome plays on
SETTLED = 8  # beats: from here on the clock filter should have settled
LATE = 0.02  # seconds after Stop in which a note already on its way may still come
MISSED = 1  # clicks of a take that may be lost on the way
FOLLOWS = ("--clock", "--click")


class NotYet(Exception):
    """This improv has not got what the trial needs; figures: what could be measured all the same."""

    def __init__(self, why: str, figures: Figures | None = None):
        super().__init__(why)
        self.figures = figures or {}


@dataclass(slots=True)
class Outcome:
    """What a trial came to. state: passed, failed, not run; checks: what had to be so."""

    name: str
    programs: dict[str, str]
    tried: str
    state: str = "not run"
    why: str = ""
    figures: Figures = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """play returns figures and checks; needs: program to Debian package."""

    play: Callable[[Rig], tuple[Figures, dict[str, bool]]]
    needs: dict[str, str]
    tried: str


def prefixed(name: str, figures: dict[str, float]) -> Figures:
    return {f"{name}_{key}": value for key, value in figures.items()}


def heard_against_pulses(listening: LineTracker, bpm: float) -> tuple[Figures, dict[str, bool]]:
    """The click as the ear heard it, against the pulses that the same ear heard; Start and Stop."""
    log = listening.log()
    pulses = listening.times(PULSE)
    starts = [t for t, m in log if kind(m) in (START, CONTINUE)]
    stops = [t for t, m in log if kind(m) == STOP and starts and t > starts[0]]
    clicks = [(t, m[1]) for t, m in log if kind(m) == ON and m[0] & 0x0F == CLICK - 1]
    figures: Figures = {
        **prefixed("clock", steady(pulses)),
        "clicks": len(clicks),
        "clock_lost": int(numbered(pulses)[-1]) + 1 - len(pulses) if len(pulses) else 0,
    }
    if not (starts and stops and len(clicks) > SETTLED and len(pulses) > 48):
        return figures, {"clicked": False}
    while_rolling = [(t, p) for t, p in clicks if t <= stops[0] + LATE]
    beats = beat_at(np.array([t for t, _ in while_rolling]), pulses)
    nearest = [round(b) for b in beats]
    errors = [(b - n) * 60 / bpm for b, n in zip(beats, nearest, strict=True)]
    figures |= prefixed("click", spread([e for e, n in zip(errors, nearest, strict=True) if n >= SETTLED]))
    figures["click_first_two_bars_max_ms"] = 1000 * max(abs(e) for e, n in zip(errors, nearest, strict=True) if n < SETTLED)
    figures["first_click_beat"] = nearest[0]
    ones = {p for (_, p), n in zip(while_rolling, nearest, strict=True) if n % 4 == 0}
    others = {p for (_, p), n in zip(while_rolling, nearest, strict=True) if n % 4}
    last = int(numbered(pulses)[-1] // 24)
    checks = {
        "nothing before Start": all(t >= starts[0] for t, m in log if kind(m) == ON),
        "first click within a beat of bar one": 0 <= nearest[0] <= 1,
        "a click on every beat from there on": nearest == list(range(nearest[0], nearest[0] + len(nearest))) and nearest[-1] >= last - 1,
        "bar one is where the clock has it": not ones & others,
        "nothing after Stop": not any(t > stops[0] + LATE for t, m in log if kind(m) == ON),
        "no note left hanging": listening.sounding() == 0,
        "p99 within 5 ms": float(figures["click_p99_ms"]) <= 5.0,
    }
    return figures, checks


def follow(rig: Rig, name: str, bpm: float) -> tuple[Figures, dict[str, bool]]:
    """improv follows jack_midi_clock, whose tempo somebody has set; JACK's transport rolls for 12 s."""

    def roll(listening: LineTracker) -> None:
        connect("jack_midi_clock:mclk_out", listening.name)
        transport("stop", "locate 0")
        time.sleep(1.0)
        transport("play")
        time.sleep(12.0)
        transport("stop")
        time.sleep(1.0)

    with tracker(name="ear") as listening:
        if not has_option(*FOLLOWS):
            roll(listening)
            raise NotYet("improv jam has no " + " and ".join(FOLLOWS), prefixed("clock", steady(listening.times(PULSE))))
        with jam(rig, name, "--clock", "midi", "--click", str(CLICK), "--mode", "solo") as playing:
            connect("improv:out", listening.name)
            connect("jack_midi_clock:mclk_out", "improv:in")
            roll(listening)
            code = playing.end()
        figures, checks = heard_against_pulses(listening, bpm)
        return figures, checks | {"ended in order": code == 130}


def jack_midi_clock(rig: Rig) -> tuple[Figures, dict[str, bool]]:
    with started("jack_midi_clock", "-b", "120"):
        return follow(rig, "jack_midi_clock", 120)


def klick(rig: Rig) -> tuple[Figures, dict[str, bool]]:
    """klick is the transport's timebase master and sets the tempo; jack_midi_clock makes MIDI Clock of it."""
    with started("klick", "-n", "klick", "-T", "132"), started("jack_midi_clock"):
        connect("klick:out", "system:playback_1")
        return follow(rig, "klick", 132)


def mclk_dump(rig: Rig) -> tuple[Figures, dict[str, bool]]:
    """What a stranger's reader makes of our clock, and, for comparison, of jack_midi_clock's."""
    with started("jack_midi_clock", "-b", "132"):
        transport("stop", "locate 0")
        figures: Figures = prefixed(
            "jack_midi_clock", trial_ardour.read_clock(rig, "jack_midi_clock:mclk_out", lambda: transport("play"), 10)
        )
        transport("stop")
    if not has_option("--send-clock"):
        raise NotYet("improv jam has no --send-clock", figures)
    with jam(rig, "master", "--send-clock", "--tempo", "132", "--mode", "solo") as playing:
        ours = trial_ardour.read_clock(rig, "improv:out", lambda: None, 10, lambda: playing.end())
    figures |= prefixed("improv", ours)
    checks = {
        "tempo within 0.1 bpm": abs(ours.get("bpm", 0) - 132) < 0.1,
        "Stop was sent at the end": ours.get("stops", 0) >= 1,
        "pulses within a JACK period or two (p99)": ours.get("off_p99_ms", 99) <= 5.4,
    }
    return figures, checks


@contextmanager
def plain_client(bpm: float) -> Iterator[None]:
    """A client of the script's own that sends a note a beat by its own time; the yardstick for a recorder."""
    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="plain")
    port.open_virtual_port("out")
    over = threading.Event()

    def play() -> None:
        began, n = time.perf_counter(), 0
        while not over.wait(max(0.0, began + n * 60 / bpm - time.perf_counter())):
            port.send_message([0x90 | (CLICK - 1), 60 + n % 4, 90])
            port.send_message([0x80 | (CLICK - 1), 60 + n % 4, 0])
            n += 1

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        close_client(port)


def ardour(rig: Rig) -> tuple[Figures, dict[str, bool]]:
    """Ardour sends clock and records. First a plain client, which shows what recorder and clock are good for."""
    with plain_client(trial_ardour.BPM), tracker("plain:out", name="ear") as listening:
        take = trial_ardour.record(rig, "plain", "plain:out", listening, seconds=8)
        pulses = listening.times(PULSE)
    figures: Figures = prefixed("clock", steady(pulses))
    figures |= prefixed("plain", spread(trial_ardour.distances(take[0].beats())))
    if not has_option(*FOLLOWS):
        raise NotYet("improv jam has no " + " and ".join(FOLLOWS), figures)
    with tracker(name="ear") as listening, jam(rig, "ardour", "--clock", "midi", "--click", str(CLICK), "--mode", "solo") as playing:
        connect("improv:out", listening.name)
        takes = trial_ardour.record(rig, "improv", "improv:out", listening, seconds=20, clock_to="improv:in", again=8)
        code = playing.end()
    checks: dict[str, bool] = {"ended in order": code == 130}
    more, heard = heard_by_ardour(takes, listening)
    wanted = trial_ardour.meant(playing.session)
    more |= {"gaps_in_the_clock": wanted.gaps} | prefixed("solo", spread(trial_ardour.solo_errors(takes[0], wanted)))
    return figures | more, checks | heard


def heard_by_ardour(takes: list[trial_ardour.TakeFile], listening: LineTracker) -> tuple[Figures, dict[str, bool]]:
    """The takes' clicks against Ardour's own grid; Start and Stop by what the ear heard."""
    log = listening.log()
    figures: Figures = {}
    checks: dict[str, bool] = {}
    for which, take in zip(("click", "again"), takes, strict=True):
        beats = take.beats(CLICK)
        settled = beats[beats >= take.at + SETTLED] if which == "click" else beats
        figures |= prefixed(which, spread(trial_ardour.distances(settled)))
        figures[f"{which}_first_beat"] = float(beats[0]) if len(beats) else -1.0
        nearest = [round(b) for b in beats]
        missing = nearest[-1] - nearest[0] + 1 - len(nearest) if nearest else 0
        figures[f"{which}_missing"] = missing  # a note in a period that the server loses is lost as well
        checks[f"{which}: once on every beat, or as good as"] = len(beats) > 4 and len(set(nearest)) == len(nearest) and missing <= MISSED
        checks[f"{which}: begins within a beat of the start"] = len(beats) > 0 and -0.1 < beats[0] - take.at < 2
        checks[f"{which}: p99 within 5 ms"] = float(figures.get(f"{which}_p99_ms", 99)) <= 5.0
    told = [(m[1] | m[2] << 7) / 4 for _, m in log if kind(m) == POSITION]
    if told:
        figures |= {"position_told_beats": told[-1], "position_beats": takes[-1].at}
    began = next((t for t, m in log if kind(m) == START), 0.0)
    first = next((t for t, m in log if kind(m) == ON and m[0] & 0x0F == CLICK - 1), -1.0)
    figures["first_click_heard_after_start_ms"] = 1000 * (first - began)
    rolling, after = False, 0
    stopped = 0.0
    for t, message in log:
        rolling = kind(message) in (START, CONTINUE) or (rolling and kind(message) != STOP)
        stopped = t if kind(message) == STOP else stopped
        after += kind(message) == ON and not rolling and t > stopped + LATE
    checks["no note while stopped"] = after == 0
    checks["no note left hanging"] = listening.sounding() == 0
    figures["transport_heard"] = " ".join(
        {START: "Start", CONTINUE: "Continue", STOP: "Stop"}.get(kind(m), "") for _, m in log if kind(m) in (START, CONTINUE, STOP)
    )
    return figures, checks


TRIALS = {
    "fluidsynth": Trial(
        trial_sound.fluidsynth,
        {"fluidsynth": "fluidsynth", "jack_rec": "jackd2"},
        "improv jam plays it, a MIDI file being the player; its sound is recorded",
    ),
    "jack_midi_clock": Trial(
        jack_midi_clock, {"jack_midi_clock": "jack-midi-clock"}, "clock source at 120 bpm, driven by JACK's transport"
    ),
    "klick": Trial(
        klick,
        {"klick": "klick", "jack_midi_clock": "jack-midi-clock"},
        "tempo master of JACK's transport at 132 bpm, jack_midi_clock makes MIDI Clock of it",
    ),
    "mclk_dump": Trial(mclk_dump, {"jack_mclk_dump": "jack-midi-clock"}, "reads the clock that improv sends, at 132 bpm"),
    "ardour": Trial(ardour, {"ardour7-lua": "ardour"}, "sends clock at 120 bpm and records improv, without a screen"),
}


def run(name: str, trial: Trial, on: Rig) -> Outcome:
    """One trial, whatever comes of it."""
    packages = sorted(set(trial.needs.values()))
    outcome = Outcome(name, {p: version(p) for p in packages}, trial.tried)
    missing = sorted({package for program, package in trial.needs.items() if shutil.which(program) is None})
    if missing:
        outcome.why = f"apt-get install --no-install-recommends {' '.join(missing)}"
        return outcome
    before = on.xruns()
    try:
        outcome.figures, checks = trial.play(on)
        outcome.checks = {check: bool(so) for check, so in checks.items()}
        outcome.state = "passed" if all(outcome.checks.values()) else "failed"
        outcome.why = "; ".join(f"not so: {check}" for check, so in outcome.checks.items() if not so)
    except NotYet as e:
        outcome.why, outcome.figures = str(e), e.figures
    except TrialError as e:
        outcome.state, outcome.why = "failed", str(e)
    outcome.figures["xruns"] = on.xruns() - before
    return outcome


def table(outcomes: list[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        programs = ", ".join(f"{p} {v}" for p, v in outcome.programs.items())
        lines.append(
            f"{outcome.state:8} {outcome.name}: {outcome.tried} ({programs})" + (f"\n         {outcome.why}" if outcome.why else "")
        )
        for key, value in outcome.figures.items():
            lines.append(f"           {key:32} " + (f"{value:10.3f}" if isinstance(value, float) else f"{value!s:>10}"))
        lines += [f"           {'yes' if so else 'NO':3} {check}" for check, so in outcome.checks.items()]
    counts = [f"{sum(o.state == state for o in outcomes)} {state}" for state in ("passed", "failed", "not run")]
    return "\n".join([*lines, ", ".join(counts)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--only", choices=TRIALS, action="append", metavar="NAME", help=f"one trial, or several: {', '.join(TRIALS)}")
    parser.add_argument("--json", metavar="FILE", help="write versions, figures and checks there")
    parser.add_argument("--keep", metavar="FOLDER", help="keep takes, sounds and sessions there; the folder must not exist")
    parser.add_argument("--server", choices=SERVERS, default="realtime", help="how jackd is run: " + ", ".join(SERVERS))
    args = parser.parse_args()
    if sys.platform != "linux" or shutil.which("jackd") is None:
        print("the trials need Linux and jackd: apt-get install --no-install-recommends jackd2", file=sys.stderr)
        return 2
    folder = Path(args.keep or tempfile.mkdtemp(prefix="improv-trials-")).absolute()
    folder.mkdir(parents=True, exist_ok=not args.keep)
    machine = {
        "system": platform.platform(),
        "cores": os.cpu_count() or 0,
        "jackd2": version("jackd2"),
        "server": "dummy driver, 48000 Hz, 128 frames, " + " ".join(SERVERS[args.server]),
    }
    print("\n".join(f"{key:8} {value}" for key, value in machine.items()), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    outcomes = []
    for name in args.only or TRIALS:
        place = folder / name
        place.mkdir()
        with rig(place, SERVERS[args.server]) as on:
            outcomes.append(run(name, TRIALS[name], on))
        print(table(outcomes[-1:]).rsplit("\n", 1)[0], flush=True)
    print(table(outcomes).rsplit("\n", 1)[-1])
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": machine, "trials": [asdict(o) for o in outcomes]}, indent=1) + "\n")
    if not args.keep:
        shutil.rmtree(folder)
    return 1 if any(o.state == "failed" for o in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
