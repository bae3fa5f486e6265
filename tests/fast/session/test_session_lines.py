"""Events as lines: whatever can be heard or played comes back bit for bit, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.events import KINDS, Event, Pulse
from improv.session.lines import MOST_PULSES, SIDES, Line, SessionError, from_record, pulses_to_line, to_line

times = st.floats(0.0, 1e9)
midi, parts, texts = st.integers(0, 127), st.integers(-20, 20), st.text(max_size=20)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "time": times,
    "pitch": midi,
    "velocity": midi,
    "channel": st.integers(0, 15),
    "part": parts,
    "control": midi,
    "program": midi,
    "value": midi,
    "arrived": st.none() | times,
    "kind": st.sampled_from(["start", "stop", "continue", "position"]),
    "beat": st.floats(-1e6, 1e6),
    "tempo": st.floats(20, 400),
    "playing": st.booleans(),
    "name": texts,
    "keep": st.booleans(),
    "text": texts,
    "reason": texts,
    "number": st.integers(0, 10**9),
    "position": st.floats(-1e6, 1e6),
    "bar_start": st.none() | st.floats(-1e6, 1e6),
    "count": st.integers(1, 1000),
    "unit": st.integers(1, 1000),
    "since": times,
    "surprise": st.none() | st.floats(0, 99),
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(sorted(KINDS)))
    names = list(KINDS[kind].__dataclass_fields__)
    values = {name: draw(FIELDS[name]) for name in names}
    if kind == "Setting":
        values["value"] = draw(st.none() | texts | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6))
    event: Event = KINDS[kind](**values)
    return event


@given(st.sampled_from(SIDES), events(), st.none() | st.integers(0, 9), st.booleans())
def test_every_kind_of_event_comes_back_as_it_was(side: str, event: Event, by: int | None, filled: bool) -> None:
    text = to_line(side, event, None, by, filled)
    assert "\n" not in text
    (line,) = from_record(json.loads(text))
    assert line == Line(side, event, None, by, filled)
    assert getattr(line.event, "surprise", None) == getattr(event, "surprise", None)  # which makes no other note
    assert repr(line.event) == repr(event)  # 1 and 1.0 and True are told apart


@given(st.lists(times, min_size=1, max_size=50))
def test_pulses_share_a_line_and_come_back_bit_for_bit(at: list[float]) -> None:
    lines = list(from_record(json.loads(pulses_to_line(at))))
    assert lines == [Line("heard", Pulse(t)) for t in at]
    assert [repr(line.event.time) for line in lines] == [repr(abs(t)) for t in at]  # no -0.0


def test_pulses_cost_less_than_a_quarter_of_what_lines_of_their_own_cost() -> None:
    at = [1234.5 - 999.123456789012 + i * 0.0208333333 for i in range(7)]  # what comes in 0.15 s at 120
    assert len(pulses_to_line(at)) < sum(len(to_line("heard", Pulse(t))) + 1 for t in at) / 3


@pytest.mark.parametrize(
    "record",
    [
        [],
        7,
        None,
        {"heard": "Import", "name": "os"},
        {"heard": "NoteOn", "time": 1.0, "pitch": 60},
        {"heard": "NoteOn", "time": 1.0, "pitch": 128, "velocity": 80},
        {"heard": "NoteOn", "time": 1.0, "pitch": True, "velocity": 80},
        {"heard": "NoteOn", "time": float("nan"), "pitch": 60, "velocity": 80},
        {"heard": "NoteOn", "time": float("inf"), "pitch": 60, "velocity": 80},
        {"heard": "NoteOn", "time": 10**400, "pitch": 60, "velocity": 80},
        {"heard": "NoteOn", "time": "1", "pitch": 60, "velocity": 80},
        {"heard": "NoteOff", "time": 1.0, "pitch": 60, "late": "x"},
        {"heard": "Setting", "time": 1.0, "name": "tempo", "value": {"a": []}},
        {"heard": "Transport", "time": 1.0, "kind": "explode"},
        {"heard": "Ready", "time": 1.0},
        {"heard": "Pulse", "pulses": []},
        {"heard": "Pulse", "pulses": [0]},
        {"heard": "Pulse", "pulses": [-1, 5]},
        {"heard": "Pulse", "pulses": [10**9, 5]},
        {"heard": "Pulse", "pulses": [0, 10**400]},
        {"heard": "Pulse", "pulses": [0, 0.5]},
        {"heard": "Pulse", "pulses": [0] * (MOST_PULSES + 2)},
    ],
)
def test_what_is_no_event_is_refused(record: object) -> None:
    with pytest.raises(SessionError):
        list(from_record(record))


@pytest.mark.parametrize("record", [{}, {"punctual": {"p50": 0.1}}, {"end": {}}, {"heard": 3}])
def test_lines_of_other_kinds_are_passed_over(record: object) -> None:
    assert list(from_record(record)) == []
