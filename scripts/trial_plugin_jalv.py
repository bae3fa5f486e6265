"""improv's LV2 plugin in jalv on JACK, whose transport has klick as its timebase master: notes where they belong, and none that hangs.

    python scripts/trial_plugin_jalv.py                  # ten takes, about a minute and a half
    python scripts/trial_plugin_jalv.py --takes 3 --json figures.json

On Linux with jackd, jalv and klick (Debian: apt-get install jackd2 jalv klick). klick sets the tempo, 132, and says bar and beat. Each
take is located, started and stopped with jack_transport; then it is located while it rolls. jack_midi_dump notes the frame of each
message. Meant is each note's time in the engine's own session record, from where the host began. Exit code: 0 passed, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from trial_plugin_ardour import dumped, errors_of, hanging, prepared
from trial_rig import RATE, SERVERS, Rig, TrialError, connect, rig, started, transport

from improv.bridge.instances import instances
from improv.bridge.library import path_of

TEMPO = 132.0
TICK = 60.0 / TEMPO / 1920  # seconds: what klick rounds a place to
BAR = 4 * 60 * RATE / TEMPO  # frames
WAITS = 60.0  # seconds, for an engine to start


@contextmanager
def playing(own: dict[str, str]) -> Iterator[None]:
    """jalv with the plugin, which plays a solo as soon as the transport rolls."""
    command = ["jalv", "-x", "-n", "improv-plugin", "-c", "mode=1", "urn:improv:plugin"]
    with subprocess.Popen(
        command, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as jalv:
        try:
            end = time.monotonic() + WAITS
            while not any(one.host == jalv.pid and one.status == "ready" for one in instances(path_of("improv_folder"))):
                if jalv.poll() is not None or time.monotonic() > end:
                    raise TrialError("jalv does not start, or its engine doesn't")
                time.sleep(0.2)
            yield
        finally:
            assert jalv.stdin
            jalv.stdin.close()  # it ends with its input


def rolled(takes: int, seconds: float) -> list[int]:
    """Takes, each begun at another place; then ten places while it rolls. Returns where the takes began, in frames."""
    places = [round(number * 2 * BAR) + 1234 * number for number in range(takes)]
    for place in places:
        transport(f"locate {place}")
        time.sleep(0.5)
        transport("play")
        time.sleep(seconds)
        transport("stop")
        time.sleep(0.5)
    transport("locate 0", "play")
    for number in range(10):
        time.sleep(0.9)
        transport(f"locate {round((number % 3) * 5.5 * BAR)}")
    transport("stop")
    time.sleep(0.5)
    return places


def meant(folder: Path) -> list[tuple[float, list[tuple[float, int]]]]:
    """Of each session, in order: the place where the host started, in quarter notes, and the note-ons since: frames, pitch."""
    found = []
    for path in sorted(folder.glob("**/*.jsonl"), key=lambda p: p.stat().st_mtime_ns):
        events = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        start = next((e["position"] for e in events if e.get("heard") == "HostTime" and e["playing"]), None)
        notes = [(e["time"] * RATE, e["pitch"]) for e in events if e.get("played") == "NoteOn"]
        if notes and start is not None:
            found.append((start, notes))
    return found


def trial(jack: Rig, takes: int, seconds: float) -> dict[str, object]:
    out = jack.folder / "dump.txt"
    own = prepared(jack.folder)
    listening = "stdbuf", "-oL", "jack_midi_dump", "-a", "dump"
    with started("klick", "-n", "klick", "-T", f"{TEMPO:g}"), playing(own), started(*listening, out=out, end=signal.SIGINT):
        connect("improv-plugin:played", "dump:input")
        places = rolled(takes, seconds)
    heard = dumped(out)
    notes = [(float(frame), message[1]) for frame, message in heard if message[0] & 0xF0 == 0x90 and message[2]]
    lines = []
    for place, (start, wanted) in zip(places, meant(jack.folder / "own")[:takes], strict=False):
        errors = errors_of(notes, wanted)
        taken = len(wanted)
        notes = notes[max(taken, 0) :]
        lines.append(
            {
                "notes": taken,
                "compared": len(errors),
                "spread_frames": float(np.ptp(errors)) if len(errors) else float("nan"),
                "place_off_ms": 1000 * (start * 60.0 / TEMPO - place / RATE),
            }
        )
    ons, left = hanging([message for _, message in heard])
    good = [one for one in lines if one["compared"] > 2 and one["spread_frames"] <= 1 and abs(one["place_off_ms"]) <= 1000 * TICK + 0.03]
    return {"takes": len(lines), "within": len(good), "each": lines, "notes": ons, "hanging": left, "xruns": jack.xruns()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each take rolls (default 4)")
    parser.add_argument("--server", choices=SERVERS, default="sync")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            with rig(Path(temporary), SERVERS[args.server]) as jack:
                figures = trial(jack, args.takes, args.seconds)
        except (TrialError, FileNotFoundError) as e:
            print(f"trial_plugin_jalv: {e}", file=sys.stderr)
            return 1
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    for line in figures.pop("each"):  # type: ignore[attr-defined]
        print(
            "{notes} notes, {compared} compared: spread {spread_frames:.1f} frames; the take's place off by {place_off_ms:.3f} ms".format(
                **line
            )
        )
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    return int(figures["within"] != args.takes or figures["hanging"] != 0)


if __name__ == "__main__":
    sys.exit(main())
