"""What a daemon tells of what it did: a sentence for who typed it, beside what a program reads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from improv.charts.tunes import tune_of
from improv.cli.ctl import _said
from improv.control.bindings import Bindings
from improv.control.config.reading import load_config
from improv.control.steering import Steering
from improv.core.harmony import parse_chord
from improv.core.harmony.spelling import parse_key
from improv.core.heard.rounds import RoundChart
from improv.core.heard.told import LISTENING, ToldHarmony
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.clock import OfflineClock
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song

FILE = """
model = "pocket"
[music]
changes = "Dm7 | G7"
{music}
[settings]
temperature = {temperature}
[record]
folder = "sessions"
[preset.calm]
temperature = 0.5
mode = "comp"
"""


class LastBars:
    most = 64

    def write(self, path: Path, bars: int) -> None:
        path.write_bytes(b"")


class Desk:
    """A steering, its configuration and what it logged."""

    def __init__(self, folder: Path):
        self.path, self.logged = folder / "improv.toml", list[str]()
        self.write()
        config = load_config(self.path)
        setup = PerformerSetup("improv", load_model("pocket"), Settings(temperature=0.9), 1, "pocket")
        song = Song(config.music.sheet, config.music.changes, config.music.metres)
        performance = self.performance = Performance(PerformanceConfig([setup], song, signals=()), OfflineClock())
        keys = Bindings((), ["in"]), threading.Lock()
        self.steering = Steering(self.path, config, performance, *keys, LastBars(), lambda text, *_, **__: self.logged.append(text))

    def write(self, music: str = "", temperature: float = 0.9) -> None:
        self.path.write_text(FILE.format(music=music, temperature=temperature))

    def shown(self, **request: Any) -> str:
        reply = self.steering.answer(request)
        return _said(reply) if reply["ok"] else str(reply["error"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_ctl_tells_what_was_done_in_a_sentence(desk: Desk, tmp_path: Path) -> None:
    assert desk.shown(do="preset", name="calm") == "set: mode comp, temperature 0.5"
    assert desk.shown(do="save", name="mine") == "kept as mine: temperature 0.9, mode trade, model pocket"
    assert desk.shown(do="manner", text="none") == "set: density 0, rests 0, leaps 0, outside 0, legato 0, register 0, behind 0"
    assert desk.shown(do="manner", text="spair").startswith("no manner 'spair' (did you mean 'spare'?)")
    assert desk.shown(do="learn", name="density") == "move a controller now: it will set density"
    assert desk.shown(do="unlearn", name="density") == "density: no controllers taken off"
    assert desk.shown(do="capture", file=str(tmp_path / "x.mid")) == f"wrote {tmp_path / 'x.mid'}"
    assert desk.shown(do="set", name="density", value=0.5) == "done"
    assert desk.shown(do="reload") == "nothing has changed that can be taken over"
    desk.write('metre = "3/4"', 1.2)
    assert desk.shown(do="reload") == (
        'taken over: performer "improv": temperature: 0.9 -> 1.2. Restart the daemon for: music, metre: 4/4 -> 3/4'
    )


TAKEN = "taken for the nearest chords that the model knows, and played with your tones: C7b5 for C7#11 (no 5)"


def test_what_a_symbol_is_taken_for_is_told_and_logged(desk: Desk) -> None:
    assert desk.steering.answer({"do": "set", "name": "changes", "value": "C7b5 | F7"}) == {"ok": True, "taken": TAKEN, "text": TAKEN}
    assert desk.shown(do="set", name="changes", value="C7 | F7") == "done"
    assert desk.logged == [TAKEN]
    desk.path.write_text(desk.path.read_text().replace("Dm7 | G7", "C7b5"))
    assert desk.shown(do="reload") == f"taken over: changes: Dm7 | G7 -> C7b5. {TAKEN}"
    assert desk.logged == [TAKEN, TAKEN]


def test_changes_that_say_another_metre_are_for_the_start(desk: Desk) -> None:
    assert "must be there from the start" in desk.shown(do="set", name="changes", value="3/4 C | F")
    desk.path.write_text(desk.path.read_text().replace("Dm7 | G7", "3/4 Dm7 | G7"))
    assert "Restart the daemon for: changes" in desk.shown(do="reload")


def test_the_chart_that_is_heard_is_kept_as_a_tune(desk: Desk, tmp_path: Path) -> None:
    assert "so none are heard" in desk.shown(do="chart", what="save", name="mine")
    assert desk.shown(do="chart", what="show", name="mine") == "chart show: expected `chart save NAME`"
    listening = desk.performance.performers[0].improviser.listening
    assert listening.harmony
    listening.asked = True
    assert desk.shown(do="chart", what="save", name="mine") == f"no progression has come round twice yet ({LISTENING})"
    bars = tuple((parse_chord(symbol),) * 4 for symbol in ("Dm7", "G7", "Cmaj7", "Cmaj7"))
    listening.harmony.told = ToldHarmony(parse_key("C"), bars[0][0], RoundChart(bars, 0), 3)
    path = tmp_path / "sessions" / "charts" / "mine.txt"
    assert desk.shown(do="chart", what="save", name="mine") == f"wrote {path}: | Dm7 | G7 | Cmaj7 | % |"
    tune = tune_of(str(path))
    assert (tune.title, tune.key, tune.metre, tune.tempo, tune.bars) == ("mine", "C", (4, 4), 120.0, 4)
