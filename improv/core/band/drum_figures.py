"""What a drummer plays in a bar, by rule: a line a piece of the kit, a digit a stroke, from 1, hardly heard, to 9.

A line is a bar of the metre's beats, cut evenly: 12 signs are triplets over four beats, 16 are sixteenths. Several lines are bars that
take turns. After J. Riley, The Art of Bop Drumming, 1994 (swing, two, ballad), E. Uribe, The Essence of Brazilian Percussion and Drum
Set, 1993 (bossa nova, samba), and R. Mauleón, Salsa Guidebook, 1993 (cáscara).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

Lines = Mapping[str, tuple[str, ...]]
# By style and beats of a bar. A metre that isn't here takes the beats of four, in turn; five is three and two.
FIGURES: dict[tuple[str, int], Lines] = {
    ("swing", 4): {"ride": ("7..8.57..8.5",), "pedal": ("...6.....6..",), "kick": ("2..2..2..2..",)},
    ("swing", 3): {"ride": ("7..7.57..", "7..7.57.5"), "pedal": ("...6.....", "...6..4.."), "kick": ("3........",)},
    ("swing", 2): {"ride": ("7..8.5",), "pedal": ("...6..",), "kick": ("2..2..",)},
    ("two", 4): {"open": ("6.....6.....",), "closed": ("...6.4...6.4",), "kick": ("3.....3.....",)},
    ("two", 3): {"ride": ("5..5..5..",), "pedal": ("...4..4..",), "kick": ("3........",)},
    ("ballad", 4): {"ride": ("4..3.24..3.2", "4..3..4..3.2"), "pedal": ("...4.....4..",), "kick": ("2.....2.....",)},
    ("ballad", 3): {"ride": ("4..3..3.2",), "pedal": ("...4..3..",), "kick": ("2........",)},
    ("shuffle", 4): {
        "ride": ("7.57.57.57.5",), "snare": ("1.17.11.17.1",), "kick": ("6..3..6..3..",), "pedal": ("...4.....4..",),
    },
    ("shuffle", 3): {"ride": ("7.57.57.5",), "snare": ("1.16.16.1",), "kick": ("6........",), "pedal": ("...4..4..",)},
    ("bossa", 4): {
        "closed": ("5.4.5.4.5.4.5.4.",), "kick": ("6.....4.6.....4.",), "stick": ("6.....6.....6...", "....6.....6....."),
    },
    ("bossa", 3): {"closed": ("5.4.5.4.5.4.",), "kick": ("6.....4.....",), "stick": ("....6...6...", "..6.....6...")},
    ("samba", 4): {
        "snare": ("5223522452235224", "5224522352245245"), "kick": ("4..36..34..36..3",), "low": ("....6.......6...",),
        "pedal": ("....5.......5...",),
    },
    ("samba", 3): {"snare": ("522352245224",), "kick": ("4..36..36..3",), "pedal": ("....5...5...",)},
    ("latin", 4): {
        "ride": ("6...5.6...5...5.", "6...5...6.5...5."), "kick": ("......5.....4...",), "pedal": ("....4.......4...",),
        "stick": ("....5...........",), "high": ("............4...",), "low": ("..............5.",),
    },
    ("latin", 3): {"bell": ("6...5.6.5.4.",), "kick": ("......5.....",), "pedal": ("....4...4...",), "low": ("..........4.",)},
    ("even", 4): {
        "ride": ("6.4.5.4.6.4.5.4.", "6.4.5..46.4.5..4"), "kick": ("5.....3.........", "5.........4....."),
        "pedal": ("....5.......5...",), "stick": ("............4...", "......3.....4..."),
    },
    ("even", 3): {"ride": ("6.4.5.4.5.4.",), "kick": ("5.........3.", "5..........."), "pedal": ("....5...5...",),
        "stick": ("........4...",)},
    ("funk", 4): {
        "closed": ("6.4.6.4.6.4.6.43",), "snare": ("....8..1.1..8..1", "....8..1.1..8..."),
        "kick": ("8.....5..57.....", "8..5......7..5.."),
    },
    ("funk", 3): {"closed": ("6.4.6.4.6.4.",), "snare": ("....8..1.1..",), "kick": ("8.....5..5..",)},
    ("rock", 4): {"closed": ("7.5.7.5.7.5.7.5.",), "snare": ("....8.......8...",), "kick": ("8.......8.5.....", "8.....5.8.5.....")},
    ("rock", 3): {"closed": ("7.5.7.5.7.5.",), "snare": ("....7...7...",), "kick": ("8...........",)},
}  # fmt: skip


@lru_cache(maxsize=256)
def strokes(style: str, beats: int, turn: int) -> tuple[tuple[int, str, int], ...]:
    """(tick, piece, digit) of the bar that comes at a turn."""
    if beats == 5:
        first = strokes(style, 3, turn)
        second = tuple((tick + 144, piece, digit) for tick, piece, digit in strokes(style, 4, turn) if tick < 96)
        return tuple(sorted(first + second))
    lines = FIGURES.get((style, beats))
    if lines is None:
        whole = strokes(style, 4, turn)
        return tuple(
            (tick + 192 * k, piece, digit) for k in range(-(-beats // 4)) for tick, piece, digit in whole if tick + 192 * k < 48 * beats
        )
    found = []
    for piece, bars in lines.items():
        line = bars[turn % len(bars)]
        step = 48 * beats // (beats * (3 if len(line) % (3 * beats) == 0 and len(line) != 4 * beats else 4))
        found += [(i * step, piece, int(sign)) for i, sign in enumerate(line) if sign != "."]
    return tuple(sorted(found))
