"""Charts of iReal Pro: where chords stand, and in which order bars are played."""

from __future__ import annotations

import random

import pytest

from improv.charts import ireal
from improv.charts.form import MOST_BARS
from improv.charts.text import read_chart
from improv.core.metres import FOUR


def link(signs: str) -> str:
    return f"irealbook://Made Up=Nobody=Bossa=C=n={signs}"


def bars(signs: str) -> str:
    """The bars in the order in which they are played, one character each where a chord is one."""
    return ireal.bars_of(link(signs), "").strip("| ").replace(" | ", " ")


ORDERS = {
    # repeats and endings
    "{A |B }[C Z": "A B A B C",
    "[A |B }C Z": "A B A B C",
    "{A |N1B }|N2C ][D Z": "A B A C D",
    "{A |N1B |N2C ][D Z": "A B A C D",
    "{A |N1B }|N2C }|N3D ]E Z": "A B A C A D E",
    "{A |B |N1C |D }|N2E |F ][G Z": "A B C D A B E F G",
    "{A |N1B |C }D |E Z": "A B C A D E",  # a first ending without a second
    "{<3x>A |B }C Z": "A B A B A B C",
    "{A |B <3x> }{C }": "A B A B A B C C",
    "{A }{B |N1C }|N2D Z": "A A B C B D",
    # Fine and coda
    "[*AA |B<Fine> ][*BC |D<D.C. al Fine> ]": "A B C D A B",
    "[A |SB <Fine>|C |D <D.S. al Fine> Z": "A B C D B",
    "{A |B <Fine>}[C |D <D.C. al Fine> Z": "A B A B C D A B",  # no repeats after a jump
    "{A |N1B }|N2C <Fine>][D <D.C. al Fine> Z": "A B A C D A C",  # the last ending after it
    "[A |B ][QC |D ][E <*74D.C. al Coda> ][QF Z": "A B C D E A B F",
    "[A |B Q|C |D <D.C. al Coda>][QE |F Z": "A B C D A B E F",  # a coda sign behind a chord: after its bar
    "[A |SB |QC |D <D.S. al Coda>] [QE |F Z": "A B C D B E F",
    "[A |SB |QC |D ][QE |F Z": "A B C D B E F",  # two signs say it all
    "{*AA |N1B }|N2C ][*BD |E <D.C. al 2nd ending> Z": "A B A C D E A C",
    "[A |B <D.C.> Z": "A B A B",
    "[A |B |]<D.C.>": "A B A B",
    # jumps that lead nowhere are not made
    "[A |B <D.C. al Fine> Z": "A B",
    "[A |QB <D.C. al Coda> Z": "A B",
    "[A |B <D.C. al 2nd ending> Z": "A B",
    "[A |B <D.C. on cue> Z": "A B",
    # signs for bars
    "[C |x |F |r| |G Z": "C C F C F G",
    "[C |F |r|   |G Z": "C F C F G",
    "[C   |   |F   Z": "C C F",  # a bar without a chord, which is no gap on the page
    "[C   ]   [F   Z": "C F",
}


@pytest.mark.parametrize("signs", ORDERS)
def test_bars_are_played_in_the_order_in_which_players_do(signs: str) -> None:
    assert bars(signs) == ORDERS[signs]


SHARES = {
    "[T44C^7 sD-7,G7,|lC6   Z": "C^7 / D-7 G7 | C6",
    "[T44C F |G Z": "C / F / | G",
    "[T44CF |G Z": "C F / / | G",
    "[T44CF|G Z": "C F | G",  # two cells: half a bar each
    "[T34C F |G   |F GZ": "C / F | G | F / G",
    "[T54C F  |G Z": "C / F / / | G",
    "[T12C   F   |G Z": "C / / / F / / / | G",
    "[T44C   |  F |G Z": "C | C / F / | G",  # the chord before goes on until its cell
    "[C(E-7) |D-7(D-7/G) G7 Z": "C | D-7 / G7 /",  # other chords, for the player's choice
    "[F*-^* |B*h* *AC Z": "F-^ | Bh / C /",
    "[C^7   |W/B   |pF  Z": "C^7 | C^7/B | C^7/B F / /",
    "[C7 |n |F Z": "C7 | NC | F",
}


@pytest.mark.parametrize("signs", SHARES)
def test_chords_stand_on_the_beats_of_their_cells(signs: str) -> None:
    assert ireal.bars_of(link(signs), "") == f"| {SHARES[signs]} |"


def test_three_chords_in_a_bar_last_as_long_as_their_cells() -> None:
    changes, unknown = read_chart(link("[T44C^7 sD-7,G7,|lC6   Z"), FOUR, "")
    assert changes is not None
    assert [(at, str(chord)) for at, chord in changes.spans(8.0)] == [(0, "C^7"), (2, "D-7"), (3, "G7"), (4, "C6")]
    assert not unknown


def test_no_chart_is_played_for_ever() -> None:
    """Signs in any order: the bars that are played are some of those written, and not too many."""
    rng = random.Random(1)
    signs = "{ } [ ] Z | N1 N2 N3 S Q A B C7 x r n p W/B <Fine> <3x> <D.C.alFine> <D.S.alCoda> <D.C.al2ndending> <D.S.> T34 (A) *A *x*"
    words = [sign.replace("al", " al ").replace("ndend", "nd end") for sign in signs.split()] + [" ", "   "]
    for _ in range(500):
        text = "".join(rng.choices(words, k=rng.randrange(40)))
        assert ireal.bars_of(link(text), "").count("|") <= MOST_BARS + 1
    assert bars("{A " + "|B " * 500 + "<16x>}").count(" ") == MOST_BARS - 1


def test_a_metre_that_changes_is_that_of_its_bars() -> None:
    """After repeats, too; a sign before the bar line means the bar after it. One metre alone is that of who plays it."""
    signs = "T34{A |B T44}[C |x |T68D |T12E |T33F Z"
    assert bars(signs) == "3/4 A B A B 4/4 C C 6/8 D 12/8 E 4/4 F"
    assert bars("T34[A |T34B Z") == "A B"
    changes, _ = read_chart(link("T44[C^7 |T34F^7 |T44G7 Z"), FOUR, "")
    assert changes is not None
    assert [at for at, _ in changes.spans(22.0)] == [0, 4, 7, 11, 15, 18]
