"""The note book: what sounds, in which order it ends, and that a copy is a value."""

from __future__ import annotations

import math

from improv.core.events import NoteOff, NoteOn
from improv.core.note_book import NoteBook, key_of


def test_what_sounds_ends_in_order_and_nothing_ends_twice() -> None:
    book = NoteBook()
    assert (book.soonest, len(book), book.close_all(1.0)) == (math.inf, 0, [])
    low, high, other = NoteOn(0.0, 60, 80, 3, 1), NoteOn(0.0, 64, 80, 3, 1), NoteOn(0.0, 60, 80, 3, 2)
    for note, end in ((low, 5.0), (high, 2.0), (other, 5.0)):
        book.begin(note, end)
    assert (book.soonest, set(book)) == (2.0, {(1, 3, 60), (1, 3, 64), (2, 3, 60)})
    assert book.over(1.9) == []
    assert book.over(5.0) == [((1, 3, 64), 2.0), ((1, 3, 60), 5.0), ((2, 3, 60), 5.0)]
    assert book.close([key_of(high)], 2.0) == [NoteOff(2.0, 64, 3, 1)]
    assert not book.end(key_of(high))
    book.begin(low, 7.0)  # struck again: it sounds on
    assert [end for _, end in book.over(math.inf)] == [5.0, 7.0]
    assert book.end(key_of(other))
    assert book.close_all(6.0) == [NoteOff(6.0, 60, 3, 1)]
    assert len(book) == 0


def test_what_rings_on_is_lengthened_up_to_a_last_beat() -> None:
    book = NoteBook()
    for pitch, end in ((60, 1.0), (62, 4.0), (64, 9.0)):
        book.begin(NoteOn(0.0, pitch, 80), end)
    book.lengthen(3.0, 8.0)
    assert book.over(math.inf) == [((0, 0, 60), 3.0), ((0, 0, 62), 4.0), ((0, 0, 64), 8.0)]


def test_a_copy_stays_as_it_was() -> None:
    book = NoteBook()
    book.begin(NoteOn(0.0, 60, 80), 1.0)
    copy = book.copy()
    book.begin(NoteOn(0.5, 62, 80), 2.0)
    assert book.close_all(3.0) == [NoteOff(3.0, 60), NoteOff(3.0, 62)]
    assert copy.over(math.inf) == [((0, 0, 60), 1.0)]
