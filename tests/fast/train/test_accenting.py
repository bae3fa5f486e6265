"""What is learned of loudness: accents that are there, not those that aren't; read from velocities and from decibels."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written
from test_reading_scores import database

from improv.cli import main
from improv.core.harmony import OPEN
from improv.core.line.loudness import SIGNS
from improv.core.vocabulary import Context, Value, Vocabulary
from improv.models.accented import OUTPUTS, LearnedAccents, blob_of
from improv.train import accenting
from improv.train.accenting import SETTLES, by_rule, figures, foretold, learned_loudness, loud_rows
from improv.train.corpus import read_corpus, table_of
from improv.train.piece import Piece, Reading
from improv.train.report import told_of
from improv.train.small_net import begun


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accenting, "FIT", replace(accenting.FIT, epochs=6, rate=0.01, drop=0.0, average=0.9))
    monkeypatch.setattr(accenting, "GOES_ON", accenting.FIT)
    monkeypatch.setattr(accenting, "SMALLEST_DRAW", 4000)
    monkeypatch.setattr(accenting, "UNITS", (16, 8))


def piece(seed: int, off_beat: float = 12.0, noise: float = 2.0, notes: int = 120) -> Piece:
    """Eighths; off the beat so much louder, and some noise."""
    rng = np.random.default_rng(seed)
    pitches = rng.integers(58, 70, notes).tolist()
    velocities = np.clip(np.rint(80 + off_beat * (np.arange(notes) % 2) + noise * rng.standard_normal(notes)), 1, 127).astype(int).tolist()
    values = [Value(6 if i else 0, p, 5, 6) for i, p in enumerate(pitches)]
    contexts = [Context(OPEN, 6 * i % 48, None, 120.0, "straight") for i in range(notes)]
    return Piece.of(f"piece {seed}", "train", [6 * i for i in range(notes)], values, contexts, None, velocities)


def test_accents_that_are_there_are_learned() -> None:
    train, valid, test = ([piece(k) for k in range(a, b)] for a, b in ((0, 8), (8, 10), (10, 12)))
    found = learned_loudness(train, valid, 0)
    assert isinstance(found.accents, LearnedAccents)
    rows = loud_rows(test)
    assert len(rows.velocity) == 2 * (120 - SETTLES)
    learned, rule = (figures(told, rows) for told in (foretold(found.accents, rows), by_rule(loud_rows(train), rows)))
    assert learned["nats"] < rule["nats"] - 0.5
    assert learned["mean error"] < 2.5 < rule["mean error"]
    assert found.told == (
        f"loudness is learned: a note kept back costs {found.about['nats']:.3f} nats, {found.about['nats before']:.3f} by rule",
    )
    assert found.about.keys() == {"notes", "pieces", "nats", "nats before"}
    assert (found.about["notes"], found.about["pieces"]) == (8 * (120 - SETTLES), 8)
    again = learned_loudness(train, valid, 0)
    assert isinstance(again.accents, LearnedAccents)
    assert blob_of(again.accents)[0] == blob_of(found.accents)[0]  # of the seed alone


@pytest.mark.parametrize("seed", range(6))
def test_velocities_without_structure_stay_by_rule(seed: int) -> None:
    """Of seed 2, learned by chance, each note that is kept back costs a little less; all of them together save 6 nats."""
    train, valid = [piece(100 * seed + k, 0.0, 8.0) for k in range(8)], [piece(100_000 + 10 * seed, 0.0, 8.0)]
    found = learned_loudness(train, valid, 0)
    assert (found.accents, found.about) == (None, {})
    assert found.told[0].startswith("loudness stays by rule: learned, a note kept back would cost ")
    assert found.told[0].endswith("; of 112 notes that tells too little") or seed != 2


def test_where_none_validates_a_drawn_piece_that_trains_is_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    train, flat = [piece(k) for k in range(8)], [piece(9, 0.0, 0.0)]
    found = learned_loudness(train, flat, 0)
    assert (found.about["notes"], found.about["pieces"]) == (7 * (120 - SETTLES), 7)
    assert found.told[0].startswith("loudness is learned: a note kept back costs ")
    monkeypatch.setattr(accenting, "MOST_NOTES", 5 * 120)
    fewer = learned_loudness(train, flat, 0)
    assert (fewer.about["notes"], fewer.about["pieces"]) == (4 * (120 - SETTLES), 4)


def test_what_the_held_out_takes_contradict_is_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = LearnedAccents(begun(SIGNS, 6, 5, OUTPUTS, np.random.default_rng(0), 2))
    monkeypatch.setattr(accenting, "fit_accents", lambda *_: wild)
    found = learned_loudness([piece(k) for k in range(4)], [piece(9)], 0)
    assert found.accents is None
    assert found.told[0].startswith("loudness stays by rule: learned, a note kept back would cost ")


def test_a_model_that_goes_on_never_gets_worse() -> None:
    train, valid = [piece(k) for k in range(8)], [piece(9)]
    before = learned_loudness(train, valid, 0).accents
    assert isinstance(before, LearnedAccents)
    other = learned_loudness([piece(20, off_beat=-12.0, notes=300)], valid, 0, before)
    assert other.accents is before
    assert other.told[0].startswith("loudness stays as it was: ")
    usual = learned_loudness([piece(20, off_beat=-12.0, notes=300)], valid, 0, None, before)
    assert isinstance(usual.accents, LearnedAccents)
    assert blob_of(usual.accents) == blob_of(before)
    assert usual.about.keys() == {"nats", "nats before"}  # it has learned nothing from these notes
    assert usual.told[0].startswith("loudness is that of the model accents: ")
    again = learned_loudness([piece(k, 20.0) for k in range(20, 24)], [piece(30, 20.0)], 0, before)
    assert isinstance(again.accents, LearnedAccents)
    rows = loud_rows([piece(k, 20.0) for k in range(31, 34)])  # of the same player, and never met
    now, then = (figures(foretold(accents, rows), rows)["nats"] for accents in (again.accents, before))
    assert now < then - 0.1


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([piece(0, 0.0, 0.0), piece(1, 0.0, 1.0)], ()),  # all alike
        ([piece(0, 200.0)], ()),  # as loud as can be
        ([replace(piece(0), notes=replace(piece(0).notes, dynamic=False))], ()),
        ([piece(0, notes=220)], ("loudness stays by rule: too few of the notes that validate have velocities that vary",)),
    ],
    ids=["alike", "clipped", "not known", "one piece alone"],
)
def test_what_tells_nothing_of_loudness_leaves_the_rule(pieces: list[Piece], told: tuple[str, ...]) -> None:
    assert learned_loudness(pieces, [piece(9, 0.0, 0.0)], 0) == (None, {}, told)


def test_the_corpus_table_says_whose_loudness_varies() -> None:
    reading = Reading([piece(0), piece(1, 0.0, 1.0)])
    heads, row = (line.split() for line in table_of(reading))
    assert row[heads.index("loudness") - len(heads)] == "1"
    why = "velocities are too few, about alike, or often as loud as can be"
    assert f"loudness is not learned from 1 piece: its {why}" in told_of(reading)
    clipped = Reading([piece(0), piece(1, 0.0, 1.0), piece(2, 200.0)])
    assert f"loudness is not learned from 2 pieces: their {why}" in told_of(clipped)


# The Weimar Jazz Database as its site has it: intensity, in dB


def measured(path: Path, loud: list[float | str | None]) -> Path:
    """A database whose notes have these medians, in turn, in a column of their own, as the published one has."""
    with sqlite3.connect(database(path, record())) as base:
        for column in ("loud_max", "loud_med", "loud_sd", "loud_relpos", "loud_cent", "loud_s2b"):
            base.execute(f"alter table melody add column {column} real")
        for (event,) in base.execute("select eventid from melody").fetchall():
            base.execute("update melody set loud_med = ? where eventid = ?", (loud[event % len(loud)], event))
    base.close()
    return path


def test_decibels_are_read_as_velocities_about_the_solos_median(tmp_path: Path) -> None:
    (piece,) = read_corpus(measured(tmp_path / "wjazzd.db", [60.0, 64.0, 68.0, 64.0]), Vocabulary(), split_seed=None).pieces
    assert piece.velocities is not None
    assert list(piece.velocities[:4]) == [80, 101, 80, 64]  # 4 dB are a factor of 10 ** 0.1
    assert piece.loud


@pytest.mark.parametrize("loud", [[None], [0.0], ["loud"], [1e300], [60.0, None]])
def test_what_was_not_measured_is_not_known(loud: list[float | str | None], tmp_path: Path) -> None:
    (piece,) = read_corpus(measured(tmp_path / "wjazzd.db", loud), Vocabulary(), split_seed=None).pieces
    assert piece.velocities is None


def test_a_few_notes_may_lack_it(tmp_path: Path) -> None:
    (piece,) = read_corpus(
        measured(tmp_path / "wjazzd.db", [60.0, 66.0, 63.0, 60.0, 66.0, 63.0, None]), Vocabulary(), split_seed=None
    ).pieces
    assert piece.velocities is not None
    assert piece.velocities.count(0) == 9
    assert len(loud_rows([piece]).velocity) == 64 - 9 - SETTLES


@pytest.mark.parametrize(("lacking", "read"), [(13, ([67, 80, 95, 67], 0)), (12, ([95, 67, 95, 67], 12))], ids=["too many", "few"])
def test_where_too_many_lack_the_median_the_maximum_is_taken(lacking: int, read: tuple[list[int], int], tmp_path: Path) -> None:
    """A fifth of 64 notes may lack it."""
    path = measured(tmp_path / "wjazzd.db", [60.0, 66.0])
    with sqlite3.connect(path) as base:
        rows = [event for (event,) in base.execute("select eventid from melody order by eventid")]
        base.executemany(
            "update melody set loud_max = ? where eventid = ?", [(70.0 + 3 * (k % 3 - 1), event) for k, event in enumerate(rows)]
        )
        base.executemany("update melody set loud_med = null where eventid = ?", [(event,) for event in rows[-lacking:]])
    base.close()
    (piece,) = read_corpus(path, Vocabulary(), split_seed=None).pieces
    assert piece.velocities is not None
    assert (list(piece.velocities[:4]), piece.velocities.count(0)) == read


def test_a_record_of_json_may_have_velocities(tmp_path: Path) -> None:
    path = written(tmp_path / "c.jsonl", record(velocities=[60 + i for i in range(64)]), record(velocities=[1]))
    reading = read_corpus(path, Vocabulary(), split_seed=None)
    assert [list(p.velocities or ()) for p in reading.pieces] == [[60 + i for i in range(64)]]
    assert "1 velocities of 64 notes" in reading.skipped[0]


def test_eval_says_how_well_loudness_is_foretold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    velocities = [80 + 12 * (i % 2) + i % 3 for i in range(64)]
    path = written(tmp_path / "c.jsonl", record(velocities=velocities))
    assert main(["eval", "pocket", str(path), "--loudness"]) == 0
    heads, nats, error, told = capsys.readouterr().out.splitlines()
    assert heads.split() == ["mean", "alone", "rule", "as", "played"]
    assert [line.split()[0] for line in (nats, error, told)] == ["nats", "mean", "variance"]
    assert main(["eval", "pocket", str(written(tmp_path / "flat.jsonl", record())), "--loudness"]) == 2
    assert "--loudness needs notes whose velocities vary; there are none" in capsys.readouterr().err
