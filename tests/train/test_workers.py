"""Several workers: who they are, how they meet, and that their shares are the whole.

Two real workers take half a minute to start on a small machine: scripts/two_workers.py shows their curve beside that of one.
"""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.cli import main
from improv.train.cluster import Cluster, WorkersError, cluster_of, meet
from improv.train.workers import share_of

TWO = ("a:2000", "b:2000")


def config(cluster: object, kind: str = "worker", index: int = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("workers", "worker", "environ", "cluster"),
    [
        (None, None, {}, None),
        ("a:2000, b:2000", 1, {}, Cluster(TWO, 1)),
        ("a:2000", 0, {}, None),  # one worker trains alone
        (None, None, config({"worker": TWO}, index=1), Cluster(TWO, 1)),
        (None, None, config({"chief": TWO[:1], "worker": TWO[1:]}), Cluster(TWO, 1)),
        (None, None, config({"chief": TWO[:1], "worker": TWO[1:]}, "chief"), Cluster(TWO, 0)),
        ("c:1,d:1", 0, config({"worker": TWO}), Cluster(("c:1", "d:1"), 0)),  # what is said here counts
        (None, None, config({}), None),
        (None, None, {"TF_CONFIG": ""}, None),
    ],
)
def test_the_cluster_is_what_the_options_or_tf_config_name(
    workers: str | None, worker: int | None, environ: dict[str, str], cluster: Cluster | None
) -> None:
    assert cluster_of(workers, worker, environ) == cluster


@pytest.mark.parametrize(
    ("workers", "worker", "environ", "says"),
    [
        (None, 0, {}, "give both"),
        ("a:1,b:1", None, {}, "0 to 1"),
        ("a:1,b:1", 2, {}, "--worker is 2"),
        ("a:1,b", 0, {}, "'b' is not host:port"),
        ("a:1,b:70000", 0, {}, "not host:port"),
        ("a:1,a:1", 0, {}, "twice"),
        (None, None, {"TF_CONFIG": "{"}, "not a cluster's description"),
        (None, None, {"TF_CONFIG": "[]"}, "not a cluster's description"),
        (None, None, {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}}'}, "not a cluster's description"),
        (None, None, config({"worker": TWO}, index=5), "task is 5"),
        (None, None, config({"worker": TWO, "ps": ["c:1"]}), "names ps"),
    ],
)
def test_what_is_no_cluster_is_refused(workers: str | None, worker: int | None, environ: dict[str, str], says: str) -> None:
    with pytest.raises(WorkersError, match=says):
        cluster_of(workers, worker, environ)


def test_a_mistaken_cluster_ends_the_command_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")
    assert main(["train", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--workers", "a:1,b:1"]) == 2
    assert "--worker is missing" in capsys.readouterr().err


def free_addresses(count: int) -> tuple[str, ...]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = tuple(f"127.0.0.1:{door.getsockname()[1]}" for door in doors)
    for door in doors:
        door.close()
    return addresses


def test_workers_meet_in_any_order_and_a_stranger_at_the_door_is_no_worker() -> None:
    addresses, there = free_addresses(3), []

    def worker(rank: int) -> None:
        meet(Cluster(addresses, rank))
        there.append(rank)

    threads = {rank: threading.Thread(target=worker, args=(rank,), daemon=True) for rank in (2, 0, 1)}
    threads[2].start()
    threads[0].start()
    host, port = addresses[0].split(":")
    for said in (b"GET / HTTP/1.1\r\n", b"improv worker 7\n", b"improv worker x\n", b""):
        stranger = None
        while stranger is None:
            try:
                stranger = socket.create_connection((host, int(port)), 5)
            except ConnectionRefusedError:  # worker 0 is about to open its door
                continue
        with stranger:
            stranger.sendall(said)
    assert there == []
    threads[1].start()
    for thread in threads.values():
        thread.join(30)
    assert sorted(there) == [0, 1, 2]


def test_a_port_that_is_taken_and_one_that_is_of_something_else_are_named() -> None:
    (mine,) = free_addresses(1)
    with socket.create_server(("127.0.0.1", 0)) as door:
        taken = f"127.0.0.1:{door.getsockname()[1]}"
        with pytest.raises(WorkersError, match=f"can't listen on {taken}"):
            meet(Cluster((taken, mine), 0))

        def answer() -> None:
            guest, _ = door.accept()
            with guest:
                guest.sendall(b"HTTP/1.1 400 Bad Request\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(WorkersError, match="no improv worker"):
            meet(Cluster((taken, mine), 1))
        thread.join(10)


@pytest.mark.parametrize(("windows", "count"), [(1, 1), (6, 2), (5, 2), (1, 3), (7, 3)])
def test_shares_are_every_window_once(windows: int, count: int) -> None:
    batch = ({"x": np.arange(windows)}, {"y": 10 * np.arange(windows)}, {"y": np.ones(windows)})
    shares = [share_of(batch, rank, count) for rank in range(count)]
    assert sum(share for share, _ in shares) == pytest.approx(1)
    counted = [x for share, (inputs, _, _) in shares if share for x in inputs["x"].tolist()]
    assert sorted(counted) == list(range(windows))
    for _, (inputs, targets, _) in shares:
        np.testing.assert_array_equal(targets["y"], 10 * inputs["x"])


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("batch", [5, 1])
def test_the_sum_of_the_shares_gradients_is_the_batchs(batch: int, tmp_path: Path) -> None:
    """With the losses that `fit` trains by; if this fails, a loss is no mean over windows any more."""
    pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")
    from improv.core.vocabulary import Vocabulary
    from improv.train.corpus import read_corpus
    from improv.train.dataset import Windows, columns_of
    from improv.train.fit import FitConfig, fit
    from improv.train.network.keras_network import NetworkConfig
    from improv.train.workers import gradients_of

    records = [record(notes=record()["notes"][: 20 + 9 * i], bpm=100 + 40 * i) for i in range(5)]
    pieces = [columns_of(p) for p in read_corpus(written(tmp_path / "c.jsonl", *records), Vocabulary()).pieces]
    network = NetworkConfig(8, 8, 8, 8, 8, 0.0, 0.0, 0.0, 0.0)
    model, _ = fit(pieces, pieces[:1], network, FitConfig(epochs=1, batch=5, length=64), tmp_path, lambda progress: None)
    whole = Windows(pieces, 1, 64, batch)[0]

    def taken(part: tuple[object, ...], share: float) -> tuple[list[np.ndarray], dict[str, float]]:
        model.reset_metrics()
        gradients, losses = gradients_of(model, *part, share)
        return [np.asarray(g) for g in gradients], {k: float(v) for k, v in losses.items()}

    expected, losses = taken(whole, 1.0)
    parts = [taken(part, share) for share, part in (share_of(whole, rank, 2) for rank in range(2))]
    for i, gradient in enumerate(expected):
        np.testing.assert_allclose(sum(gradients[i] for gradients, _ in parts), gradient, atol=1e-6)
    assert {k: sum(said[k] for _, said in parts) for k in losses} == pytest.approx(losses, abs=1e-6)
