import pytest

from improv.midi.names import find


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
