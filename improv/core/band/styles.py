"""The styles that a rhythm section plays in, one row each, and which of them a chart means.

A style says how the off-beat lies, what the bass does and which drummers' playing is like it. 3/4 and 5/4 are no styles of their
own: the metre says them. What is played in each stands in `bass_figures` and `drum_figures`, with where it comes from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """swung: off-beats come late. bass: the bass player's way, a key of `bass_figures.FIGURES`, or `four`, `two`. drums: whose
    figures of `drum_figures.FIGURES` it has, and which drummers' playing it is like. about: in a few words. words: what charts call it."""

    name: str
    swung: bool
    bass: str
    drums: str
    about: str
    words: str


STYLES = {
    style.name: style
    for style in (
        Style("swing", True, "four", "swing", "walking bass, ride cymbal", r"swing|bop|be-?bop|jazz|up[- ]?tempo|medium"),
        Style("two", True, "two", "two", "the bass in two, lighter drums", r"in two|in 2|two[- ]?feel|2[- ]?feel|dixie|foxtrot"),
        Style("ballad", True, "two", "ballad", "slow: the bass in two, soft drums", r"ballad|slow"),
        Style("shuffle", True, "four", "shuffle", "every triplet on the snare, walking bass", r"shuffle|blues|boogie"),
        Style("bossa", False, "bossa", "bossa", "bossa nova", r"bossa|brazil|brasil"),
        Style("samba", False, "samba", "samba", "samba", r"samba|baiao|baião|partido"),
        Style(
            "latin",
            False,
            "latin",
            "latin",
            "Afro-Cuban: tumbao, cascara",
            r"latin|afro|cuban|salsa|mambo|rumba|montuno|bolero|cha",
        ),
        Style("even", False, "even", "even", "straight eighths, ECM", r"even|straight|ecm|8ths|eighths|pop|soft rock"),
        Style("funk", False, "funk", "funk", "sixteenths, backbeat", r"funk|soul|r ?& ?b|rnb|fusion|hip|groove|motown|gospel"),
        Style("rock", False, "rock", "rock", "eighths, backbeat", r"rock|reggae|disco|country"),
    )
}
SWING = STYLES["swing"]
SLOW = 76.0  # bpm: below it, swing is a ballad


def style_of(said: str, feel: str | None = None, tempo: float = 120.0) -> Style:
    """The style that a chart's word means (iReal's `Medium Up Swing`, `Bossa Nova`); where it means none, by feel and tempo.

    feel: `swing` or `straight`, where it is known. A style's own name is always itself.
    """
    word = said.strip().lower()
    if word in STYLES:
        return STYLES[word]
    order = ("ballad", "bossa", "samba", "latin", "shuffle", "two", "funk", "rock", "even", "swing")
    for name in order:
        if word and re.search(STYLES[name].words, word):
            found = STYLES[name]
            return found if name != "swing" or tempo >= SLOW else STYLES["ballad"]
    if feel == "straight":
        return STYLES["even"]
    return STYLES["ballad"] if tempo < SLOW else SWING
