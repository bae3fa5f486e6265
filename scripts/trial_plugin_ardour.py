"""improv's plugin in Ardour 7, without a screen: its notes against their recording, and no note left when the transport breaks or loops.

    python scripts/trial_plugin_ardour.py                # ten takes, ten loops, about four minutes
    python scripts/trial_plugin_ardour.py --takes 3 --json figures.json --keep takes/

On Linux with jackd and Ardour 7 (Debian: apt-get install jackd2 ardour). The plugin plays a solo on a MIDI track, and the next track
records it. Meant is each note's time in the engine's own session record, from where the host began. Ardour moves all that it records
by what it takes for the connection's latency, so the distance that all notes of a take share is told apart from their spread; and it
records on a grid of 1,920 ticks a quarter, which is 12.5 frames here.

Then the session is opened again, and the plugin with it, with a loop of one bar: ten more takes go round in it. Here jack_midi_dump
notes the frame of each note that leaves Ardour. Exit code: 0 passed, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from trial_ardour import BPM, SUPERCLOCK, TRIES, read_takes
from trial_rig import OFF, ON, RATE, SERVERS, LineTracker, Rig, TrialError, connected, kind, rig, started

from improv.bridge.bundles import binary, write_lv2
from improv.bridge.library import LEFT_OUT

SCRIPT, LOOP = (Path(__file__).with_name(f"trial_plugin_ardour{which}.lua") for which in ("", "_loop"))
DUMPED = re.compile(r"^\s*(\d+):\s+([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2})", re.MULTILINE)
TICK = RATE * 60 / BPM / 1920  # frames: Ardour's rounding
BEAT = RATE * 60 / BPM


def prepared(folder: Path) -> dict[str, str]:
    """The plugin, a Python for it, and a place for its sessions, in a folder of the trial's own."""
    built = binary()
    if built is None:
        raise TrialError(LEFT_OUT)
    write_lv2(folder / "lv2", built)
    python = folder / "python"
    root = Path(__file__).parents[1]
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / "plugin.conf").write_text(f"improv plugin 1\npython={python}\n")
    return {
        "LV2_PATH": f"{folder / 'lv2'}:/usr/lib/lv2",
        "IMPROV_PLUGIN_SETTINGS": str(folder / "plugin.conf"),
        "XDG_DATA_HOME": str(folder / "own"),
    }


def in_ardour(jack: Rig, takes: int, seconds: float) -> tuple[Path, list[list[int]]]:
    """Ardour's session folder, and what was heard after the takes. About one start in five fails: again then."""
    ear = LineTracker("ear")
    said = ""
    for attempt in range(TRIES):
        folder, log = jack.folder / f"ardour-{attempt}", jack.folder / f"ardour-{attempt}.log"
        own = prepared(jack.folder) | {"TRIAL_DIR": str(folder), "TRIAL_TAKES": str(takes), "TRIAL_SECONDS": str(seconds)}
        with open(log, "wb") as out:
            child = subprocess.Popen(["ardour7-lua", str(SCRIPT)], env=os.environ | own, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        before = 0
        while child.poll() is None:
            connected("ardour:improv/midi_out 1", ear.name)
            if b"breaks" not in log.read_bytes():
                before = len(ear.log())
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.2)
        said = log.read_text(errors="replace")
        if child.returncode == 0 and said.count("rolled to") == takes:
            return folder, [message for _, message in ear.log()[before:]]
        if "Error:" in said and "JACK HALTED" not in said:
            break
    raise TrialError(f"ardour7-lua fails: {said[-400:]}")


def meant_takes(folder: Path) -> list[list[tuple[float, int]]]:
    """The note-ons of each session of the engine, in order: frames since the song's start, pitch. Those of no note are left out."""
    found = []
    for path in sorted(folder.glob("**/*.jsonl"), key=lambda p: p.stat().st_mtime_ns):
        events = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        start = next((e["position"] * BEAT for e in events if e.get("heard") == "HostTime" and e["playing"]), None)
        notes = [(start + e["time"] * RATE, e["pitch"]) for e in events if e.get("played") == "NoteOn" and start is not None]
        if notes:
            found.append(notes)
    return found


def with_a_loop(folder: Path, frames: int) -> None:
    """Writes a loop from the song's start into the session's file."""
    path = folder / "take.ardour"
    tree = ElementTree.parse(path)
    places = tree.getroot().find("Locations")
    if places is None:
        raise TrialError(f"{path} has no locations")
    end = f"a{frames * SUPERCLOCK // RATE}"
    of = {"id": "900001", "name": "Loop", "start": "a0", "end": end, "flags": "IsAutoLoop", "locked": "0", "timestamp": "0", "cue": "0"}
    ElementTree.SubElement(places, "Location", of)
    tree.write(path, encoding="UTF-8", xml_declaration=True)


def dumped(path: Path) -> list[tuple[int, list[int]]]:
    """Frames and messages, as jack_midi_dump wrote them."""
    return [(int(line[0]), [int(byte, 16) for byte in line[1:]]) for line in DUMPED.findall(path.read_text(errors="replace"))]


def in_a_loop(jack: Rig, folder: Path, takes: int, seconds: float) -> dict[str, object]:
    """The session goes round in a loop of one bar, take after take: how its notes lie, and what hangs."""
    bar = round(4 * BEAT)
    with_a_loop(folder, bar)
    before = set((jack.folder / "own").glob("**/*.jsonl"))
    own = prepared(jack.folder) | {"TRIAL_DIR": str(folder), "TRIAL_LOOPS": str(takes), "TRIAL_SECONDS": str(seconds)}
    log, out = jack.folder / "loop.log", jack.folder / "loop.txt"
    with started("stdbuf", "-oL", "jack_midi_dump", "-a", "dump", out=out, end=signal.SIGINT):
        with open(log, "wb") as said:
            child = subprocess.Popen(["ardour7-lua", str(LOOP)], env=os.environ | own, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        while child.poll() is None:
            connected("ardour:improv/midi_out 1", "dump:input")
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.5)
    if child.returncode or log.read_text(errors="replace").count("looped to") != takes:
        raise TrialError(f"ardour7-lua fails: {log.read_text(errors='replace')[-400:]}")
    heard = dumped(out)
    notes = [(float(frame), message[1]) for frame, message in heard if message[0] & 0xF0 == ON and message[2]]
    lines: list[dict[str, float]] = []
    for path in sorted(set((jack.folder / "own").glob("**/*.jsonl")) - before, key=lambda p: p.stat().st_mtime_ns):
        events = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        places = [e for e in events if e.get("heard") == "HostTime" and e["playing"]]
        wanted = [(e["time"] * RATE, e["pitch"]) for e in events if e.get("played") == "NoteOn"]
        turns = [e["time"] * RATE - e["position"] * BEAT for e in places[1:]]  # where the bar began anew
        if not wanted or not places:
            continue
        errors = errors_of(notes, wanted)
        notes = notes[len(wanted) :]
        off = max((abs(turn / bar - round(turn / bar)) * bar for turn in turns), default=float("nan"))
        line = {"notes": len(wanted), "compared": len(errors), "spread_frames": float(np.ptp(errors)) if len(errors) else float("nan")}
        lines.append(line | {"turns": len(turns), "turn_off_frames": off})
    ons, left = hanging([message for _, message in heard])
    exact = [line for line in lines if line["spread_frames"] <= 1 and line["turn_off_frames"] <= TICK + 1]
    good = [line for line in exact if line["compared"] > 2 and line["turns"] >= 2]
    return {"loops": len(lines), "loops_within": len(good), "each_loop": lines, "loop_notes": ons, "loop_hanging": left}


def errors_of(recorded: list[tuple[float, int]], wanted: list[tuple[float, int]]) -> np.ndarray:
    """Frames from where notes were meant to be to where they are, by equal pitches in order."""
    same = SequenceMatcher(None, [p for _, p in wanted], [p for _, p in recorded], autojunk=False).get_matching_blocks()
    pairs = [(block.a + i, block.b + i) for block in same for i in range(block.size)]
    return np.array([recorded[b][0] - wanted[a][0] for a, b in pairs if recorded[b][0] > recorded[0][0] or b > 0])


def hanging(heard: list[list[int]]) -> tuple[int, int]:
    """How many note-ons were heard, and how many never ended."""
    sounding: set[tuple[int, int]] = set()
    count = 0
    for message in heard:
        key = (message[0] & 15, message[1])
        if kind(message) == ON:
            count += 1
            sounding.add(key)
        elif kind(message) == OFF:
            sounding.discard(key)
    return count, len(sounding)


def trial(jack: Rig, takes: int, seconds: float, loops: int) -> dict[str, object]:
    folder, heard = in_ardour(jack, takes, seconds)
    recorded, wanted = read_takes(folder), meant_takes(jack.folder / "own")
    lines = []
    for take in recorded:
        notes = [(beat * BEAT, pitch) for beat, _, pitch in take.notes]
        near = [errors_of(notes, each) for each in wanted if abs(each[0][0] - take.at * BEAT) < 4 * BEAT]
        errors = min(near, key=lambda found: (-len(found), np.ptp(found) if len(found) else 0.0), default=np.array([]))
        spread = float(np.ptp(errors)) if len(errors) else float("nan")
        lines.append(
            {
                "notes": len(notes),
                "compared": len(errors),
                "shift_frames": float(np.median(errors)) if len(errors) else None,
                "spread_frames": spread,
            }
        )
    ons, left = hanging(heard)
    good = [line for line in lines if line["compared"] > 3 and line["spread_frames"] <= TICK + 1]  # type: ignore[operator]
    looped = in_a_loop(jack, folder, loops, 7.0) if loops else {}
    figures: dict[str, object] = {"takes": len(lines), "within": len(good), "each": lines, "breaks_notes": ons, "hanging": left}
    return figures | looped | {"xruns": jack.xruns()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each take rolls (default 4)")
    parser.add_argument("--loops", type=int, default=10, help="takes in a loop (default 10)")
    parser.add_argument("--server", choices=SERVERS, default="sync")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what was recorded there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with rig(folder, SERVERS[args.server]) as jack:
                figures = trial(jack, args.takes, args.seconds, args.loops)
        except (TrialError, FileNotFoundError) as e:
            print(f"trial_plugin_ardour: {e}", file=sys.stderr)
            return 1
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    for line in figures.pop("each"):  # type: ignore[attr-defined]
        print("{notes} notes, {compared} compared: shifted by {shift_frames} frames, spread {spread_frames:.1f}".format(**line))
    for line in figures.pop("each_loop", []):  # type: ignore[attr-defined]
        text = (
            "loop: {notes} notes, {compared} compared: spread {spread_frames:.1f} frames; {turns} turns, {turn_off_frames:.1f} frames off"
        )
        print(text.format(**line))
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    good = figures["within"] == args.takes and figures["hanging"] == 0
    return int(not (good and figures.get("loops_within", 0) == args.loops and figures.get("loop_hanging", 0) == 0))


if __name__ == "__main__":
    sys.exit(main())
