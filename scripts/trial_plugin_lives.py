"""The plugin's lives in a host that nobody here wrote (minihost), with the real engine: what is left, what hangs, what comes back.

    pip install minihost
    python scripts/trial_plugin_lives.py                        # about two minutes
    python scripts/trial_plugin_lives.py --activations 100 --only killed

Nothing of the user's is touched: the trials have a folder of their own. Exit code: 0 all passed, 1 one failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import minihost
import numpy as np

from improv.bridge.bundles import binary, write_vst3
from improv.bridge.instances import instances, tell
from improv.bridge.library import LEFT_OUT
from improv.bridge.parameters import NUMBERS, PARAMETERS

RATE, BLOCK = 48_000, 256
SECONDS = 60.0  # for what takes some on a busy machine


class Track:
    """An instance of the plugin that plays a solo in time."""

    def __init__(self, bundle: Path):
        self.plugin = minihost.Plugin(str(bundle), sample_rate=RATE, max_block_size=BLOCK)
        self.plugin.set_param(NUMBERS["mode"], 1 / (len(PARAMETERS[0].words) - 1))  # solo
        self.sounding: set[int] = set()
        self.notes = 0
        self._frame = 0

    def block(self, playing: bool = True) -> None:
        self.plugin.set_transport(120.0, 4, 4, self._frame, self._frame / RATE * 2, playing)
        silence, out = np.zeros((2, BLOCK), np.float32), np.zeros((2, BLOCK), np.float32)
        for _, status, pitch, _ in self.plugin.process_midi(silence, out, [], 1024):
            if status & 0xF0 == 0x90:
                self.notes += 1
                self.sounding.add(pitch)
            else:
                self.sounding.discard(pitch)
        self._frame += BLOCK * playing


def rolled(tracks: list[Track], until: Callable[[], bool], playing: bool = True) -> bool:
    """Blocks in real time until something is so; False if it does not come about."""
    start = time.perf_counter()
    for number in range(int(SECONDS * RATE / BLOCK)):
        for track in tracks:
            track.block(playing)
        if until():
            return True
        time.sleep(max(0.0, start + number * BLOCK / RATE - time.perf_counter()))
    return False


def ready(count: int) -> Callable[[], bool]:
    return lambda: sum(one.status == "ready" for one in instances(rings())) >= count


def rings() -> Path:
    return Path(os.environ["XDG_RUNTIME_DIR"], "improv")


def left() -> list[str]:
    """Files of instances that have gone, once their engines had time to go as well."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and any(rings().glob("*.ring")):
        time.sleep(0.1)
    return sorted(path.name for path in rings().glob("*"))


def activations(bundle: Path, count: int) -> Iterator[str]:
    """One instance is activated many times, in mid-play, at two sample rates."""
    track = Track(bundle)
    if not rolled([track], ready(1)):
        yield "its engine does not start"
        return
    engines = {one.engine for one in instances(rings())}
    files, start = len(os.listdir("/proc/self/fd")), time.perf_counter()
    for number in range(count):
        track.plugin.sample_rate = 44_100.0 if number % 2 else 48_000.0
        for _ in range(3):
            track.block()
    took = time.perf_counter() - start
    (ring,) = rings().glob("*.ring")
    (counted,) = struct.unpack_from("<I", ring.read_bytes(), 132)  # see plugin/bridge.h
    if counted < count:
        yield f"the host activated it {counted} times"
    before = track.notes
    if not rolled([track], lambda: track.notes > before + 3):
        yield "it plays no more"
    rolled([track], lambda: not track.sounding, playing=False)
    if track.sounding:
        yield f"{len(track.sounding)} notes hang"
    if {one.engine for one in instances(rings())} != engines:
        yield "another engine serves it"
    if len(os.listdir("/proc/self/fd")) > files:
        yield f"{len(os.listdir('/proc/self/fd')) - files} files are left open"
    print(f"  {counted} activations in {took:.1f} s")
    track.plugin.close()


def lives(bundle: Path, count: int) -> Iterator[str]:
    """Instances come and go, each activated, no engine asked for yet."""
    Track(bundle).plugin.close()  # what the host keeps open for itself
    files, start = len(os.listdir("/proc/self/fd")), time.perf_counter()
    for _ in range(count := count // 5):
        Track(bundle).plugin.close()
    print(f"  {count} instances in {time.perf_counter() - start:.1f} s")
    if len(os.listdir("/proc/self/fd")) > files:
        yield f"{len(os.listdir('/proc/self/fd')) - files} files are left open"


def eight(bundle: Path, count: int) -> Iterator[str]:
    """Eight instances play at once, and are taken out while they play."""
    tracks = [Track(bundle) for _ in range(8)]
    if not rolled(tracks, ready(8), playing=False):
        yield f"{sum(one.status == 'ready' for one in instances(rings()))} of 8 engines start"
    if not rolled(tracks, lambda: all(track.notes > 3 for track in tracks)):
        yield f"notes: {[track.notes for track in tracks]}"
    for track in tracks:
        track.plugin.close()


def killed(bundle: Path, count: int) -> Iterator[str]:
    """The engine is killed in mid-play: silence, and then a new one."""
    track = Track(bundle)
    rolled([track], lambda: ready(1)() and track.notes > 2 and bool(track.sounding))
    (pid,) = {one.engine for one in instances(rings())}
    os.kill(pid, signal.SIGKILL)
    start = time.perf_counter()
    if not rolled([track], lambda: not track.sounding):
        yield "notes hang"
    print(f"  silent {1000 * (time.perf_counter() - start):.0f} ms after the engine was killed")
    before = track.notes
    if not rolled([track], lambda: track.notes > before + 3):
        yield "no other engine plays"
    print(f"  another plays after {time.perf_counter() - start:.1f} s")
    track.plugin.close()


def gone(bundle: Path, count: int) -> Iterator[str]:
    """The Python that was remembered has gone: silence, and the reason."""
    settings = Path(os.environ["IMPROV_PLUGIN_SETTINGS"])
    kept = settings.read_text()
    for text, expected in ((kept.replace("python=", "python=/nowhere"), "Python has gone"), ("", "not installed")):
        settings.write_text(text)
        track = Track(bundle)
        if not rolled([track], lambda expected=expected: any(one.status == expected for one in instances(rings()))):
            yield f"it does not say: {expected}"
        track.plugin.close()
    settings.write_text(kept)


def told(expected: str) -> Callable[[], bool]:
    return lambda: any(expected in one.text for one in instances(rings()))


def moved(bundle: Path, count: int) -> Iterator[str]:
    """A project goes to a machine that has another folder of files, another Python, and not the project's model, and comes back."""
    track = Track(bundle)
    if not rolled([track], ready(1), playing=False):
        yield "its engine does not start"
        return
    elsewhere = Path(os.environ["XDG_DATA_HOME"], "mia")
    mine = Path(__file__).parents[1] / "models" / "mia"  # a model of the user's own
    try:
        shutil.copytree(mine.with_name("tutorial"), mine)
        for wish in ({"model": "mia", "changes": "Dm7 | G7"}, {"set": {"density": 0.5}}):
            tell(instances(rings())[0], json.dumps(wish).encode())
            rolled([track], told(f"{list(wish)[-1].replace('set', 'density')} taken over"), playing=False)
        kept = track.plugin.get_state()
        yield from _back_home(track)
        shutil.move(mine, elsewhere)
        kept = yield from _elsewhere(bundle, kept)
        shutil.move(elsewhere, mine)
        track = Track(bundle)
        track.plugin.set_state(kept)
        if abs(track.plugin.get_param(NUMBERS["density"]) - 0.625) > 1e-6:
            yield "a parameter comes back as another"
        yield from _back_home(track)
        latest = max(Path(os.environ["XDG_DATA_HOME"]).glob("**/*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        if json.loads(latest.read_text().splitlines()[0])["changes"] != "Dm7 | G7":
            yield "the changes are lost"
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def _back_home(track: Track) -> Iterator[str]:
    if not rolled([track], told("solo with mia")):
        yield f"at home: {[one.text for one in instances(rings())]}"
    track.plugin.close()
    left()


def _elsewhere(bundle: Path, kept: bytes) -> Generator[str, None, bytes]:
    """The project is opened on three other machines, one after another, and saved there. Returns what comes back."""
    settings, runtime = Path(os.environ["IMPROV_PLUGIN_SETTINGS"]), os.environ["XDG_RUNTIME_DIR"]
    for python, expected in (("/nowhere/python", "Python has gone"), (None, "not installed"), ("", "ready")):
        with tempfile.TemporaryDirectory(prefix="improv-") as there:
            os.environ |= {"XDG_RUNTIME_DIR": there, "IMPROV_PLUGIN_SETTINGS": f"{there}/plugin.conf"}
            if python is not None:
                Path(there, "plugin.conf").write_text(f"improv plugin 1\npython={python}\n" if python else settings.read_text())
            track = Track(bundle)
            track.plugin.set_state(kept)
            if not rolled([track], lambda expected=expected: any(one.status == expected for one in instances(rings()))):
                yield f"it does not say: {expected}"
            if not python and python is not None and not rolled([track], told("'mia' is not on this machine")):
                yield f"it does not say what is missing: {[one.text for one in instances(rings())]}"
            kept = track.plugin.get_state()
            track.plugin.close()
            left()
    os.environ |= {"XDG_RUNTIME_DIR": runtime, "IMPROV_PLUGIN_SETTINGS": str(settings)}
    return kept


def tidied(bundle: Path, count: int) -> Iterator[str]:
    """Its file is taken away while it plays: it plays on, and has a new one once it is activated again."""
    track = Track(bundle)
    if not rolled([track], lambda: track.notes > 2):
        yield "it does not play"
    (ring,) = rings().glob("*.ring")
    ring.unlink()
    before = track.notes
    if not rolled([track], lambda: track.notes > before + 2):
        yield "it stops"
    track.plugin.sample_rate = 44_100.0  # which activates it
    before = track.notes
    if not rolled([track], lambda: ready(1)() and track.notes > before + 2):
        yield "no engine comes back"
    track.plugin.close()


TRIALS: dict[str, Callable[[Path, int], Iterator[str]]] = {
    "lives": lives, "activations": activations, "eight": eight, "killed": killed, "gone": gone, "moved": moved, "tidied": tidied,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activations", type=int, default=1000)
    parser.add_argument("--only", choices=TRIALS, nargs="*")
    args = parser.parse_args()
    built = binary()
    if built is None:
        print(LEFT_OUT, file=sys.stderr)
        return 1
    failed = 0
    with tempfile.TemporaryDirectory(prefix="improv-") as temporary:
        folder = Path(temporary)
        python = folder / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH="{Path(__file__).parents[1]}" exec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (folder / "plugin.conf").write_text(f"improv plugin 1\npython={python}\n")
        (folder / "run").mkdir(mode=0o700)
        own = {"XDG_RUNTIME_DIR": folder / "run", "XDG_DATA_HOME": folder, "IMPROV_PLUGIN_SETTINGS": folder / "plugin.conf"}
        os.environ.update({name: str(path) for name, path in own.items()})
        bundle = write_vst3(folder, built)
        for name in args.only or TRIALS:
            print(f"{name}: {(TRIALS[name].__doc__ or '').strip()}")
            faults = list(TRIALS[name](bundle, args.activations))
            faults += [f"left: {file}" for file in left() if not file.endswith(".log")]
            failed += bool(faults)
            print("\n".join(f"  FAILED: {fault}" for fault in faults) or "  passed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
