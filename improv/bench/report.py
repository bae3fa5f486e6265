"""What was measured, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from improv.bench.latency import rows_in_time
from improv.bench.spread import SPREAD


def report(figures: dict[str, Any]) -> Iterator[str]:
    """The figures of `thought` and `in_time`, whichever are there, and the verdict."""
    if "note" in figures:
        yield from _of_thought(figures)
    rows = rows_in_time(figures)
    if rows:
        yield f"microseconds, over {figures['ports']}, real-time priority: {figures['priority']}"
        yield f"  {'':<16}" + "".join(f"{name:>9}" for name in ("p50", "p99", "p99.9", "max", "n"))
        for name, row in rows.items():
            yield f"  {name:<16}" + "".join(f"{row[k]:>9.0f}" for k in (*SPREAD, "n")) + _beside(row)
        yield figures["verdict"]


def _beside(row: dict[str, Any]) -> str:
    told = []
    if "constant_us" in row:
        told.append(f"{row['constant_us']:.0f} are constant, {row['apart_p99_us']:.0f} apart from that (p99)")
        told += [f"{row['pulses_lost']} pulses lost"] if row["pulses_lost"] else []
    if "times_nothing_p99" in row:
        told.append(f"{row['times_nothing_p99']:.1f} times the p99 of the same loop doing nothing")
    if row["stolen"] >= 0.005:
        told.append(f"{row['stolen']:.0%} of the processor withheld")
    return "   " + ", ".join(told)


def _of_thought(figures: dict[str, Any]) -> Iterator[str]:
    note = figures["note"]
    yield ("microseconds of thought a note")
    yield (f"  {'':<34}" + "".join(f"{name:>9}" for name in ("p50", "p99", "p99.9", "max", "n")))
    for name, row in (("the step of the networks", figures["step"]), ("with recall, all fields sampled", note)):
        yield (f"  {name:<34}" + "".join(f"{row[k]:>9.0f}" for k in (*SPREAD, "n")))
    if "plain_p50_us" in note:
        yield (
            f"  {'the same networks, written plainly':<34}{note['plain_p50_us']:>9.0f}   ({note['times_faster_than_plain']:.1f} times ours)"
        )
    yield (f"  {'reading their weights from memory':<34}{note['limit_us']:>9.0f}   (the limit)")
