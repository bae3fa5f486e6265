import pytest

from improv.midi.names import find, fitting


@pytest.mark.parametrize(
    ("names", "wanted", "known", "found"),
    [
        (["a:x", "Keystation 49:Keystation MIDI 1 24:0"], "keystation", None, "Keystation 49:Keystation MIDI 1 24:0"),
        (["Keystation 49:Keystation MIDI 1 28:0"], "Keystation 49:Keystation MIDI 1 24:0", None, "Keystation 49:Keystation MIDI 1 28:0"),
        (["Keystation 49:Keystation MIDI 1 28:0"], "key", "Keystation 49:Keystation MIDI 1 24:0", "Keystation 49:Keystation MIDI 1 28:0"),
        (["keys-01:out"], "keys:out", "keys:out", "keys-01:out"),
        (["Keystation 2"], "Keystation", "Keystation", "Keystation 2"),
        (["2- Keystation"], "Keystation 1", None, "2- Keystation"),
        (["JV-1080"], "JV-2080", None, None),
        (["a2j:K 88 [24] (capture): K 88 MIDI 1"], "a2j:K 88 [20] (capture): K 88 MIDI 1", None, "a2j:K 88 [24] (capture): K 88 MIDI 1"),
        (["a2j:K 88 [24] (capture): K 88 MIDI 1"], "K 88 [20]", None, "a2j:K 88 [24] (capture): K 88 MIDI 1"),
        (["a2j:K [24] (capture): K MIDI 1"], "K", "a2j:K [20] (capture): K MIDI 1", "a2j:K [24] (capture): K MIDI 1"),
        (["a2j:K [24] (capture): K MIDI 2"], "K", "a2j:K [20] (capture): K MIDI 1", None),  # the second is not the first
        (["a2j:K [24] (capture): K MIDI 2"], "a2j:K [20] (capture): K MIDI 1", None, None),
        (["a2j:K [20] (capture): K MIDI 2"], "MIDI", "a2j:K [20] (capture): K MIDI 1", None),
        (["K:K MIDI 2 24:1"], "K", "K:K MIDI 1 24:0", None),
        (["K:K 24:1"], "K", "K:K 24:0", None),  # nor by ALSA's own numbers
        (["K:K 28:1", "K:K 28:0"], "K", "K:K 24:0", "K:K 28:0"),
        (["system:midi_capture_2"], "system:midi_capture_1", None, None),
        (["system:midi_capture_2"], "system", "system:midi_capture_1", None),
        (["other:out"], "keys", "keys:out", None),
        (["improv:out", "improv-01:out 2"], "out", None, None),  # our own
        (["improv:out"], "improv:out", None, "improv:out"),
        ([], "keys", None, None),
    ],
)
def test_a_port_is_found_under_the_name_that_it_has_now(names: list[str], wanted: str, known: str | None, found: str | None) -> None:
    assert find(names, wanted, known) == found


def test_what_is_in_use_for_another_is_not_taken_for_a_renamed_one() -> None:
    assert find(["keys 2:out"], "keys 1:out", "keys 1:out", taken={"keys 2:out"}) is None


ALIASES = {"system:midi_capture_1": ["Keystation-88:midi/capture_1", "The big keyboard"]}


@pytest.mark.parametrize("wanted", ["Keystation", "Keystation-88:midi/capture_1", "big keyboard"])
def test_an_alias_and_a_pretty_name_are_names(wanted: str) -> None:
    names = ["system:midi_capture_2", "system:midi_capture_1", "improv:out"]
    assert fitting(names, wanted, ALIASES) == ["system:midi_capture_1"]
    assert find(names, wanted, also=ALIASES) == "system:midi_capture_1"
    assert find(names, wanted) is None
    assert find(names[:1], wanted, "system:midi_capture_1", also={names[0]: ["Keystation-88:midi/capture_2"]}) is None


def test_a_name_itself_comes_before_an_alias_that_resembles() -> None:
    assert find(["a:x", "b:keys"], "keys", also={"a:x": ["keys 1"]}) == "a:x"
    assert find(["a:x", "b:y"], "b:y", also={"a:x": ["b:y (old)"]}) == "b:y"
