"""What people look at: the curve of a training as PNG, and scalars for TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from improv.train.fit import Progress


def curve(history: Sequence[Progress]) -> bytes:
    """Losses by epoch as a PNG, a panel for each head; points mark the epochs that were the best so far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heads = [head for head in history[-1].valid if any(p.valid[head] for p in history)]  # none for what is not annotated
    figure = Figure(figsize=(3.2 * len(heads), 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, head in zip(figure.subplots(1, len(heads), squeeze=False)[0], heads, strict=True):
        for label, style, points in (
            ("train", "--", [(p.epoch, p.train[head]) for p in history if head in p.train]),
            ("valid", "-", [(p.epoch, p.valid[head]) for p in history]),
        ):
            axes.plot(*zip(*points, strict=True), style, label=label) if points else None
        best = [(p.epoch, p.valid[head]) for p in history if p.better]
        if best:
            axes.plot(*zip(*best, strict=True), ".", color="black", markersize=4)
        axes.set_title(head)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    figure.axes[0].set_ylabel("nats a note")
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def board(logdir: str) -> Callable[[Progress], None]:
    """What writes an epoch's losses to a folder that TensorBoard shows. TensorBoard itself is not needed for it."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})
    writers = {name: tf.summary.create_file_writer(f"{logdir}/{name}") for name in ("train", "valid")}

    def write(progress: Progress) -> None:
        for name, losses in (("train", progress.train), ("valid", progress.valid)):
            with writers[name].as_default(step=progress.epoch):
                for head, loss in losses.items():
                    tf.summary.write(f"nats/{head}", tf.constant(loss, tf.float32), metadata=metadata)
            writers[name].flush()

    return write
