"""Figures as a table."""

from __future__ import annotations

from improv.train.report import table


def test_a_figure_that_one_split_lacks_is_a_dash() -> None:
    """Of a mixed corpus, one split may have annotated phrases and another none."""
    lines = table({"valid": {"notes": 5.0, "phrase_end_rate": 0.25}, "test": {"notes": 7.0}})
    assert [line.split() for line in lines] == [["valid", "test"], ["notes", "5", "7"], ["phrase", "end", "rate", "0.25", "-"]]
    either = table({"valid": {"notes": 7.0}, "test": {"rate": 0.25}})
    assert [line.split() for line in either][1:] == [["notes", "7", "-"], ["rate", "-", "0.25"]]
