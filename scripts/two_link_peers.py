"""Two Ableton Link peers, each in a process of its own: improv's, and the bare library as the band. Who follows whom, how exactly?

    unshare -rn python scripts/two_link_peers.py          # in a network of their own (Linux)
    sudo python scripts/two_link_peers.py --apart         # in two networks, with a cable (veth) between them
    python scripts/two_link_peers.py --here               # on this network: who plays on it with Link will hear of it

Exit code 1 if the peers don't meet within 20 s, or if a tempo, a start or a stop is not followed within 5 s.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import queue
import socket
import struct
import subprocess
import sys
import time
from typing import Any

QUANTUM = 4.0
READINGS = 200
NAMES = ("improv-link-a", "improv-link-b")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apart", action="store_true", help="two networks with a cable between them; takes root")
    parser.add_argument("--here", action="store_true", help="on this network")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--band", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.band:
        return band()
    if args.apart:
        return apart(args)
    if not args.here and os.environ.get("IMPROV_LINK_NET") is None:
        if [name for _, name in socket.if_nameindex()] != ["lo"]:
            print("this network is shared; see --help for one of their own, or --here", file=sys.stderr)
            return 1
        loopback_up()
    found = meet(["ip", "netns", "exec", NAMES[1]] if os.environ.get("IMPROV_LINK_NET") else [])
    print(json.dumps(found) if args.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    return 1 if "failed" in found else 0


def loopback_up() -> None:
    """A fresh network's only interface is down; as `ip link set lo up`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING


def apart(args: argparse.Namespace) -> int:
    """Run again, in the first of two networks."""
    run = lambda text: subprocess.run(text.split(), check=True)  # noqa: E731
    try:
        for name in NAMES:
            run(f"ip netns add {name}")
        run(f"ip link add veth-a netns {NAMES[0]} type veth peer name veth-b netns {NAMES[1]}")
        for i, name in enumerate(NAMES):
            run(f"ip -n {name} addr add 10.77.0.{i + 1}/24 dev veth-{'ab'[i]}")
            run(f"ip -n {name} link set veth-{'ab'[i]} up")
            run(f"ip -n {name} link set lo up")
            run(f"ip -n {name} route add default dev veth-{'ab'[i]}")  # multicast needs a way out
        command = ["ip", "netns", "exec", NAMES[0], sys.executable, __file__, *(["--json"] if args.json else [])]
        return subprocess.run(command, env=os.environ | {"IMPROV_LINK_NET": "1"}).returncode
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], check=False)


def band() -> int:
    """The bare library: does what standard input says, a line at a time, and answers with its state as JSON."""
    from link import Link

    link = Link(120.0)
    link.startStopSyncEnabled = True
    link.enabled = True
    clock = link.clock()
    for line in sys.stdin:
        word, *rest = line.split()
        state = link.captureAppSessionState()
        if word == "tempo":
            state.setTempo(float(rest[0]), clock.micros())
        elif word in ("play", "stop"):
            state.setIsPlaying(word == "play", clock.micros())
        link.commitAppSessionState(state) if word != "read" else None
        readings = []
        for _ in range(5):
            before, micros, after = time.perf_counter(), clock.micros(), time.perf_counter()
            readings.append((after - before, (before + after) / 2, micros))
        _, at, micros = min(readings)
        said = {"time": at, "phase": state.phaseAtTime(micros, QUANTUM), "tempo": state.tempo(), "playing": state.isPlaying()}
        print(json.dumps(said | {"peers": link.numPeers()}), flush=True)
    link.enabled = False
    return 0


def meet(prefix: list[str]) -> dict[str, Any]:
    """Join a session with the band and try everything. `failed` says what did not come."""
    from improv.core.events import Sync
    from improv.perform.link import Link

    inbox: queue.SimpleQueue[Sync] = queue.SimpleQueue()
    other = subprocess.Popen([*prefix, sys.executable, __file__, "--band"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    last: list[Sync] = []

    def ask(words: str) -> dict[str, Any]:
        assert other.stdin
        assert other.stdout
        other.stdin.write(words + "\n")
        other.stdin.flush()
        answer: dict[str, Any] = json.loads(other.stdout.readline())
        return answer

    def drain(seconds: float) -> None:
        """Take what is told for so long."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            try:
                last[:] = [inbox.get(timeout=left)]
            except queue.Empty:
                return

    def until(what: str, holds: Any, seconds: float = 5.0) -> float:
        """Milliseconds until it holds. Raises TimeoutError."""
        began = time.perf_counter()
        while not (last and holds()):
            if time.perf_counter() - began > seconds:
                raise TimeoutError(f"{what}: not within {seconds:g} s")
            drain(0.002)
        return round((time.perf_counter() - began) * 1000, 1)

    ask("tempo 89")
    time.sleep(2.0)  # the older session is the one that holds
    link = Link(time.perf_counter, inbox.put, 120.0, QUANTUM)
    found: dict[str, Any] = {}
    try:
        found["met_ms"] = until("the peers meet", lambda: link.peers == 1 and ask("read")["peers"] == 1, 20.0)
        drain(0.2)
        found["tempo_joined"] = [round(last[-1].tempo, 2), round(ask("read")["tempo"], 2)]
        found["tempo_followed"], found["playing"], found["told_ms"] = [], [last[-1].playing], []
        for tempo in (97.0, 131.0):
            ask(f"tempo {tempo}")
            found["told_ms"].append(until(f"tempo {tempo:g}", lambda t=tempo: abs(last[-1].tempo - t) < 0.01))
            found["tempo_followed"].append(round(last[-1].tempo, 2))
        ask("play")
        drain(0.5)
        for word in ("stop", "play"):
            ask(word)
            found["told_ms"].append(until(word, lambda w=word: last[-1].playing == (w == "play")))
            found["playing"].append(last[-1].playing)
        link.set_tempo(111.0)
        until("our tempo with the band", lambda: abs(ask("read")["tempo"] - 111.0) < 0.01)
        found["tempo_led"] = round(ask("read")["tempo"], 2)
        drain(1.0)
        off, cpu, began = [], time.process_time(), time.perf_counter()
        for _ in range(READINGS):
            drain(0.02)
            theirs, sync = ask("read"), last[-1]
            ours = sync.beat + (theirs["time"] - sync.time) * sync.tempo / 60
            beats = math.remainder(ours - theirs["phase"], QUANTUM)
            off.append(abs(beats) * 60 / sync.tempo * 1000)
        found["cpu_percent"] = round(100 * (time.process_time() - cpu) / (time.perf_counter() - began), 2)
        off.sort()
        found["bar_off_ms"], found["bar_off_p50_ms"] = round(off[-1], 4), round(off[len(off) // 2], 4)
        found["map_error_us"] = round(link.error * 1e6, 2)
    except TimeoutError as e:
        found["failed"] = str(e)
    finally:
        link.close()
        assert other.stdin
        other.stdin.close()
        other.wait(10)
    return found


if __name__ == "__main__":
    sys.exit(main())
