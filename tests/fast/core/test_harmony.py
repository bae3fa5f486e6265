import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.harmony import KINDS, NO_CHORD, Chord, HarmonyError, chord_of, parse_changes, parse_chord
from improv.core.metres import FOUR, Metres


@pytest.mark.parametrize(
    ("symbols", "kind"),
    [
        ("Cmaj7 C^7 CM7 Cj7 CΔ7 CΔ Cma7 C^ Cmaj9 Cj79", "maj7"),
        ("C-7 Cm7 Cmin7 Cmi7 C-9 Cm11 C-7911 Cm7/G", "m7"),
        ("C7 C9 C13 C79 C7913 C7/E", "7"),
        ("C7alt C7b9 C7#9 C79b C79b13b C79b13 C7(b9,#11) C7b13 C13b C7-9 C7+9", "7alt"),
        ("C7#11 C7911# C9#11 C7b5", "7#11"),
        ("Cø Cø7 Cm7b5 C-7b5 Ch7", "m7b5"),
        ("Co Cdim Cdim7 C°7 Co7", "dim"),
        ("C6 C69 C6/9", "6"),
        ("Cm6 C-6 C-69", "m6"),
        ("Csus Csus4 C7sus Csus7 C7sus4 Csus7913 C9sus", "7sus"),
        ("C C/E Cadd9", "maj"),
        ("Cm C- Cmin", "m"),
        ("CmMaj7 C-j7 C-^7 Cm(maj7)", "mmaj7"),
        ("C+ Caug C+7 C7#5", "7+"),
        ("Cmaj7#11 Cj7911#", "maj7#11"),
    ],
)
def test_spellings(symbols: str, kind: str) -> None:
    for symbol in symbols.split():
        assert (symbol, parse_chord(symbol).kind, parse_chord(symbol).root) == (symbol, kind, 0)


@pytest.mark.parametrize(
    ("symbol", "chord"),
    [
        ("Bb7", Chord(10, "7")),
        ("F#m7b5", Chord(6, "m7b5")),
        ("C/E", Chord(0, "maj", 4)),
        ("Ab-7/Gb", Chord(8, "m7", 6)),
        ("NC", NO_CHORD),
        ("N.C.", NO_CHORD),
    ],
)
def test_roots_and_basses(symbol: str, chord: Chord) -> None:
    assert parse_chord(symbol) == chord


NOT_READ = (
    *[("X7", 0), ("", 0), ("(X7)", 1), ("Cxy", 1), ("G7xx", 2), ("C/", 2), ("C/X", 2), ("Cm7/Gx", 5)],
    *[("C7add", 2), ("C7no4", 2), ("C/e", 2)],
)


@pytest.mark.parametrize(("symbol", "position"), NOT_READ)
def test_a_symbol_that_does_not_parse_says_where(symbol: str, position: int) -> None:
    with pytest.raises(HarmonyError) as e:
        parse_chord(symbol)
    assert e.value.position == position


@given(root=st.integers(0, 11), kind=st.sampled_from([k for k in KINDS if k != "none"]), bass=st.none() | st.integers(0, 11))
def test_a_chord_reads_back_as_it_is_written(root: int, kind: str, bass: int | None) -> None:
    written = parse_chord(str(Chord(root, kind, bass)))
    assert (written.root, written.kind) == (root, kind)
    assert written.bass == (None if bass == root else bass)


@given(st.text(max_size=12))
def test_any_text_is_a_chord_or_a_clear_error(text: str) -> None:
    position = 0
    try:
        parse_chord(text)
    except HarmonyError as e:
        position = e.position
    assert 0 <= position <= len(text)


def spelled(text: str, metres: Metres = FOUR) -> list[tuple[float, str]]:
    changes = parse_changes(text, metres)
    return [(s, str(c)) for s, c in changes.spans(changes.length)]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Dm7 | G7 | Cmaj7 | %", [(0, "Dm7"), (4, "G7"), (8, "Cmaj7")]),
        ("| Dm7 G7 | C6 |", [(0, "Dm7"), (2, "G7"), (4, "C6")]),
        ("Dm7 / / G7 | C", [(0, "Dm7"), (3, "G7"), (4, "C")]),
        ("|: C7 :| F7", [(0, "C7"), (8, "F7")]),
        ("C7 ||: Dm7 | G7 :|| C6", [(0, "C7"), (4, "Dm7"), (8, "G7"), (12, "Dm7"), (16, "G7"), (20, "C6")]),
        ("NC | C", [(0, "NC"), (4, "C")]),
        ("C | | F |", [(0, "C"), (8, "F")]),  # an empty bar is the bar before once more
        ("| C F |\n| G |\n\n| | C", [(0, "C"), (2, "F"), (4, "G"), (12, "C")]),
        ("C\nF\n", [(0, "C"), (4, "F")]),  # a line begins a bar
        ("|: C |1. F :|2. G | A", [(0, "C"), (4, "F"), (8, "C"), (12, "G"), (16, "A")]),
        ("|: C |[1 F :|[2 G :| A", [(0, "C"), (4, "F"), (8, "C"), (12, "G"), (16, "A")]),
        ("|: C |1,2. F :|3. G |", [(0, "C"), (4, "F"), (8, "C"), (12, "F"), (16, "C"), (20, "G")]),
        ("|: C | D |1. F :|", [(0, "C"), (4, "D"), (8, "F"), (12, "C"), (16, "D")]),  # a first ending without a second
        ("|: C |1 F |2 G |: A :| B", [(0, "C"), (4, "F"), (8, "C"), (12, "G"), (16, "A"), (24, "B")]),
        ("[A] C | F |\n[B 2] G |\nCoda: A | A:|", [(0, "C"), (4, "F"), (8, "G"), (12, "A"), (20, "C"), (24, "F"), (28, "G"), (32, "A")]),
    ],
)
def test_changes(text: str, spans: list[tuple[float, str]]) -> None:
    assert spelled(text) == spans


def test_changes_in_three_four() -> None:
    assert spelled("Em7 A7 | Dmaj7", Metres.of(3, 4)) == [(0, "Em7"), (1.5, "A7"), (3, "Dmaj7")]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("Dm7 | X7", 7),
        ("C | r", 5),
        ("x", 1),
        ("% | C", 1),
        ("Dm7 | G7x", 9),
        ("/ C", 1),
        ("C % | D", 3),
        ("C 1. | D", 3),
        ("C |\n[A] Dx", 10),
    ],
)
def test_changes_that_do_not_parse_say_where(text: str, column: int) -> None:
    with pytest.raises(HarmonyError, match=f"column {column}:"):
        parse_changes(text)


@given(st.text("|:%/ \n12[].ACm", max_size=40))
def test_any_changes_are_bars_or_a_clear_error(text: str) -> None:
    try:
        changes = parse_changes(text)
    except HarmonyError:
        return
    assert changes.length >= 4
    assert changes.starts == sorted(changes.starts)


def test_no_text_makes_changes_without_end() -> None:
    with pytest.raises(HarmonyError, match="more than 10,000 bars"):
        parse_changes("|: " + "C | " * 200 + "1,2,3,4,5,6,7,8,9. D :|" * 20)


def test_no_changes_say_what_to_write() -> None:
    with pytest.raises(HarmonyError, match="write for example"):
        parse_changes(" | ")


def test_the_outlook_loops_and_sees_the_next_other_chord() -> None:
    changes = parse_changes("Dm7 | G7 | Cmaj7 | %")
    seen = [(str(o.chord), str(o.coming), o.until) for o in map(changes.harmony, (0, 3.5, 8, 15, 16, -1))]
    assert seen == [
        ("Dm7", "G7", 4),
        ("Dm7", "G7", 0.5),
        ("Cmaj7", "Dm7", 8),
        ("Cmaj7", "Dm7", 1),
        ("Dm7", "G7", 4),
        ("Cmaj7", "Dm7", 1),
    ]


@pytest.mark.parametrize(
    ("pitches", "chord"),
    [
        ([48, 64, 67, 71], "Cmaj7"),
        ([50, 60, 65, 69], "Dm7"),
        ([53, 59, 62, 67], "G7/F"),
        ([52, 55, 60], "C/E"),
        ([48, 51, 54, 58], "Cm7b5"),
        ([60, 64], "NC"),
    ],
)
def test_the_chord_that_held_notes_make(pitches: list[int], chord: str) -> None:
    assert str(chord_of(pitches)) == chord
