"""What people look at: the curve of a training as PNG, and scalars for TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from improv.train.fit import Progress


def curve(histories: Sequence[Sequence[Progress]]) -> bytes:
    """Losses of each member by epoch as a PNG, a panel for each head; points mark the epochs that were the best so far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # None for what is not annotated.
    heads = [head for head in histories[0][-1].valid if any(p.valid[head] for history in histories for p in history)]
    figure = Figure(figsize=(3.2 * len(heads), 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, head in zip(figure.subplots(1, len(heads), squeeze=False)[0], heads, strict=True):
        for member, history in enumerate(histories):
            for label, style, points in (
                ("train", "--", [(p.epoch, p.train[head]) for p in history if head in p.train]),
                ("valid", "-", [(p.epoch, p.valid[head]) for p in history]),
            ):
                if points:
                    name = f"{label} {member + 1}" if len(histories) > 1 else label
                    axes.plot(*zip(*points, strict=True), style, color=f"C{member}", label=name)
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


def board(logdir: str) -> Callable[[Progress, int], None]:
    """What writes an epoch's losses to a folder that TensorBoard shows. TensorBoard itself is not needed for it."""
    from improv.train.quiet import held_back

    with held_back():
        import tensorflow as tf  # for the first time, where Keras runs on something else

    metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})
    writers: dict[str, Any] = {}

    def write(progress: Progress, member: int) -> None:
        for name, losses in (("train", progress.train), ("valid", progress.valid)):
            run = f"{logdir}/member-{member + 1}/{name}"
            if run not in writers:
                writers[run] = tf.summary.create_file_writer(run)
            with writers[run].as_default(step=progress.epoch):
                for head, loss in losses.items():
                    tf.summary.write(f"nats/{head}", tf.constant(loss, tf.float32), metadata=metadata)
            writers[run].flush()

    return write
