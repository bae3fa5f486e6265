"""A session played again gives the same notes, bit for bit: alone or in a band, to any clock, however slow the model was.
And what is not the same is found where it begins."""

from __future__ import annotations

import json
import queue
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mido
import pytest
from slow_thinking import Sleeping, Thinking, call

from improv import __version__
from improv.cli import MISUSED, main
from improv.cli.demo import DEMO_CALL
from improv.core.beats.moment import Moment
from improv.core.beats.timekeeper import Timekeeper, one_beat
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Setting, Stop, Sync, Transport
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.modes import MODES
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.deadline import DeadlinePlayer
from improv.perform.engine import perform
from improv.session import Recorder, Session
from improv.session.again import play_again
from improv.session.compare import Difference, difference, known_until, parts_of
from improv.session.lines import Line, from_record
from improv.titles.draw import titled

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")


def improvisers(model: Model, settings: list[Settings], beats: list[Timekeeper]) -> list[Improviser]:
    return [Improviser(model, s, CHANGES, beat.meter, i, channel=i) for i, (s, beat) in enumerate(zip(settings, beats, strict=True))]


def keepers(settings: list[Settings], shared: bool) -> list[Timekeeper]:
    """New ones: one for each performer, all alike where they share the beat."""
    return [one_beat(settings) if shared else Timekeeper(s) for s in settings]


class ByItself:
    """A performer as it was before one beat was for all: it goes by a timekeeper of its own."""

    def __init__(self, performer: DeadlinePlayer, timekeeper: Timekeeper):
        self._performer, self._timekeeper, self._latest = performer, timekeeper, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._performer, name)

    def advance(self, now: float, heard: Sequence[Moment] = ()) -> list[Event]:
        moments = []
        for moment in heard:
            self._latest = max(self._latest, moment.time)
            if moment.event:
                moments.append(self._timekeeper.hear(moment.event, self._latest)._replace(time=moment.time))
        return self._performer.advance(now, moments)


class Late(OfflineClock):
    """What is waited for comes a little late, as in life."""

    def __init__(self, script: list[Event], limit: float, rng: random.Random):
        super().__init__(script, limit)
        self.rng = rng
        self.late = 0.0

    def now(self) -> float:
        return self._now + self.late

    def wait(self, inbox: Any, until: float | None) -> list[Event]:
        self.late = self.rng.random() * 0.004
        return super().wait(inbox, until)


def record(
    path: Path,
    model: Model,
    settings: list[Settings],
    script: list[Event],
    limit: float,
    asleep: Callable[[float], float] = lambda now: 0.0,
    shared: bool = True,
) -> list[Line]:
    """Perform, each with a deadline for a model that may sleep, all hearing one another; the session's lines."""
    clock = Late(script, limit, random.Random(1))
    sleeping: Any = Sleeping(model, lambda: asleep(clock.now()))
    beats = keepers(settings, shared)
    deadlines = [DeadlinePlayer(player, Thinking(clock, sleeping)) for player in improvisers(sleeping, settings, beats)]
    players = deadlines if shared else [ByItself(*each) for each in zip(deadlines, beats, strict=True)]
    numbers = frozenset(range(len(players)))
    recorder = Recorder(path, {})
    band = Band([Slot(player, i, numbers - {i}) for i, player in enumerate(players)], one_beat(settings), recorder.overheard)

    def filled(event: Event) -> bool:
        deadline = deadlines[getattr(event, "part", 0)]
        own = replace(event, part=0) if isinstance(event, NoteOn | NoteOff) else event
        known = own in deadline.filled
        deadline.filled.discard(own)
        return known

    perform(
        band,
        clock,
        queue.SimpleQueue(),
        lambda e: recorder.played(e, 0.0, filled(e)),
        recorder.heard,
        lambda e, late: recorder.dropped(e, late, filled(e)),
        early=0.003,
    )
    behind = {i: deadline.unknown_since for i, deadline in enumerate(deadlines) if deadline.unknown_since is not None}
    recorder.ended({"reason": "over", "behind": behind})
    return list(Session(path).lines())


def differences(model: Model, settings: list[Settings], lines: list[Line], end: Any = None, shared: bool = True) -> list[Difference | None]:
    parts, latest, stopped = parts_of(lines, len(settings), shared)
    beats = keepers(settings, shared)
    players = improvisers(model, settings, beats)
    again = [play_again(Slot(players[n], n), beats[n], part.heard, latest, shared) for n, part in enumerate(parts)]
    return [difference(part, again[i], i, known_until(i, stopped, end)) for i, part in enumerate(parts)]


def ons(lines: list[Line], side: str) -> int:
    return sum(line.side == side and isinstance(line.event, NoteOn) for line in lines)


TRIO = [Settings(mode="solo"), Settings(mode="duet"), Settings(mode="trade")]


def busy(seconds: float) -> list[Event]:
    """A player who plays through, changes settings, and uses a clock from outside now and then."""
    rng = random.Random(3)
    events: list[Event] = []
    time = 0.0
    while time < seconds:
        pitch, length = rng.randrange(55, 80), rng.choice([0.12, 0.25, 0.5])
        events += [NoteOn(time, pitch, rng.randrange(40, 110)), NoteOff(time + 0.8 * length, pitch)]
        time += length + (rng.random() < 0.2) * rng.random() * 3
    events += [
        Setting(4.0, "temperature", 0.7),
        Setting(6.0, "mode", "comp", 1),
        Setting(9.0, "mode", "duet", 1),
        Setting(11.0, "tempo", 150.0),
    ]
    return sorted(events, key=lambda e: e.time)


def pulses(seconds: float) -> list[Event]:
    rng = random.Random(5)
    at = sorted(1.0 + i * 60 / 24 / 130 + rng.random() * 0.003 for i in range(int((seconds - 1) * 130 * 24 / 60)))
    events: list[Event] = [Transport(0.999, "start"), *(Pulse(t) for t in at)]
    events += [Sync(0.5 + i, 2.0 + 2.1 * i, 126.0 + (i > 5)) for i in range(int(seconds) - 1)]
    return sorted([*events, *(replace(e, time=e.time + 3.0) for e in call())], key=lambda e: e.time)


def test_a_session_that_says_it_lasted_for_years_is_ended_as_soon_as_it_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("improv.session.again.FURTHER", 200)
    path = tmp_path / "s.jsonl"
    jam = ["jam", "--player", str(DEMO_CALL), "--fast", "--model", "pocket", "--mode", "solo", "--seed", "1", "--session", str(path)]
    assert main(jam) == 0
    lines = path.read_text().splitlines()
    stop = next(i for i, line in enumerate(lines) if '"heard":"Stop"' in line)
    lines[stop] = json.dumps(json.loads(lines[stop]) | {"time": 2e9})
    path.write_text("\n".join(lines) + "\n")
    capsys.readouterr()
    assert main(["replay", str(path)]) == 1
    assert "differ" in capsys.readouterr().out
    assert main(["replay", str(path), "--model", "tutorial"]) == 0


@pytest.mark.parametrize("mode", MODES)
def test_one_alone(tmp_path: Path, model: Model, mode: str) -> None:
    lines = record(tmp_path / "s.jsonl", model, [Settings(mode=mode)], busy(12.0), 16.0)
    assert ons(lines, "played") > 5
    assert differences(model, [Settings(mode=mode)], lines) == [None]


def test_a_trio_that_hears_one_another(tmp_path: Path, model: Model) -> None:
    lines = record(tmp_path / "s.jsonl", model, TRIO, busy(24.0), 28.0)
    assert ons(lines, "overheard") > 30
    assert {line.event.part for line in lines if line.side == "played" and isinstance(line.event, NoteOn)} == {0, 1, 2}
    assert differences(model, TRIO, lines) == [None] * 3


def joining() -> list[Event]:
    """One of three is set to play a solo, and another's clock is changed, before anybody has played a note."""
    wishes: list[Event] = [Setting(0.7, "mode", "solo", 1), Setting(0.9, "temperature", 0.7, 2), Setting(5.0, "tempo", 90.0, 2)]
    return sorted([*wishes, *(replace(e, time=e.time + 3.0) for e in call())], key=lambda e: e.time)


@pytest.mark.parametrize("shared", [True, False])
def test_with_one_beat_for_all_and_as_before_with_one_for_each(tmp_path: Path, model: Model, shared: bool) -> None:
    """What is set for one moves the beat of all who share it: played again, each hears it too. Before, nobody else did."""
    trio = [Settings(mode="comp"), Settings(mode="trade"), Settings(mode="duet")]
    lines = record(tmp_path / "s.jsonl", model, trio, joining(), 12.0, shared=shared)
    assert ons(lines, "overheard") > 10
    assert differences(model, trio, lines, shared=shared) == [None] * 3
    assert differences(model, trio, lines, shared=not shared) != [None] * 3


@pytest.mark.parametrize("seed", range(3))
def test_with_a_beat_for_each_however_slow_the_model_was(tmp_path: Path, model: Model, seed: int) -> None:
    rng = random.Random(seed)
    script, naps = busy(12.0), [0.0, 0.0, 0.0, 0.0, 0.004, 0.03, 0.1, 1.5]
    lines = record(tmp_path / "s.jsonl", model, TRIO, script, 16.0, lambda now: rng.choice(naps), shared=False)
    assert ons(lines, "dropped") > 0
    session = Session(tmp_path / "s.jsonl")
    assert list(session.lines()) == lines
    assert differences(model, TRIO, lines, session.end, shared=False) == [None] * 3


@pytest.mark.parametrize("clock", ["midi", "link", "follow", "free"])
def test_to_an_outside_beat(tmp_path: Path, model: Model, clock: str) -> None:
    settings = [Settings(mode="duet", clock=clock)]
    lines = record(tmp_path / "s.jsonl", model, settings, pulses(14.0), 16.0)
    assert ons(lines, "played") > 3
    assert differences(model, settings, lines) == [None]


@pytest.mark.parametrize("seed", range(6))
def test_however_slow_the_model_was(tmp_path: Path, model: Model, seed: int) -> None:
    """It sleeps now and then: notes are filled in, dropped, and closed for it; its own are the same."""
    rng = random.Random(seed)

    def asleep(now: float) -> float:
        return rng.choice([0.0, 0.0, 0.0, 0.0, 0.004, 0.03, 0.1, 1.5])

    lines = record(tmp_path / "s.jsonl", model, TRIO, busy(12.0), 16.0, asleep)
    assert ons(lines, "filled") > 0
    assert ons(lines, "dropped") > 0
    session = Session(tmp_path / "s.jsonl")
    assert list(session.lines()) == lines
    assert differences(model, TRIO, lines, session.end) == [None] * 3


def test_a_record_that_was_cut_off_is_the_same_as_far_as_it_goes(tmp_path: Path, model: Model) -> None:
    lines = record(tmp_path / "s.jsonl", model, TRIO, busy(8.0), 10.0)
    for end in range(0, len(lines), 23):
        assert differences(model, TRIO, lines[:end]) == [None] * 3


def test_a_note_that_sounded_too_long_and_was_closed_is_no_difference(tmp_path: Path, model: Model) -> None:
    """What guards against endless notes says so after it closed one; the improviser, not told, ends the note later."""
    settings = [Settings(mode="solo")]
    lines = record(tmp_path / "s.jsonl", model, settings, [], 8.0)
    at = next(i for i, line in enumerate(lines) if line.side == "played" and isinstance(line.event, NoteOff))
    off = replace(lines[at].event, time=lines[at].event.time - 0.01)
    assert isinstance(off, NoteOff)
    guarded = [*lines[:at], Line("played", off), *from_record({"endless": asdict(off)}), *lines[at:]]
    assert differences(model, settings, guarded) == [None]
    assert differences(model, settings, [line for line in guarded if line.side != "endless"]) != [None]


def test_what_was_changed_is_found_where_it_begins(tmp_path: Path, model: Model) -> None:
    settings = [Settings(mode="solo")]
    lines = record(tmp_path / "s.jsonl", model, settings, [], 8.0)
    at = [i for i, line in enumerate(lines) if line.side == "played" and isinstance(line.event, NoteOn)]
    line = lines[at[4]]
    wrong = replace(line.event, pitch=line.event.pitch + 1)  # type: ignore[union-attr]
    changed = [*lines[: at[4]], line._replace(event=wrong), *lines[at[4] + 1 :]]
    assert differences(model, settings, changed) == [Difference(line.event.time, wrong, line.event)]
    without = [*lines[: at[4]], *lines[at[4] + 1 :]]
    assert [d and (d.time, d.now) for d in differences(model, settings, without)] == [(line.event.time, line.event)]
    more = [*lines[:-1], Line("played", NoteOn(7.999, 20, 1)), lines[-1]]
    assert [d and d.then for d in differences(model, settings, more)] == [NoteOn(7.999, 20, 1)]
    shorter = [*lines[: at[-6]], Line("heard", Stop(8.0))]
    assert [d and (d.then, d.now) for d in differences(model, settings, shorter)] == [(None, lines[at[-6]].event)]
    sooner = [
        line._replace(event=replace(line.event, time=line.event.time - 1e-12)) if i == at[2] else line for i, line in enumerate(lines)
    ]
    assert [d and d.now for d in differences(model, settings, sooner)] == [lines[at[2]].event]


# The command


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a session of the demo call, and its take as `jam` wrote it."""
    folder = tmp_path_factory.mktemp("recorded")
    options = ["--changes", "Dm7 | G7 | Cmaj7 | A7", "--fast", "--seed", "7", "--quiet"]
    files = ["--session", str(folder / "s.jsonl"), "--record", str(folder / "jam.mid")]
    assert main(["jam", "--player", str(DEMO_CALL), *options, *files]) == 0
    return folder


@pytest.fixture
def take(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that session, beside its take, in the folder that the test is in."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "s.jsonl"


def rewritten(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> Path:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_replay_gives_the_take_that_was_recorded(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "s.jsonl", "--to", "again.mid"]) == 0
    said = re.fullmatch(rf'"{titled(7)["title"]}"\nimprov: the same, (\d+) notes, bit for bit\nwrote again.mid\n', capsys.readouterr().out)
    assert said
    assert int(said[1]) > 20
    assert Path("again.mid").read_bytes() == Path("jam.mid").read_bytes()
    assert main(["replay", "s.jsonl", "--to", "cut.mid", "--from", "0:14", "--bars", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True
    cut = mido.MidiFile("cut.mid")
    assert [m.text for m in cut.tracks[0] if m.type == "marker"] == ["Dm7", "G7"]  # bar 9 begins at 13.9 s
    notes = {t.name: [m for m in t if m.type == "note_on"] for t in cut.tracks[1:]}
    assert 4 < len(notes["player"]) + len(notes["improv"]) < 30
    assert cut.length <= 8 * 60 / 138 + 1e-3


def test_a_record_says_that_its_beat_was_shared_and_one_of_before_is_played_again_as_well(
    take: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def before(lines: list[dict[str, Any]]) -> None:
        assert lines[0].pop("beat") == "shared"

    rewritten(take, before)
    assert main(["replay", "s.jsonl"]) == 0
    assert re.search(r": the same, \d+ notes, bit for bit", capsys.readouterr().out)


def test_another_model_answers_what_was_played(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "s.jsonl", "--model", "pocket", "--to", "other.mid", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["same"] is None
    assert said["performers"][0]["now"] > 10
    whole, other = mido.MidiFile("jam.mid"), mido.MidiFile("other.mid")
    assert [m for m in other.tracks[1] if m.type == "note_on"] == [m for m in whole.tracks[1] if m.type == "note_on"]
    assert other.tracks[2] != whole.tracks[2]
    assert main(["replay", "s.jsonl", "--model", "jazz"]) == 0  # the same weights, so it is compared
    assert "bit for bit" in capsys.readouterr().out


def test_a_band_answers_anew_hearing_one_another(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a record of one, a trio's header: two more who hear the first alone."""

    def change(lines: list[dict[str, Any]]) -> None:
        first = lines[0]["performers"][0]
        for number in (1, 2):
            other = first | {"name": f"number {number}", "seed": number, "channel": number, "hears": [0], "inputs": []}
            lines[0]["performers"].append(other)
        lines.insert(-2, {"heard": "Mark", "time": 20.25, "text": "good\x1b bit"})

    rewritten(take, change)
    assert main(["replay", "s.jsonl", "--model", "pocket", "--to", "trio.mid"]) == 0
    _, *said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:3]] == ["improv", "number 1", "number 2"]
    assert said[3] == "mark at 0:20.250 good? bit"
    tracks = mido.MidiFile("trio.mid").tracks
    assert [t.name for t in tracks] == ["improv", "player", "improv", "number 1", "number 2"]
    assert all(any(m.type == "note_on" for m in t) for t in tracks[1:])
    assert {m.channel for t in tracks[2:] for m in t if m.type == "note_on"} == {1, 2, 3}


def test_replay_says_what_differs_and_why(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[0]["improv"] = "0.0.9"
        lines[0]["performers"][0]["model"]["weights_sha256"] = "5" * 64
        note = next(line for line in lines if line.get("played") == "NoteOn" and line["time"] > 10)
        note["pitch"] = 60

    rewritten(take, change)
    with take.open("a") as file:
        file.write("{}\n{torn\n")
    assert main(["replay", "s.jsonl"]) == 1
    _, *said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("improv: differs from 0:1")
    assert ", bar " in said[0]
    assert "was C4 at velocity " in said[0]
    assert said[1] == f"why: improv was 0.0.9, is {__version__}"
    assert said[2].startswith("why: improv: the weights of jazz were 555555555555, are ")
    assert said[3].startswith("why: 1 lines of the record can't be read")
    assert said[4].endswith(": not JSON; passed over")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h["performers"][0]["model"].update(name="../../etc"), "names no model"),
        (lambda h: h["performers"][0]["model"].update(name="no-such"), "If you have it elsewhere: --model FOLDER"),
        (lambda h: h["performers"][0]["settings"].update(tempo="fast"), "tempo 'fast'"),
        (lambda h: h["performers"][0].update(seed=-1), "does not say how it was played"),
        (lambda h: h["performers"][0].update(settings=[]), "does not say how it was played"),
        (lambda h: h.update(performers=[]), "names no performers"),
        (lambda h: h.update(performers=[3]), "does not say how it was played"),
        (lambda h: h.update(metre=[4, 0]), "does not say how it was played"),
        (lambda h: h.update(metre="x"), "does not say how it was played"),
        (lambda h: h.update(metre=[400, 4]), "metre 400/4"),
        (lambda h: h.update(changes="X7"), "X7"),
        (lambda h: h.update(continues="before.jsonl"), "goes on from before.jsonl"),
    ],
)
def test_a_header_that_can_not_be_played_is_told_in_one_line(
    take: Path, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], object], said: str
) -> None:
    rewritten(take, lambda lines: change(lines[0]))
    assert main(["replay", "s.jsonl"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("improv: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    "options", [["--from", "1:2:3:4", "--to", "x.mid"], ["--from", "0:10"], ["--bars", "0", "--to", "x.mid"], ["--to", "no/x.mid"]]
)
def test_options_that_make_no_sense(take: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert main(["replay", "s.jsonl", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_session_says_how_its_changes_were_read_and_replays_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is said, symbols are read to kinds alone, as they were then."""
    path = tmp_path / "now.jsonl"
    asked = ["jam", "--player", str(DEMO_CALL), "--fast", "--quiet", "--changes", "Dm7b5 G7b5 | C#m#5", "--seed", "4"]
    assert main([*asked, "--session", str(path)]) == 0
    assert "G7b5 for G7#11 (no 5); C#m#5 for C#m (#5, no 5)" in capsys.readouterr().err
    header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert json.loads(header)["reading"] == 3
    for reading, code in ((3, 0), (2, 1), (None, 1), (1, 1), (4, 2)):
        said = json.loads(header) | {"reading": reading}
        path.write_text(json.dumps({k: v for k, v in said.items() if v is not None}) + "\n" + "".join(lines), encoding="utf-8")
        assert main(["replay", str(path)]) == code
    assert "newer improv" in capsys.readouterr().err
    path.write_text(header + "".join(lines), encoding="utf-8")
    assert main(["replay", str(path), "--to", str(tmp_path / "take.mid")]) == 0
    markers = [m.text for m in mido.MidiFile(tmp_path / "take.mid").tracks[0] if m.type == "marker"]
    assert markers[:3] == ["Dm7b5", "G7b5", "C#m#5"]


def test_a_session_is_found_by_its_name_and_the_latest_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kept"
    monkeypatch.setattr("improv.cli.replay.default_folder", lambda: folder)
    assert main(["replay"]) == MISUSED
    assert "no session is kept in" in capsys.readouterr().err
    folder.mkdir()
    for name in ("2026-01-01T20-00-00-1", "2026-01-02T20-00-00-1"):
        (folder / f"{name}.jsonl").write_text(
            json.dumps({"improv": "0.2.0", "started": name[:10] + "T20:00:00+0000", "performers": []}) + "\n", encoding="utf-8"
        )
    for words, found in (
        (["2026-01-01T20-00-00-1"], "2026-01-01"),
        (["2026-01-01T20-00-00-1.jsonl"], "2026-01-01"),
        ([], "2026-01-02"),
    ):
        assert main(["replay", *words]) == MISUSED  # nobody played in it
        assert f"{folder / found}" in capsys.readouterr().err
    assert main(["replay", "another"]) == MISUSED
    assert capsys.readouterr().err == f"improv: no session another here or in {folder}; `improv sessions` lists them\n"
