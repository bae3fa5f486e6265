"""The time that is left of a whole training, and the bar that shows it."""

from __future__ import annotations

import pytest

pytest.importorskip("tqdm", reason="training is an extra: pip install '.[train]'")

from improv.train.fit import Progress, Step
from improv.train.progress import ProgressBar
from improv.train.report import gains
from improv.train.time_left import ASSUMED, TimeLeft, in_words


def test_what_is_assumed_gives_way_to_what_is_measured() -> None:
    whole = TimeLeft(0.0)
    whole.plan("network 1", "training", 8000)
    whole.plan("network 2", "training", 8000)
    whole.plan("fitting", "fitting", 100)
    top = 100 * ASSUMED["fitting"]
    assert whole.left(0.0) == pytest.approx(16000 * ASSUMED["training"] + top)
    whole.did("network 1", 0, 0.0)
    whole.did("network 1", 4000, 40.0)  # ten milliseconds a note
    assert whole.left(40.0) == pytest.approx(120 + top)
    whole.did("network 2", 0, 60.0)  # the first ended early: patience was over
    assert whole.left(60.0) == pytest.approx(8000 * 60 / 4000 + top)
    assert whole.share(60.0) == pytest.approx(60 / (60 + 120 + top))
    whole.did("fitting", 100, 200.0)
    assert whole.left(200.0) == 0.0


def test_a_training_that_goes_on_does_not_count_what_it_has_behind_it() -> None:
    whole = TimeLeft(0.0)
    whole.plan("network 1", "training", 1000)
    whole.did("network 1", 900, 10.0)
    whole.did("network 1", 950, 20.0)
    assert whole.left(20.0) == pytest.approx(10.0)


@pytest.mark.parametrize(("seconds", "words"), [(59, "under a minute"), (60, "1 minute"), (170, "3 minutes"), (7800, "2 h 10 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_without_a_terminal_there_is_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(now=iter(range(100)).__next__)
    bar.read(1, 2, 500)
    bar.read(2, 2, 900)
    bar.plan(epochs=2, networks=2, notes=800, held=100)
    bar.batch(1, Step(1, 1, 2, 3.0))
    bar.epoch(1, Progress(1, 2, {}, {"pitch": 2.0, "ioi": 1.0, "end": 0.0}, 3.0, ()))
    bar.fitted(0.0)
    bar.fitted(1.0)
    bar.scored("scoring")
    bar.say(["a line"])
    bar.close()
    assert capsys.readouterr().err.splitlines() == [
        "network 2 of 2, epoch 1/2: valid pitch 2.000 ioi 1.000, 3 s",
        "fitting recall and phrase ends",
        "scoring",
        "a line",
    ]
    assert list(bar.whole.stages) == ["reading", "network 1", "network 2", "fitting", "scoring"]


def test_the_networks_are_told_apart() -> None:
    def went(better: tuple[str, ...]) -> list[Progress]:
        before = Progress(0, 1, {}, {"pitch": 2.0, "ioi": 1.0}, 1.0, ())
        return [before, Progress(1, 1, {}, {"pitch": 1.5, "ioi": 0.9}, 1.0, better)]

    assert list(gains("jazz", [went(("rhythm", "line")), went(("line",))])) == [
        "network 1 of 2: rhythm costs 0.900 nats a note, 1.000 in jazz; line costs 1.500 nats a note, 2.000 in jazz",
        "network 2 of 2: line costs 1.500 nats a note, 2.000 in jazz; the other part stays as it was",
    ]
    assert list(gains("jazz", [went(())])) == ["the network: no epoch foretold the valid takes better than jazz: it stays as it was"]
