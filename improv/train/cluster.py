"""Which machines train together, and their meeting before TensorFlow starts. The standard library alone.

TensorFlow waits for its cluster where no Ctrl-C reaches it; so the workers meet first, on worker 0's port:
each of the others says its number there, and when all are there worker 0 says go.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from improv.core.errors import ImprovError

_HELLO, _GO = b"improv worker ", b"go\n"


class WorkersError(ImprovError):
    """Workers that can't be started, or one that stopped; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """All workers, host:port, the chief first; and which of them this one is."""

    addresses: tuple[str, ...]
    rank: int


def cluster_of(workers: str | None, worker: int | None, environ: Mapping[str, str]) -> Cluster | None:
    """The cluster that the command line names, or else TF_CONFIG; None to train alone. Raises WorkersError."""
    if workers is None:
        if worker is not None:
            raise WorkersError("--worker says which of --workers this one is; give both")
        return _of_environment(environ["TF_CONFIG"]) if environ.get("TF_CONFIG") else None
    addresses = tuple(a.strip() for a in workers.split(","))
    if worker is None:
        raise WorkersError(f"--worker is missing: which of the {len(addresses)} workers is this one, 0 to {len(addresses) - 1}?")
    return _checked(addresses, worker, "--workers", "--worker")


def _of_environment(text: str) -> Cluster | None:
    """TensorFlow's own description: {"cluster": {"worker": [...]}, "task": {"type": "worker", "index": 0}}."""
    try:
        config = json.loads(text)
        cluster, task = config.get("cluster") or {}, config.get("task") or {}
        if not cluster:
            return None
        strange = (set(cluster) | {task["type"]}) - {"chief", "worker"}
        if strange:
            raise WorkersError(f"TF_CONFIG names {', '.join(sorted(strange))}; here every task is of type chief or worker")
        chiefs = list(cluster.get("chief", []))
        rank = int(task["index"]) + (len(chiefs) if task["type"] == "worker" else 0)
        return _checked((*chiefs, *cluster.get("worker", [])), rank, "TF_CONFIG", "TF_CONFIG's task")
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise WorkersError(f"TF_CONFIG is not a cluster's description ({type(e).__name__}: {e}); unset it to train alone") from None


def _checked(addresses: tuple[str, ...], rank: int, named: str, ranked: str) -> Cluster | None:
    for address in addresses:
        if not re.fullmatch(r"\S+:\d{1,5}", str(address)) or not 0 < int(address.rsplit(":", 1)[1]) < 65536:
            raise WorkersError(f"{named}: {address!r} is not host:port")
    if len(set(addresses)) < len(addresses):
        raise WorkersError(f"{named}: an address occurs twice")
    if not 0 <= rank < len(addresses):
        raise WorkersError(f"{ranked} is {rank}; there are workers 0 to {len(addresses) - 1}")
    return Cluster(addresses, rank) if len(addresses) > 1 else None


def meet(cluster: Cluster) -> None:
    """Return when all workers are there, as all of them do. Ctrl-C ends the waiting. Raises WorkersError."""
    try:
        with socket.create_server(("", _port(cluster, cluster.rank))) as door:
            if cluster.rank == 0:
                _receive(door, len(cluster.addresses))
    except OSError as e:
        raise WorkersError(
            f"worker {cluster.rank} can't listen on {cluster.addresses[cluster.rank]}: {os.strerror(e.errno or 0)}"
        ) from None
    if cluster.rank:
        _arrive(cluster)


def _port(cluster: Cluster, rank: int) -> int:
    return int(cluster.addresses[rank].rpartition(":")[2])


def _receive(door: socket.socket, count: int) -> None:
    """Worker 0: let everybody in, then say go."""
    guests: dict[int, socket.socket] = {}
    door.settimeout(0.5)  # so that Ctrl-C is heard on every system
    try:
        while len(guests) < count - 1:
            try:
                guest, _ = door.accept()
            except TimeoutError:
                continue
            guest.settimeout(5)
            rank = _rank_of(guest)
            if 0 < rank < count:
                guests[rank] = guest  # who stopped and came again counts once
            else:
                guest.close()
        for guest in guests.values():
            guest.sendall(_GO)
    finally:
        for guest in guests.values():
            guest.close()


def _rank_of(guest: socket.socket) -> int:
    """The number that a guest says, or -1."""
    try:
        said = guest.makefile("rb").readline(64)
        return int(said.removeprefix(_HELLO)) if said.startswith(_HELLO) else -1
    except (OSError, ValueError):
        return -1


def _arrive(cluster: Cluster) -> None:
    """Another worker: say who is there until worker 0 says go."""
    host = cluster.addresses[0].rpartition(":")[0].strip("[]")
    while True:
        try:
            with socket.create_connection((host, _port(cluster, 0)), timeout=0.5) as door:
                door.sendall(_HELLO + b"%d\n" % cluster.rank)
                said = _word(door)
        except OSError:  # not there yet
            time.sleep(0.2)
            continue
        if said == _GO:
            return
        if said:
            raise WorkersError(f"what listens on {cluster.addresses[0]} is no improv worker that waits for others")


def _word(door: socket.socket) -> bytes:
    """What the other side says; empty if it goes away without a word."""
    while True:
        try:
            return door.recv(64)
        except TimeoutError:
            continue
