"""What is let through to the performance, and how fast."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.control.apply import FUNCTIONS, READY
from improv.control.commands import ACTIONS, BINDING, COMMANDS, CTL, OLDER, OSC, PAGE, TAKEN, Command, expanded
from improv.control.requests import Bucket, RequestError, RequestQueue, fitting, read_request
from improv.core.errors import ImprovError
from improv.core.settings import SETTINGS, Settings

PERFORMERS = ["left", "right"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ({"do": "set", "name": "temperature", "value": "0.9"}, {"do": "set", "name": "temperature", "value": 0.9}),
        ({"do": "set", "name": "tempo", "value": 132}, {"do": "set", "name": "tempo", "value": 132.0}),
        ({"do": "set", "name": "low", "value": 60.0, "performer": "left"}, {"do": "set", "name": "low", "value": 60, "performer": "left"}),
        ({"do": "set", "name": "high", "value": 20, "performer": None}, {"do": "set", "name": "high", "value": 20}),
        ({"do": "set", "name": "mode", "value": "comp"}, {"do": "set", "name": "mode", "value": "comp"}),
        ({"do": "mark", "text": "good bit"}, {"do": "mark", "text": "good bit"}),
        ({"do": "capture", "bars": 16, "file": "/tmp/a.mid"}, {"do": "capture", "bars": 16, "file": "/tmp/a.mid"}),
        ({"do": "model", "name": "models/mine"}, {"do": "model", "name": "models/mine"}),
        ({"do": "learn", "name": "temperature"}, {"do": "learn", "name": "temperature"}),
        ({"do": "mode", "value": "comp", "performer": "left"}, {"do": "set", "name": "mode", "value": "comp", "performer": "left"}),
        ({"do": "recall", "name": "a"}, {"do": "recall", "name": "a"}),
        ({"do": "back", "name": "a"}, {"do": "recall", "name": "a"}),
    ],
)
def test_good_requests_come_as_the_performance_takes_them(asked: dict[str, Any], read: dict[str, Any]) -> None:
    found = read_request(asked, PERFORMERS)
    assert (found, [type(v) for v in found.values()]) == (read, [type(v) for v in read.values()])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ([], 'expected an object, such as {"do": "status"}'),
        ({"do": "dance"}, "do 'dance': expected one of status, set"),
        ({"do": ["set"]}, "do of kind list: expected one of"),
        ({"do": "set", "name": "temperature"}, "set: value is missing"),
        ({"do": "set", "name": "loudnes", "value": 1}, "no setting 'loudnes'; there are mode, clock"),
        ({"do": "set", "name": "temperature", "value": "hot"}, "temperature 'hot': expected from 0.05 to 3"),
        ({"do": "set", "name": "temperature", "value": True}, "temperature True: expected a number"),
        ({"do": "set", "name": "temperature", "value": "nan"}, "temperature 'nan': expected from 0.05 to 3"),
        ({"do": "set", "name": "low", "value": 60.5}, "low 60.5: expected a whole number from 0 to 127"),
        ({"do": "set", "name": "tempo", "value": 10**400}, "tempo '1000"),
        ({"do": "set", "name": "mode", "value": "jam"}, "mode 'jam': expected one of trade"),
        ({"do": "set", "name": "low", "value": 120}, "the range must span an octave"),
        ({"do": "set", "name": "low", "value": 1, "performer": "drums"}, "no performer 'drums'; there are left, right"),
        ({"do": "panic", "now": 1}, "panic: unknown field 'now'; it takes none"),
        ({"do": "keep", "name": "../../etc"}, "without / and \\"),
        ({"do": "save", "name": ".hidden"}, "begins with no dot"),
        ({"do": "preset", "name": "a\nb"}, "in one line"),
        ({"do": "mark", "text": "x" * 257}, "at most 256 characters"),
        ({"do": "capture", "bars": 0}, "bars 0: expected a whole number from 1 to 1000"),
        ({"do": "learn", "name": "panic"}, "no setting 'panic'"),
    ],
)
def test_bad_requests_say_what_was_meant(asked: object, text: str) -> None:
    with pytest.raises(ImprovError) as e:
        read_request(asked, PERFORMERS)
    assert text in str(e.value)
    assert len(str(e.value)) < 1000
    assert str(e.value).isprintable()


@given(
    do=st.sampled_from(list(COMMANDS)),
    fields=st.dictionaries(st.sampled_from(["name", "value", "performer", "text", "bars", "file"]), JSON),
)
def test_rubbish_is_refused_and_never_worse(do: str, fields: dict[str, Any]) -> None:
    try:
        request = read_request({"do": do} | fields, PERFORMERS)
    except ImprovError:
        return
    if request["do"] == "set":
        Settings(low=0, high=127).changed(request["name"], request["value"])


@given(st.sampled_from(list(SETTINGS)), st.floats(0, 1))
def test_a_value_in_its_range_passes_as_number_and_as_text(name: str, at: float) -> None:
    limits = SETTINGS[name].limits
    if isinstance(limits[0], str):
        value = limits[int(at * (len(limits) - 1))]
    elif isinstance(getattr(Settings(), name), int):
        low, high = {"low": (0, 116), "high": (11, 127)}.get(name, limits)
        value = round(low + at * (high - low))
    else:
        value = limits[0] + at * (limits[1] - limits[0])
    assert fitting(name, value) == value == fitting(name, str(value))


def test_names_that_can_not_be_hashed_are_no_setting() -> None:
    with pytest.raises(RequestError, match="no setting of kind list"):
        fitting([], 1)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(10, 3)
    assert [bucket.passes(t) for t in (0.0, 0.0, 0.0, 0.0, 0.05, 0.11, 0.12, 0.21)] == [True] * 3 + [False, False, True, False, True]


def drained(queue: RequestQueue, now: float) -> list[dict[str, Any]]:
    out = []
    while (taken := queue.take(now)) is not None:
        out.append(taken[0])
    return out


def setting(name: str, value: object, performer: str | None = None) -> dict[str, Any]:
    return {"do": "set", "name": name, "value": value} | ({"performer": performer} if performer else {})


def test_the_latest_value_of_a_setting_wins_and_comes_where_the_latest_came() -> None:
    queue = RequestQueue()
    preset = {"do": "preset", "name": "calm"}
    for request in (setting("low", 40), setting("low", 50, "left"), preset, setting("low", 60), {"do": "panic"}):
        assert queue.offer(request, "me", print)
    assert drained(queue, 0.0) + drained(queue, 0.3) == [{"do": "panic"}, setting("low", 50, "left"), preset, setting("low", 60)]
    assert (queue.replaced, queue.dropped, len(queue)) == (1, 0, 0)


def test_what_is_slow_counts_for_many_and_panic_does_not_wait_for_it() -> None:
    queue, taken = RequestQueue(), []
    for i in range(40):
        queue.offer({"do": "preset", "name": str(i)}, "me", print)
    for i in range(200):
        taken += drained(queue, i / 100)
    assert len(taken) == 11  # at first, and five a second
    queue.offer({"do": "panic"}, "me", print)
    assert drained(queue, 2.0) == [{"do": "panic"}]


def test_whoever_asked_gets_the_reply_once() -> None:
    queue, heard = RequestQueue(), []
    for who in ("a", "b", "a"):
        queue.offer(setting("low", 40), who, lambda reply, who=who: heard.append((who, reply)))
    _, thens = queue.take(0.0)
    for then in thens:
        then({"ok": True})
    assert heard == [("a", {"ok": True}), ("b", {"ok": True})]


def test_what_finds_no_room_is_dropped_and_counted_but_panic_is_not() -> None:
    queue = RequestQueue(most=2)
    offered = [queue.offer({"do": "mark", "text": str(i)}, "me", print) for i in range(4)] + [queue.offer({"do": "panic"}, "me", print)]
    assert (offered, queue.dropped) == ([True, True, False, False, True], 2)


@given(st.lists(st.tuples(st.floats(0, 0.05), st.sampled_from(list(SETTINGS)), st.integers(0, 127)), max_size=400))
def test_no_more_than_the_rate_and_the_last_value_always_arrives(moves: list[tuple[float, str, int]]) -> None:
    queue, now, sent = RequestQueue(rate=100), 0.0, []
    for wait, name, value in moves:
        now += wait
        assert queue.offer(setting(name, value), "me", print)
        sent += drained(queue, now)
    within = len(sent)
    assert within <= 20 + now * 100 + 1e-6
    while (wait_more := queue.wait(now)) is not None:
        now += max(wait_more, 1e-9)
        sent += drained(queue, now)
    last = {name: value for _, name, value in moves}
    assert {w["name"]: w["value"] for w in sent} == last
    assert len(sent) + queue.replaced == len(moves)


# The table


def test_every_command_has_its_function_and_no_function_is_without_a_row() -> None:
    by_the_server = {"status", "get"}  # answered from the status
    assert set(FUNCTIONS) == {row.name for row in COMMANDS.values() if not row.means} - by_the_server
    assert set(READY) <= set(FUNCTIONS)


def test_the_rows_hang_together() -> None:
    for row in COMMANDS.values():
        assert row.ways
        assert set(row.ways) <= {CTL, OSC, BINDING, PAGE}
        assert row.help[0].islower()
        assert set(row.alike or ()) <= {f.name for f in row.fields}
        assert row.means is None or row.means[0] in COMMANDS
    assert set(OLDER) & set(COMMANDS) == set()
    assert set(ACTIONS) >= {"tap", "panic", "mark", "capture", "keep", "recall", "preset", "model"}
    assert {"all", "set", "get", "panic", "mark", "mode", "model", "preset", "stop", "recall", "back", "keep"} <= set(TAKEN)


@pytest.mark.parametrize("row", [row for row in COMMANDS.values() if row.example], ids=lambda row: row.name)
def test_the_examples_of_the_help_are_understood(row: Command) -> None:
    word, *rest = row.example.split()
    assert word == row.name
    needed = [f.name for f in row.fields if f.needed]
    values = rest if len(needed) > 1 else [" ".join(rest)]
    assert read_request(expanded({"do": row.name} | dict(zip(needed, values, strict=True))), [])["do"] in COMMANDS
