"""Training on several machines at once, or on this one alone: what `fit` asks of either.

Every worker runs the same command on the same corpus, computes the gradients of its share of each batch, and
applies the same sum of all shares: so they stay one network, and its loss curve is that of one worker with the
whole batch. tf.distribute's MultiWorkerMirroredStrategy starts the cluster and sums across it. Keras's
optimizers clip gradients before they are summed, which is another training; so gradients are taken outside
the strategy, summed in it, and applied outside. The first worker is the chief: it alone validates and writes.

The loss must be a mean over the windows of a batch, as Keras's reductions are: a share counts by its windows.
Importing this imports no TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from improv.train.cluster import Cluster, WorkersError, meet

Batch = tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]  # inputs, targets, weights
_PIECES = (2**12, 2**20)  # int32 at a time from the chief to the others: few lengths, so that little is traced


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
        from improv.train.quiet import keras

        if keras.backend.backend() != "tensorflow":
            raise WorkersError(f"several machines train with TensorFlow alone, not with {keras.backend.backend()}: unset KERAS_BACKEND")
        import tensorflow as tf

        meet(cluster)
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
        self._model: Any = None
        self._gradients: Any = None
        self._apply: Any = None

    def train(self, model: Any, batch: Batch) -> dict[str, float]:
        """One step on a batch, of which this worker takes its share. Returns the whole batch's losses."""
        tf = self._tf
        if self._model is not model:
            self._model = model
            self._gradients = tf.function(lambda *part: gradients_of(model, *part))
            self._apply = tf.function(lambda gradients: model.optimizer.apply(gradients, model.trainable_variables))
        share, part = share_of(batch, self.cluster.rank, self.count)
        model.reset_metrics()
        with self._watched():
            mine = self._gradients(*tf.nest.map_structure(tf.constant, part), tf.constant(share, tf.float32))
            gradients, losses = self._sum(mine)
            self._apply(gradients)
            return {name: float(loss) for name, loss in losses.items()}

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
            pieces = [self._piece(words[i : i + _PIECES[-1]]) for i in range(0, len(words), _PIECES[-1])]
        return np.concatenate([np.zeros(0, np.int32), *pieces]).tobytes()[:size]

    def _piece(self, words: np.ndarray) -> np.ndarray:
        """One piece, on every worker."""
        length = next(n for n in _PIECES if n >= len(words))
        summed: np.ndarray = self._sum(self._tf.constant(np.pad(words, (0, length - len(words))))).numpy()
        return summed[: len(words)]

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
            why = re.search(r"aborted by: (.*)", str(e))
            said = why.group(1) if why else str(e).strip().partition("\n")[0]
            raise WorkersError(f"{who}; see what it said, and start all again: they go on after the last epoch ({said})") from e


def share_of(batch: Batch, rank: int, count: int) -> tuple[float, Batch]:
    """Every count-th window from `rank` on, and how much of the batch they are.

    Where a batch has too few windows, one that counts for nothing.
    """
    windows = len(next(iter(batch[0].values())))
    mine = range(rank, windows, count)
    inputs, targets, weights = ({k: a[mine.start :: count] if mine else a[:1] for k, a in arrays.items()} for arrays in batch)
    return len(mine) / windows, (inputs, targets, weights)


def gradients_of(model: Any, inputs: Any, targets: Any, weights: Any, share: Any) -> tuple[list[Any], dict[str, Any]]:
    """Gradients and losses of some windows, weighed by their share of the batch."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(inputs, targets, model(inputs, training=True), weights)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    losses = model.get_metrics_result() | {"loss": loss}
    return [g * share for g in gradients], {name: value * share for name, value in losses.items()}
