"""What controllers, programs and keys ask for, and how a controller is learned."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.control.bindings import Asked, Binding, Bindings, ControllerLearned, as_toml, scaled
from improv.control.config.reading import read_config
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, ProgramChange, Pulse
from improv.core.settings import SETTINGS, SettingError, Settings


def cc(control: int, value: int, channel: int = 0, part: int = 0, time: float = 1.0) -> ControlChange:
    return ControlChange(time, control, value, channel, part)


def requests(bindings: Bindings, *events: Event) -> list[Any]:
    """What each event asks for: None where it is music."""
    found = []
    for event in events:
        asked = bindings.requests(event)
        found.append(None if asked is None else [a if isinstance(a, ControllerLearned) else dict(a.request) for a in asked])
    return found


def set_to(name: str, value: object, performer: str | None = None) -> list[dict[str, Any]]:
    return [{"do": "set", "name": name, "value": value} | ({} if performer is None else {"performer": performer})]


def test_a_controller_moves_a_setting_through_its_range() -> None:
    bound = Bindings([Binding("cc", 74, setting="temperature", low=0.5, high=2.0)])
    assert requests(bound, cc(74, 0), cc(74, 127), cc(74, 64), cc(75, 64)) == [
        set_to("temperature", 0.5),
        set_to("temperature", 2.0),
        set_to("temperature", 1.256),
        None,
    ]


@pytest.mark.parametrize(
    ("binding", "values", "said"),
    [
        (Binding("cc", 1, setting="recall"), (0, 127), [0.0, 3.0]),
        (Binding("cc", 1, setting="recall", low=3.0, high=0.0), (0, 127), [3.0, 0.0]),
        (Binding("cc", 1, setting="loudness"), (0, 64, 127), [-64, 1, 64]),
        (Binding("cc", 1, setting="enter"), (0, 42, 43, 85, 86, 127), [how for how in SETTINGS["enter"].limits for _ in "ab"]),
    ],
)
def test_ranges_whole_numbers_and_choices(binding: Binding, values: tuple[int, ...], said: list[object]) -> None:
    assert [scaled(binding, v) for v in values] == said
    assert {type(scaled(binding, v)) for v in values} == {type(getattr(Settings(), binding.setting or ""))}


@given(st.sampled_from(sorted(SETTINGS)), st.integers(0, 127), st.floats(0, 1), st.floats(0, 1))
def test_whatever_a_controller_says_is_within_the_setting(name: str, value: int, one: float, other: float) -> None:
    limits = SETTINGS[name].limits
    if isinstance(limits[0], str):
        binding = Binding("cc", 1, setting=name)
    else:
        low, high = (limits[0] + (limits[1] - limits[0]) * x for x in (one, other))
        binding = Binding("cc", 1, setting=name, low=low, high=high)
    said = scaled(binding, value)
    assert said in limits if isinstance(limits[0], str) else limits[0] <= said <= limits[1]


def test_what_was_said_is_not_said_again() -> None:
    bound = Bindings([Binding("cc", 1, setting="mode")])
    assert requests(bound, cc(1, 0), cc(1, 5), cc(1, 30), cc(1, 31)) == [set_to("mode", "trade"), [], set_to("mode", "solo"), []]


def test_a_button_acts_as_it_goes_down() -> None:
    bound = Bindings([Binding("cc", 80, action="panic")])
    panic = [{"do": "panic"}]
    assert requests(bound, cc(80, 127), cc(80, 0), cc(80, 127)) == [panic, [], panic]
    assert requests(bound, cc(80, 127), cc(80, 127)) == [panic, panic]  # one that never says that it comes up
    assert requests(bound, cc(80, 10), cc(80, 60), cc(80, 64), cc(80, 70), cc(80, 90)) == [[], [], panic, [], []]  # a knob, once


def test_a_bound_key_is_no_music_but_others_are() -> None:
    bound = Bindings([Binding("key", 36, action="keep", name="a", performer="left"), Binding("key", 37, setting="low", value=40.0)])
    assert requests(bound, NoteOn(1.0, 36, 90), NoteOff(2.0, 36), NoteOn(3.0, 37, 1), NoteOn(4.0, 38, 90), NoteOff(5.0, 38)) == [
        [{"do": "keep", "name": "a", "performer": "left"}],
        [],
        set_to("low", 40),
        None,
        None,
    ]


def test_programs_recall_presets_and_models() -> None:
    bound = Bindings([Binding("program", 0, action="preset", name="ballad"), Binding("program", 1, action="model", name="pocket")])
    assert requests(bound, ProgramChange(1.0, 0), ProgramChange(2.0, 1), ProgramChange(3.0, 2), Pulse(4.0)) == [
        [{"do": "preset", "name": "ballad"}],
        [{"do": "model", "name": "pocket"}],
        None,
        None,
    ]


def test_a_binding_is_for_its_channel_and_input() -> None:
    bound = Bindings([Binding("cc", 7, channel=2, input="pads", action="mark", name="here")], ["keys", "pads"])
    mark = [{"do": "mark", "text": "here"}]
    assert requests(bound, cc(7, 127), cc(7, 127, 1), cc(7, 127, 1, 1), cc(7, 127, 1, -1)) == [None, None, mark, None]


def test_one_controller_can_move_several_settings() -> None:
    bound = Bindings([Binding("cc", 1, setting="recall"), Binding("cc", 1, setting="low", performer="left")])
    assert requests(bound, cc(1, 0)) == [set_to("recall", 0.0) + set_to("low", 0, "left")]


def test_a_request_has_the_time_of_its_event_and_what_its_command_takes() -> None:
    bound = Bindings(
        [
            Binding("key", 1, action="tap"),
            Binding("key", 2, action="recall", name="a", performer="right"),
            Binding("key", 3, action="mark"),
            Binding("key", 4, setting="mode", value="solo"),
            Binding("key", 5, action="capture"),
            Binding("key", 6, action="capture", bars=8),
        ]
    )
    assert [bound.requests(NoteOn(1.5, key, 1)) for key in range(1, 7)] == [
        [Asked(1.5, {"do": "tap"})],
        [Asked(1.5, {"do": "recall", "name": "a", "performer": "right"})],
        [Asked(1.5, {"do": "mark", "text": ""})],
        [Asked(1.5, {"do": "set", "name": "mode", "value": "solo"})],
        [Asked(1.5, {"do": "capture", "bars": 16})],
        [Asked(1.5, {"do": "capture", "bars": 8})],
    ]


# Learning


def test_the_controller_that_moves_is_learned() -> None:
    bound = Bindings(inputs=["keys"])
    bound.learn("temperature", "left")
    assert bound.learning == "temperature"
    learned = Binding("cc", 21, 3, "temperature", performer="left", input="keys")
    # 7 trembles; 21 moves.
    assert requests(bound, cc(7, 60), cc(7, 62), NoteOn(1.0, 60, 90), cc(21, 10, 2), cc(21, 18, 2), cc(21, 19, 2)) == [
        [],
        [],
        None,
        [],
        [],
        [ControllerLearned(learned), *set_to("temperature", 0.491, "left")],
    ]
    assert (bound.learning, bound.learned, bound.all) == (None, (learned,), (learned,))
    assert requests(bound, cc(21, 127, 2), cc(21, 127, 1)) == [set_to("temperature", 3.0, "left"), None]


def test_a_button_is_learned_as_it_comes_up() -> None:
    bound = Bindings()
    bound.learn("mode")
    assert requests(bound, cc(80, 127), cc(80, 0))[1][0].binding == Binding("cc", 80, 1, "mode")


def test_a_controller_whose_place_is_known_is_learned_at_once() -> None:
    bound = Bindings()
    bound.requests(cc(21, 100))
    bound.learn("recall")
    assert requests(bound, cc(21, 80))[0][0].binding.number == 21


def test_the_pedal_is_learned_when_it_is_pressed_alone_three_times() -> None:
    down, up = cc(64, 127), cc(64, 0)
    bound = Bindings()
    bound.learn("recall")
    assert requests(bound, down, up, down, up, cc(7, 1), down, up, down, up) == [None] * 4 + [[]] + [None] * 4
    assert requests(bound, down)[0][0].binding == Binding("cc", 64, 1, "recall")


def test_messages_to_a_whole_channel_are_not_learned() -> None:
    bound = Bindings()
    bound.learn("recall")
    assert requests(bound, cc(123, 0), cc(123, 127), cc(120, 0)) == [None] * 3


def test_what_is_learned_takes_the_place_of_what_was_bound_there() -> None:
    bound = Bindings([Binding("cc", 21, setting="recall"), Binding("cc", 22, setting="recall")])
    bound.learn("top_p")
    requests(bound, cc(21, 0), cc(21, 50))
    assert bound.all == (Binding("cc", 22, setting="recall"), Binding("cc", 21, 1, "top_p"))
    assert bound.unlearn("top_p") == (Binding("cc", 21, 1, "top_p"),)
    assert (bound.all, bound.learned) == ((Binding("cc", 22, setting="recall"),), ())


def test_a_new_file_keeps_what_was_learned_unless_it_binds_that_controller() -> None:
    bound = Bindings()
    bound.learn("top_p")
    requests(bound, cc(21, 0), cc(21, 50))
    learned = Binding("cc", 21, 1, "top_p")
    bound.replace([Binding("cc", 22, setting="recall")])
    assert bound.all == (Binding("cc", 22, setting="recall"), learned)
    bound.replace([Binding("cc", 21, setting="recall")])
    assert bound.all == (Binding("cc", 21, setting="recall"),)


def test_only_settings_are_learned() -> None:
    with pytest.raises(SettingError, match="no setting 'warmth'"):
        Bindings().learn("warmth")


@pytest.mark.parametrize(
    "binding",
    [
        Binding("cc", 74, 1, "temperature", low=0.5, high=2.0),
        Binding("key", 36, action="keep", name='first "chorus"\\', performer="improv"),
        Binding("program", 1, action="model", name="pocket", input="keys"),
        Binding("key", 38, setting="mode", value="comp"),
        Binding("cc", 3, action="capture", bars=8),
    ],
)
def test_a_binding_can_be_kept_in_the_file(binding: Binding) -> None:
    assert read_config(as_toml(binding), Path("/x/improv.toml")).bindings == (binding,)
