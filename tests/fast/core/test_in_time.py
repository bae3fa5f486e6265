"""The improviser with others' time: Start and Stop, jumps, ramps, traded bars, a clock that fails."""

from __future__ import annotations

import queue

import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Setting, Transport
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.metres import Metres
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

PITCHES = [62, 65, 69, 72, 71, 67, 65, 64]


def play(improviser: Improviser, heard: list[Event], limit: float = 60.0, early: float = 0.0) -> list[Event]:
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(sorted(heard, key=lambda e: e.time), limit), queue.SimpleQueue(), played.append, early=early)
    return played


def phrase(start: float, step: float = 0.25) -> list[Event]:
    ons: list[Event] = [NoteOn(start + i * step, p, 80) for i, p in enumerate(PITCHES)]
    return ons + [NoteOff(start + (i + 0.8) * step, p) for i, p in enumerate(PITCHES)]


def pulses(start: float, count: int, bpm: float = 120.0) -> list[Event]:
    return [Pulse(start + i * 60 / bpm / 24) for i in range(count)]


def improviser(
    metre: tuple[int, int] = (4, 4), changes: str | None = "Dm7 | G7 | Cmaj7 | A7", seed: int = 3, **wishes: object
) -> Improviser:
    settings = Settings(**wishes)  # type: ignore[arg-type]
    over = parse_changes(changes, Metres.of(*metre)) if changes else None
    return Improviser(load_model("pocket"), settings, over, Timekeeper(settings, metre).meter, seed)


def onsets(played: list[Event]) -> list[float]:
    return [e.time for e in played if isinstance(e, NoteOn)]


def closed(played: list[Event]) -> bool:
    sounding: set[int] = set()
    for event in played:
        if isinstance(event, NoteOn):
            sounding.add(event.pitch)
        elif isinstance(event, NoteOff):
            sounding.discard(event.pitch)
    return not sounding


def test_start_is_obeyed_by_a_solo_and_so_is_stop() -> None:
    """Slaved: not a note before Start, the first at bar one, none after Stop, and all are closed."""
    heard = [*pulses(0.0, 96), Transport(2.0, "start"), *pulses(2.01, 400), Transport(2.01 + 8.0, "stop")]
    played = play(improviser(mode="solo", clock="midi"), heard)
    times = onsets(played)
    assert times[0] == pytest.approx(2.01, abs=0.001)
    assert len(times) > 5
    assert times[-1] < 10.01
    assert played[-1].time <= 10.01
    assert closed(played)


def test_while_the_song_stands_it_does_not_answer_and_it_does_after_start() -> None:
    stopped = [*pulses(0.0, 48), Transport(1.0, "start"), *pulses(1.01, 48), Transport(2.01, "stop")]
    assert not onsets(play(improviser(clock="midi"), [*stopped, *phrase(3.0)]))
    going_on = [Transport(10.0, "start"), *pulses(10.0, 1000), *phrase(10.5)]
    assert onsets(play(improviser(clock="midi"), [*stopped, *phrase(3.0), *going_on]))


def test_a_clock_that_fails_for_two_seconds_loses_nothing() -> None:
    """What was played until then and after it is what would have been played; what sounded is closed meanwhile."""
    steady = [Transport(0.0, "start"), *pulses(0.0, 2000)]
    cut = [e if e.time < 6.0 else type(e)(e.time + 2.0) for e in steady]  # type: ignore[call-arg]
    whole, halted = play(improviser(mode="solo", clock="midi"), steady, 20.0), play(improviser(mode="solo", clock="midi"), cut, 22.0)

    def notes(played: list[Event], until: float) -> list[tuple[float, int]]:
        return [(e.time, e.pitch) for e in played if isinstance(e, NoteOn) and e.time < until]

    expected = [(t if t < 6.11 else t + 2.0, p) for t, p in notes(whole, 20.0)]
    found = notes(halted, 22.0)
    assert [p for _, p in found] == [p for _, p in expected]
    assert [t for t, _ in found] == pytest.approx([t for t, _ in expected], abs=0.002)
    assert not [e for e in halted if 6.13 < e.time < 7.99]
    sounding: set[int] = set()
    for event in halted:
        if event.time < 7.0 and isinstance(event, NoteOn | NoteOff):
            (sounding.add if isinstance(event, NoteOn) else sounding.discard)(event.pitch)
    assert not sounding


def test_a_tempo_change_in_mid_phrase_keeps_the_beats_of_notes_and_their_ends() -> None:
    def beats(tempo: float | None) -> list[float]:
        player = improviser(mode="solo", tempo=120.0)
        found: list[float] = []

        def send(event: Event) -> None:
            found.append(player.meter.beat(event.time))

        heard: list[Event] = [Setting(3.1, "tempo", tempo)] if tempo else []
        perform(alone(player), OfflineClock(heard, 12.0), queue.SimpleQueue(), send)
        return found

    # The network hears the tempo too, so what it plays after may differ; what sounds or is planned keeps its beats.
    steady = beats(None)
    across = next(i for i, beat in enumerate(steady) if beat > 6.2) + 1
    assert beats(60.0)[:across] == pytest.approx(steady[:across])


def test_a_jump_of_the_song_takes_the_changes_along() -> None:
    """Over one chord that is all black keys and one that is all white, the notes tell where in the song it is."""
    changes = "C | C | C | C | Gb | Gb | Gb | Gb"
    heard: list[Event] = [Transport(4.0, "position", 16.0), Transport(9.5, "position", 0.0)]
    chords: list[tuple[float, str, int]] = []
    for seed in range(8):
        player = improviser(changes=changes, seed=seed, mode="solo", tempo=120.0, temperature=0.8)

        def send(event: Event, player: Improviser = player) -> None:
            if isinstance(event, NoteOn):
                chords.append((event.time, str(player.generator.chord(player.meter.beat(event.time) + 0.1)), event.pitch % 12))

        perform(alone(player), OfflineClock(heard, 13.0), queue.SimpleQueue(), send)
    assert {chord for time, chord, _ in chords if time < 3.9} == {"C"}
    assert {chord for time, chord, _ in chords if 4.0 <= time < 9.4} == {"Gb"}
    assert {chord for time, chord, _ in chords if time >= 9.5} == {"C"}
    gb, c = {1, 3, 6, 8, 10}, {0, 2, 4, 7, 9}
    after = [pitch for time, _, pitch in chords if 4.0 <= time < 9.4]
    assert sum(p in gb for p in after) > sum(p in c for p in after)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (5, 4), (7, 4), (2, 4), (6, 8)])
@pytest.mark.parametrize("bars", [2, 4])
def test_bars_are_traded_from_bar_one_the_player_first(metre: tuple[int, int], bars: int) -> None:
    """Whenever the player stops: improv plays in the second, fourth, sixth bars of so many, and not a note in the player's."""
    length = bars * metre[0] * 4 / metre[1]  # beats, at 120
    turn = length / 2  # seconds
    heard = [Transport(0.0, "start")]
    for k in range(3):
        heard += [e for e in phrase(2 * k * turn + 0.01) if e.time < (2 * k + 1) * turn]
    played = play(improviser(metre, changes=None, trade=bars, tempo=120.0), heard, 120.0)
    times = onsets(played)
    turns = [int((t + 1e-6) // turn) for t in times]
    assert set(turns) == {1, 3, 5}
    for k in (1, 3, 5):
        assert min(t for t, n in zip(times, turns, strict=True) if n == k) == pytest.approx(k * turn)  # on the bar line
    assert all(e.time <= 6 * turn + 1e-6 for e in played)
    assert closed(played)


def test_a_player_who_plays_over_the_bar_line_is_let_finish_and_one_who_comes_back_is_yielded_to() -> None:
    over = [Transport(0.0, "start"), NoteOn(3.5, 60, 80), NoteOff(4.3, 60)]  # into our first beat
    times = onsets(play(improviser(trade=2, tempo=120.0), over))
    assert times[0] == pytest.approx(4.5)
    back = [*over, NoteOn(5.0, 72, 80), NoteOff(5.2, 72)]
    times = onsets(play(improviser(trade=2, tempo=120.0), back))
    assert all(t < 5.0 or 12.0 <= t < 16.0 for t in times)


def test_notes_are_handed_over_early_for_a_slow_synth_and_answers_to_keys_when_they_can_be() -> None:
    call = sorted(phrase(0.0), key=lambda e: e.time)
    exact = play(improviser(tempo=120.0), call)

    def handed_over(player: Improviser) -> list[tuple[float, Event]]:
        clock, found = OfflineClock(call, 60.0), []
        perform(alone(player), clock, queue.SimpleQueue(), lambda e: found.append((clock.now(), e)), early=0.03)
        return found

    handed = handed_over(improviser(tempo=120.0))
    assert [e for _, e in handed] == exact
    assert [e.time - at for at, e in handed if isinstance(e, NoteOn)] == pytest.approx([0.03] * len(onsets(exact)))
    handed = handed_over(improviser(mode="echo"))
    assert handed
    assert all(at == e.time for at, e in handed)
