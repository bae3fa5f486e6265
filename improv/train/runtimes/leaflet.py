"""The JSON beside an exported model: what goes in, what comes out, whose work it is. For readers without improv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from improv.core.vocabulary import ARTICULATION_TABLES, ONSET_TABLES, STEP_TABLES
from improv.train.runtimes.stages import Weights, stages

TABLES = {"note": STEP_TABLES, "onset": ONSET_TABLES, "struck": ARTICULATION_TABLES}

HOW = [
    "Start with a and c of zeros. For every note that sounds, yours or the model's, run step and keep a_next and c_next as a and c.",
    "ioi are logits of when the next note comes; end is the probability that the phrase is over.",
    "Draw an ioi, find the chords there, run pitch on the new a; draw a pitch from its logits.",
    "Run touch on the same a; draw how long the note sounds and how far off the grid it lies. If it is played, it is the next note.",
    "Logits become probabilities by softmax; divide them by a temperature first if you like.",
    "improv mixes in a vote of what was played before in the performance (Grave et al. 2017); these graphs do not.",
    "Class numbers are not checked: one outside its range reads a neighbour's weights or is refused by the runtime.",
]

COLUMNS = {
    "interval": "semitones from the note before, clipped to -24 to 24, plus 24; 49 for the first note",
    "register": "MIDI pitch // 4",
    "degree": "13 * kind + (pitch - root) % 12 of the chord at the note's onset; 13 * kind + 12 without a root",
    "coming_degree": "the same of the chord that comes next",
    "motion": "(coming root - root) % 12; 12 if either has none",
    "until": "beats until the next chord: how many of 0.5 1 2 3 4 6 8 12 are less than that; 9 if none comes",
    "ioi": "onset less the onset before, in 1/12 beat, at most 48; 0 for the first note",
    "duration": "place in vocabulary.durations (1/12 beat) that is nearest",
    "lag": "place in vocabulary.lags (beats, positive is late) that is nearest",
    "place": "onset's position in the bar in 1/12 beat, at most 95",
    "section": "bars since the section began: 0 to 11, from 12 on bars % 4 + 8; 12 if unknown",
    "tempo": "round(3 * log2(quarter notes a minute / 40)), 0 to 10",
    "feel": "place in vocabulary.feels",
}
NOTES = {
    "note": "the note that has just sounded; kinds are places in vocabulary.kinds",
    "onset": "what is known of the next note before its pitch: degrees and register are of the last pitch, the rest of the next onset",
    "struck": "what is known of the next note before its length: ioi, interval and degree are its own, the rest of its onset",
    "last": "MIDI pitch of the last note",
    "root": "pitch class (0 C) of the chord at the next onset; 12 for none",
    "coming": "pitch class of the chord after that one; 12 for none",
    "a": "state: activations of all networks, the rhythms' first",
    "c": "state: of LSTMs their cells; of TCNs the inputs that their layers hear again",
    "a_next": "the state after the note",
    "c_next": "the state after the note",
    "ioi": "logits: 1/12 beats to the next onset; the last is four beats or more",
    "end": "probability that the note ended its phrase",
    "pitch": "logits of the next MIDI pitch",
    "duration": "logits of the next note's length, places in vocabulary.durations",
    "lag": "logits of the next note's lag, places in vocabulary.lags",
}


def leaflet(card: Mapping[str, Any], weights: Weights, form: str, checked: Mapping[str, Any]) -> dict[str, Any]:
    """What model.json says. form: how the export's files are opened; checked: how it was compared, and with what result."""
    kept = ("weights_sha256", "license", "attribution", "trained_on", "figures")
    return {
        "name": card.get("name"),
        **{k: card[k] for k in kept if k in card},
        "form": form,
        "how": HOW,
        "stages": {
            name: {
                "inputs": {k: _input(k, x.kind, x.width) for k, x in stage.inputs.items()},
                "outputs": {k: {"type": "float32", "shape": ["batch", n], "is": NOTES[k]} for k, n in stage.outputs.items()},
            }
            for name, stage in stages(weights).items()
        },
        "columns": COLUMNS,
        "vocabulary": card["vocabulary"],
        "checked": dict(checked),
    }


def _input(name: str, kind: str, width: tuple[int, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": kind, "shape": ["batch", *width], "is": NOTES[name]}
    if name in TABLES:  # in this order; each class is less than its number here
        told["columns"] = dict(TABLES[name])
    return told
