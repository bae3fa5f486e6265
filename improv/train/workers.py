"""Training on several machines at once, or on this one alone: what `fit` asks of either.

Every worker runs the same command on the same corpus, computes the gradients of its share of each batch, and
applies the same sum of all shares: so they stay one network, and its loss curve is that of one worker with the
whole batch. tf.distribute's MultiWorkerMirroredStrategy starts the cluster and sums across it. Keras's own
support of it clips gradients before they are summed, and scales losses; so gradients are taken outside the
strategy, summed in it, and applied outside. The first worker is the chief: it alone validates and writes.

The loss must be a mean over the windows of a batch, as Keras's reductions are: a share counts by its windows.
Importing this imports no TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.errors import ImprovError

Batch = tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]  # inputs, targets, weights
_LARGEST_PIECE = 2**20  # int32 at a time from the chief to the others


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


class Alone:
    """One worker: Keras's own step."""

    count, chief = 1, True

    def train(self, model: Any, batch: Batch) -> dict[str, float]:
        """One step on a batch. Returns its losses."""
        losses: dict[str, float] = model.train_on_batch(*batch, return_dict=True)
        return losses

    def from_chief(self, content: Callable[[], bytes]) -> bytes:
        """What the chief's `content` says; nobody else's is asked."""
        return content()

    def figures(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """What the chief measures."""
        return measure()


ALONE = Alone()


class Together:
    """One of several workers. Making it waits until all of them are there; no TensorFlow operation may run before.

    Raises WorkersError, in every method, when another worker stops.
    """

    def __init__(self, cluster: Cluster):
        import tensorflow as tf

        self.cluster, self.count, self.chief = cluster, len(cluster.addresses), cluster.rank == 0
        self._tf = tf
        spec = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="worker", task_id=cluster.rank, rpc_layer="grpc", num_accelerators=None
        )
        with self._watched():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        if self._strategy.num_replicas_in_sync != self.count:
            raise WorkersError(
                f"{self._strategy.num_replicas_in_sync} devices for {self.count} workers; a worker trains on one: "
                "start one for each GPU, and show it that one alone (CUDA_VISIBLE_DEVICES=0, =1, ...)"
            )
        # Each is traced once, or for the same shapes everywhere: workers find each other's sums by the order of tracing.
        self._sum = tf.function(self._summed)
        self._gradients: Any = None
        self._apply: Any = None

    def train(self, model: Any, batch: Batch) -> dict[str, float]:
        """One step on a batch, of which this worker takes its share. Returns the whole batch's losses."""
        tf = self._tf
        if self._gradients is None:
            self._gradients = tf.function(lambda *share: _gradients(tf, model, *share))
            self._apply = tf.function(lambda gradients: model.optimizer.apply(gradients, model.trainable_variables))
        share, part = self._share(batch)
        model.reset_metrics()
        with self._watched():
            mine = self._gradients(*part, tf.constant(share, tf.float32))
            gradients, losses = self._sum(mine)
            self._apply(gradients)
            return {name: float(loss) for name, loss in losses.items()}

    def _share(self, batch: Batch) -> tuple[float, Any]:
        """Every count-th window, and their share of the batch; a window that weighs nothing where there are too few."""
        tf, rank = self._tf, self.cluster.rank
        windows = len(next(iter(batch[0].values())))
        mine = len(range(rank, windows, self.count))
        inputs, targets, weights = tf.nest.map_structure(lambda a: tf.constant(a[rank :: self.count] if mine else a[:1]), batch)
        return mine / windows, (inputs, targets, weights)

    def _summed(self, values: Any) -> Any:
        def everywhere(mine: Any) -> Any:
            placed = self._tf.nest.map_structure(self._tf.identity, mine)  # on the device whose sum it is
            return self._tf.distribute.get_replica_context().all_reduce("SUM", placed)

        return self._strategy.run(everywhere, args=(values,))

    def from_chief(self, content: Callable[[], bytes]) -> bytes:
        """What the chief's `content` says, on every worker; nobody else's is asked."""
        tf, said = self._tf, content() if self.chief else b""
        with self._watched():
            size = int(self._sum(tf.constant([len(said)], tf.int32))[0])
            words = np.zeros(-(-size // 4), np.int32)
            if self.chief:
                words = np.frombuffer(said + bytes(-size % 4), np.int32)
            pieces = [self._piece(words[i : i + _LARGEST_PIECE]) for i in range(0, len(words), _LARGEST_PIECE)]
        return np.concatenate([np.zeros(0, np.int32), *pieces]).tobytes()[:size]

    def _piece(self, words: np.ndarray) -> np.ndarray:
        """The sum of one piece, in one of few lengths, so that little is traced."""
        length = 2 ** (len(words) - 1).bit_length()
        summed: np.ndarray = self._sum(self._tf.constant(np.pad(words, (0, length - len(words)))))
        return np.asarray(summed)[: len(words)]

    def figures(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """What the chief measures, on every worker: so that all decide alike."""
        told: dict[str, float] = json.loads(self.from_chief(lambda: json.dumps(measure()).encode()))
        return told

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """TensorFlow's word for a worker that is gone, as ours."""
        try:
            yield
        except (self._tf.errors.OpError, RuntimeError) as e:
            gone = re.search(r"/task:(\d+)", str(e))
            rank = int(gone.group(1)) if gone else self.cluster.rank
            if rank == self.cluster.rank or rank >= self.count:
                who = "another worker stopped or can't be reached"
            else:
                who = f"worker {rank} ({self.cluster.addresses[rank]}) stopped or can't be reached"
            first = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
            raise WorkersError(f"{who}; start all workers again with the same commands, they go on after the last epoch ({first})") from e


def _gradients(tf: Any, model: Any, inputs: Any, targets: Any, weights: Any, share: Any) -> tuple[list[Any], dict[str, Any]]:
    """Gradients and losses of some windows, weighed by their share."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(inputs, targets, model(inputs, training=True), weights)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    losses = model.get_metrics_result() | {"loss": loss}
    return [g * share for g in gradients], {name: value * share for name, value in losses.items()}
