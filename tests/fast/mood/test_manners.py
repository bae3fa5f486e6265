"""Soloists' manners: names to settings, blended."""

from __future__ import annotations

import pytest

from improv.core.settings import SETTINGS, Settings
from improv.mood.manners import MannerError, read_manners, settings_of

NAMES = ("spare", "clipped", "laid-back", "broad", "flowing", "restless")


def test_every_manner_says_what_it_plays_in_settings_within_their_limits() -> None:
    manners = read_manners()
    assert tuple(manners) == NAMES
    for manner in manners.values():
        assert manner.plays
        for name, value in manner.settings.items():
            SETTINGS[name].check(float(value))
    assert len({tuple(m.settings.items()) for m in manners.values()}) == len(NAMES)


def test_a_blend_lies_between_and_half_of_one_half_way_from_the_usual() -> None:
    spare, restless = settings_of("spare"), settings_of("restless")
    assert spare == {name: pytest.approx(value) for name, value in read_manners()["spare"].settings.items()}
    both = settings_of("spare:0.7, restless:0.3")
    assert both == {name: pytest.approx(0.7 * spare[name] + 0.3 * restless[name], abs=0.006) for name in spare}
    assert settings_of("spare:7,restless:3") == both
    assert settings_of("Spare:0.5") == {name: pytest.approx(value / 2, abs=0.006) for name, value in spare.items()}
    assert settings_of("laid back") == settings_of("laid-back")
    usual = Settings()
    assert settings_of("none") == {name: getattr(usual, name) for name in spare}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spair", "no manner 'spair' (did you mean 'spare'?); there are spare, clipped"),
        ("", "say which manner, for example spare:0.7; there are spare"),
        (":0.5", "say which manner"),
        ("spare,", "say which manner"),
        ("spare:lots", "manner 'spare:lots': expected a weight from 0 to 1 after the colon, as in spare:0.7"),
        ("spare:-1", "expected a weight"),
        ("spare:nan", "expected a weight"),
        ("none:0.5", "manner 'none:0.5': none takes no weight"),
    ],
)
def test_what_is_no_manner_is_said(text: str, says: str) -> None:
    with pytest.raises(MannerError) as e:
        settings_of(text)
    assert says in str(e.value)
