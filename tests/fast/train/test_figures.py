"""Figures of lines whose figures are known."""

import math
from pathlib import Path

import mido
import pytest
from made_up import record, written
from scores import SAX, midi

from improv.core.harmony import parse_changes
from improv.core.metres import Metres
from improv.core.vocabulary import GRID, Vocabulary
from improv.models.model import Model
from improv.train.corpus import read_corpus
from improv.train.evaluation.figures import SoloLine, figures, known_n_grams, n_grams, on_bars, phrases, pooled, samples, summary
from improv.train.evaluation.playing import improvise

CHANGES = parse_changes("Cmaj7 | G7")


def line(*pitches: int, step: float = 0.5) -> SoloLine:
    return SoloLine([(i * step, p) for i, p in enumerate(pitches)], CHANGES)


def test_the_figures_of_a_scale_and_an_arpeggio() -> None:
    scale, arpeggio = line(60, 62, 64, 65, 67, 69, 71, 72), line(60, 64, 67, 71, 72, 71, 67, 64)
    known = known_n_grams([[50, 52, 54, 55, 57]])
    of_scale, of_arpeggio = figures([scale], known), figures([arpeggio], known)
    assert of_scale["chord tones %"] == pytest.approx(62.5)  # C E G B C of eight
    assert of_arpeggio["chord tones %"] == 100
    assert of_scale["scale tones %"] == 100
    assert of_scale["steps %"] == 100
    assert of_arpeggio["thirds %"] == pytest.approx(5 / 7 * 100)
    assert of_scale["H1 bits"] == pytest.approx(6 / 8 * 3 + 2 / 8 * 2)  # six classes once, C twice
    assert of_scale["copied 5-grams %"] == 25  # 2 2 1 2, of four
    assert of_scale["range semitones"] == 12
    assert of_scale["beats between onsets"] == 0.5
    assert all(math.isfinite(v) for v in of_scale.values())


def test_a_note_just_before_a_change_belongs_to_it() -> None:
    assert figures([SoloLine([(0.0, 60), (3.97, 65)], CHANGES)], known_n_grams([]))["chord tones %"] == 100


def test_stuck_loops_and_like_bars_are_seen() -> None:
    same = figures([line(*[60, 62, 64, 65, 67, 65, 64, 62] * 6)], known_n_grams([]))
    assert same["bars that repeat the two before %"] == 100
    assert same["groove similarity"] == 1
    assert figures([line(*range(40, 88))], known_n_grams([]))["bars that repeat the two before %"] == 0


def test_phrases_are_parted_by_a_beat_of_silence_whoever_plays() -> None:
    onsets, durations = [0, 1, 2, 4, 5, 7.5, 9], [0.5, 0.5, 0.9, 0.25, 1.5, 0.5, 9]
    made_up = SoloLine([(on, 60) for on in onsets], CHANGES, durations=durations)
    assert phrases(made_up) == ([3, 2, 1, 1], [2.9, 2.5, 0.5, 9], pytest.approx([1.1, 1, 1]))
    late = SoloLine([(on + 0.03 * (on == 5), 60) for on in onsets], CHANGES, durations=durations)
    assert phrases(late)[0] == [3, 2, 1, 1]  # off the grid, the same phrases
    assert phrases(line(60, 62, 64, step=2)) == ([3], [4], [])  # lengths unknown: notes sound until the next
    told = figures([made_up], known_n_grams([]))
    assert told["phrase notes, median"] == 1.5
    assert told["rest beats, upper quartile"] == pytest.approx(1.05)


def test_figures_pool_the_samples_of_all_lines() -> None:
    known = known_n_grams([[50, 52, 54, 55, 57]])
    lines = [line(60, 62, 64, 65, 67), line(60, 64, 67)]
    each = [samples(one, known) for one in lines]
    assert figures(lines, known) == summary(pooled(each))
    assert each[0]["intervals"].tolist() == [2, 2, 1, 2]
    assert figures(lines, known)["steps %"] == pytest.approx(4 / 6 * 100)


def test_n_grams_do_not_depend_on_the_key() -> None:
    assert list(n_grams([60, 62, 64, 65], 3)) == list(n_grams([50, 52, 54, 55], 3)) == [(2, 2), (2, 1)]


def test_a_solo_over_a_piece_is_as_long_as_the_piece_and_its_own_for_its_seed(model: Model, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (piece,) = read_corpus(written(tmp_path / "c.jsonl", record()), Vocabulary()).pieces
    one, same, other = (improvise(model, piece, seed) for seed in (1, 1, 2))
    assert one.notes == same.notes != other.notes
    assert one.notes[0][0] >= 0
    assert one.notes[-1][0] < 32.3
    assert one.durations is not None
    assert len(one.durations) == len(one.notes)
    assert min(one.durations) > 0


def test_a_model_improvises_in_the_bars_of_a_piece_whose_metre_changes(tmp_path: Path, model: Model) -> None:
    """A pick-up, a bar of 4/4, then 3/4: beat 0 begins a bar, and the solo's chords and length are those of its bars."""
    signs = [(480, 4), (4 * 480, 3)]
    more = [mido.MetaMessage("time_signature", numerator=beats, denominator=4, time=time) for time, beats in signs]
    path = midi(tmp_path / "a.mid", SAX, metre=(1, 4), more=more)
    (tmp_path / "a.changes").write_text("C | F | G")
    piece = on_bars(read_corpus(path, Vocabulary(), split_seed=None).pieces[0])
    assert piece.metres == Metres(((0.0, (4, 4)), (8.0, (3, 4))))  # bar one is the pick-up's
    assert piece.onsets[0] == 3 * GRID
    assert all(
        at.place == round(GRID * piece.metres.within_bar(onset / GRID)) for onset, at in zip(piece.onsets, piece.contexts, strict=True)
    )
    solo = improvise(model, piece, 1)
    assert solo.metres == piece.metres
    assert solo.metres.bar_of(solo.notes[-1][0]) <= piece.metres.bar_of(piece.onsets[-1] / GRID)
    assert piece.changes is not None
    assert [at for at, _ in piece.changes.spans(15.0)] == [0.0, 8.0, 11.0, 14.0]
