"""Modes that play a line of the network's: trading with the player, and a solo."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from improv.core.beats.sources import SOURCES
from improv.core.events import Event, NoteOn
from improv.core.intent import IMPROV, PLAYER, Intent
from improv.core.line.generator import Memory, Plan
from improv.core.line.phrase import MOST, Ahead, PhraseAhead, Way, rests, retold
from improv.core.line.phrasing import BREATH, RING, Turn, answer_length, entry, finest_steps, sureness
from improv.core.line.sampler import probabilities
from improv.core.metres import NEAR, Unit
from improv.core.modes.mode import Mode
from improv.core.vocabulary import GRID

LONGEST_REST = 2 * GRID  # a longer rest inside an answer ends it
ENTERS = {"beat": Unit.FELT, "bar": Unit.BAR, "now": None}  # on what an answer enters, by the setting
# Where solos of the Weimar Jazz Database begin in their first bar, in half beats: how many of its training split's 309 in 4/4 do.
BEGINNINGS = (64, 35, 49, 26, 46, 19, 41, 29)
LONG_REST_ENDS = 0.37  # chance of each beat after the fourth; real solos rest 5.7 beats on average where it is four or more


class Trade(Mode):
    """Listen, answer when the phrase is over, yield when the player comes back."""

    leads = yields = True
    plan: Plan | None = None
    turn: Turn | None = None
    _note: Ahead | None = None  # the plan, where it is of a phrase that was drawn ahead
    _ways: PhraseAhead | None = None  # of a phrase that is being drawn
    _second: Way | None = None  # another way to go on, which nobody heard
    _then: int | None = None  # in 1/12 beat, where the next note comes, if that is known
    _ahead: tuple[Ahead, ...] = ()  # the notes after it
    _begun = 0  # notes of the phrase that were played
    _after_jump = -(10**9)  # in 1/12 beat: no note lies before this

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        self.drop()
        return self.voice.give_way(event.pitch, time)

    def released(self, time: float) -> list[Event]:
        if self.turn is None or self.turn.notes == 0:
            self._consider_entry()
        return []

    def next(self) -> float:
        return self.voice.meter.time(self.plan.onset) if self.plan else math.inf

    def play(self, time: float) -> list[Event]:
        plan, turn = self.plan, self.turn
        if plan is None or turn is None:
            return []
        self.plan = None
        if plan.opens:
            self.voice.forget()
            self.voice.call = None
        played = self.voice.play(plan, time)
        note, self._note, self._then = self._note, None, None
        if note is not None:
            self._go_on(note)
            return played
        turn.notes += 1
        self._begun = 1
        if turn.finished(plan.onset, plan.then.said.end, plan.on_chord):
            self._finish()
        else:
            self.pending = True
        return played

    def drop(self) -> None:
        self.turn = None
        self.pending = False
        self._forget_ahead()

    def _forget_ahead(self) -> None:
        """Nothing is drawn ahead any more."""
        self.plan = self._note = self._ways = self._second = self._then = None
        self._ahead = ()

    def prepare(self) -> None:
        """Draw how it goes on: a note of a phrase ahead, or by the rules of before, the next note; or end the turn."""
        voice, turn = self.voice, self.turn
        generator, memory = voice.generator, voice.generator.memory
        if turn is None or memory.position is None:
            self.pending = False
        elif generator.draws_phrases:
            self._prepare_phrase(turn)
        else:
            self.pending = False
            position = self._when(memory, turn)
            if position is None:
                self._finish()
            else:
                self.plan = generator.draw(memory, position, lands=turn.landing)

    def _prepare_phrase(self, turn: Turn) -> None:
        """Draw one more note of the ways to go on; with the last of them, choose."""
        generator = self.voice.generator
        if self._ways is None:
            self._ways = PhraseAhead(generator, self._when, generator.memory, turn, self._then, self._begun)
        if not self._ways.go_on():
            return
        (first, *others), self._ways = self._ways.ranked(), None
        self._second = others[0] if others else None
        self._take(first)

    def _take(self, way: Way) -> None:
        """Go on in this way."""
        self.pending = False
        self._ahead = way.notes
        if way.notes:
            self._next_ahead()
        else:
            self._phrase_over(way.turn, way.over, way.then)

    def _next_ahead(self) -> None:
        self._note, *rest = self._ahead
        self._ahead, self.plan = tuple(rest), self._note.plan

    def _go_on(self, note: Ahead) -> None:
        """A note that was drawn ahead was played."""
        self.turn, self._begun = replace(note.turn), self._begun + 1
        if self._ahead and not note.over:
            self._next_ahead()
        else:
            self._phrase_over(note.turn, note.over, note.then)

    def _phrase_over(self, turn: Turn, over: bool, then: int | None) -> None:
        """A phrase, or what was drawn of it, is played."""
        if over:
            self._finish()
            return
        self.turn, self._then, self._second, self.pending = replace(turn), then, None, True
        if self._begun >= MOST or (then is not None and rests(self.voice.generator.memory, then)):
            self._begun = 0

    def changed(self) -> None:
        """What was drawn ahead was drawn by other settings: but for the next note, it is drawn anew."""
        self._ahead, self._second = (), None

    def second_take(self, time: float) -> None:
        """From the next beat on, the other way of the phrase is played."""
        other, meter, generator = self._second, self.voice.meter, self.voice.generator
        if other is None or self._note is None:
            return
        position = math.ceil(meter.next_on(meter.beat(time), Unit.FELT) * GRID - 0.5)
        ours = (self._note, *self._ahead)
        kept = tuple(note for note in ours if note.plan.position < position)
        memory = kept[-1].plan.then if kept else generator.memory
        rest = retold(generator, memory, [note for note in other.notes if note.plan.position >= position])
        self._second = Way(ours[len(kept) :], ours[-1].turn, ours[-1].over, ours[-1].then)
        if not rest:  # it rests there, or is over
            last = kept[-1] if kept else None
            turn = last.turn if last else self.turn
            assert turn is not None
            kept = (*kept[:-1], last._replace(over=other.over, then=other.then)) if last else ()
            self._take(Way(kept, turn, other.over, other.then))
        else:
            self._take(Way((*kept, *rest), other.turn, other.over, other.then))

    def _when(self, memory: Memory, turn: Turn) -> int | None:
        """Draw when the next note comes, in 1/12 beat; None where the turn is over. It may be for the next note to land."""
        voice = self.voice
        generator = voice.generator
        assert memory.position is not None
        last_class = len(memory.said.ioi) - 1
        rests = self.endless or turn.fills  # a long rest is part of it
        longest = LONGEST_REST if not rests and turn.notes < 4 else last_class
        if self.endless and turn.landing:  # it would end in the air
            longest = max(min(longest, math.floor(turn.last * GRID) - 1 - memory.position), 1)
        ioi = generator.draw_time(memory, 1, longest)
        if ioi == last_class:  # "four beats or more"
            ioi += GRID * (int(generator.rng.geometric(LONG_REST_ENDS)) - 1)
        if not rests and ioi > LONGEST_REST and not turn.landed:  # it would end in the air
            turn.landing = True
            ioi = generator.draw_time(memory, 1, LONGEST_REST)
        position = max(memory.position + ioi, self._after_jump)
        over = position / GRID >= turn.last
        if (not rests and ioi > LONGEST_REST) or over or (voice.end is not None and position >= voice.end):
            return None
        return position

    def jumped(self) -> None:
        """What is planned is drawn anew, over the chords that come now."""
        if self.plan is None:
            return
        if self.plan.opens:
            self._consider_entry()
        else:
            self._forget_ahead()
            self.pending = True
            if SOURCES[self.voice.settings.clock].loops:
                self._after_jump = math.ceil(self.voice.meter.beat(self.voice.time) * GRID - 0.5)

    def _consider_entry(self) -> None:
        """Plan to answer, if the top line has stopped sounding. Drawn afresh whenever something is heard."""
        voice = self.voice
        note, meter, settings = voice.tracker.line, voice.meter, voice.settings
        if note is None and voice.rules >= 3:  # nothing to answer: a pedal was moved
            return
        self.turn = None
        self._forget_ahead()
        if note is None or note.off is None:
            return
        now = meter.beat(voice.time)
        memory = voice.generator.after(note, now)
        if settings.trade and not self.endless:
            self.turn = self._own_bars(now, note.beat_off)
        else:
            unit = ENTERS[settings.enter] if SOURCES[settings.clock].beats else None
            shift = meter.position(now) - now  # the grid is that of the song
            playing = voice.playing_after(note).moved(shift)
            ioi = probabilities(memory.said.ioi)
            steps = meter.metres.steps(playing.off + BREATH, unit) if unit else finest_steps(playing.off + BREATH)
            beat = entry(playing, memory.said.end, ioi, steps)
            sure = sureness(playing, beat, memory.said.end, ioi)
            beat -= shift
            beat = meter.opening(beat if beat >= now else meter.next_on(now, unit) if unit else meter.next(now, 1 / GRID))
            call = note.beat_off - (note.beat if voice.call is None else voice.call)
            self.turn = self._from(beat) if self.endless else Turn(beat, answer_length(call), over=sure)
        self.plan = voice.generator.draw(memory, math.floor(self.turn.began * GRID + 0.5), onset=self.turn.began, opens=True)

    def _from(self, beat: float) -> Turn:
        """The turn of a solo from a beat on: without an end, or one that lands in the last of its bars."""
        end = self.voice.end
        return (
            Turn(beat, math.inf)
            if end is None or self.voice.early
            else Turn(beat, end / GRID - beat, fills=True, lands=self.voice.meter.bar_at((end - 1) / GRID))
        )

    def intent(self) -> Intent:
        plan, turn = self.plan, self.turn
        if turn is None:
            return Intent(PLAYER)
        notes = self.voice.intended(plan)
        if turn.notes or plan is None or self.voice.tracker.line is None:
            return Intent(IMPROV, notes)
        return Intent(PLAYER, notes, plan.onset, turn.over)

    def _own_bars(self, now: float, silent_since: float) -> Turn:
        """The next turn that is ours where bars are traded. A player who plays over into its first bar is let finish."""
        meter, metres, trade = self.voice.meter, self.voice.meter.metres, self.voice.settings.trade
        length = trade * meter.bar_at(now)
        then = now - length  # the song as it was counted a turn ago: it may have jumped since
        number = math.ceil(metres.bars(meter.position(then) + length) / trade - 1 - NEAR)  # of the turn that goes on now
        first, second, end = (meter.line(bar, then) for bar in (number * trade, number * trade + 1, (number + 1) * trade))
        ours = round(metres.bars(meter.position(first)) / trade) % 2 == 1
        late = meter.next_on(max(now, silent_since + BREATH), Unit.FELT)
        if ours and late < second and self.voice.generator.last_onset < first:
            return Turn(late, end - late, fills=True)
        number += 1 if not ours else 2
        first, end = (meter.line(bar, then) for bar in (number * trade, (number + 1) * trade))
        return Turn(first, end - first, fills=True)

    def _finish(self) -> None:
        """The turn is over; its last note rings, until the player comes back, or up to a bar line. A solo's stays on its chord."""
        turn, self.turn = self.turn, None
        if turn and (turn.fills or not self.endless):
            voice, meter, generator = self.voice, self.voice.meter, self.voice.generator
            until = meter.next_bar(generator.last_onset + RING)
            last = turn.began + turn.length if turn.fills else math.inf
            if not self.endless or generator.chord(generator.last_onset) == generator.chord(min(until, last) - 1 / GRID):
                voice.sounding.lengthen(until, last)


class Solo(Trade):
    """Play until interrupted; go on when the player's phrase is over."""

    begins = endless = True

    @property
    def waits(self) -> bool:
        voice = self.voice
        nothing = self.plan is None and self.turn is None and not self.pending and voice.tracker.line is None and not voice.tracker.keys
        return nothing and voice.end is None and voice.meter.running

    def jumped(self) -> None:
        if self.plan and self.plan.opens and self.voice.tracker.line is None:
            self.start(self.voice.time)
        else:
            super().jumped()

    def start(self, time: float) -> None:
        voice, meter = self.voice, self.voice.meter
        if not meter.running:
            return
        beat = meter.next_on(meter.opening(meter.just_before(meter.beat(time))), Unit.QUARTER)
        if not voice.early:
            beat += self._beginning(meter.bar_at(beat))
        self.turn = self._from(beat)
        self.plan = voice.generator.draw(voice.generator.memory, round(beat * GRID), onset=beat, opens=True)

    def _beginning(self, bar: float) -> float:
        """Beats into its first bar on which it begins, as solos do: a pick-up to the second as often as the downbeat."""
        counts = np.array(BEGINNINGS[: max(round(2 * bar), 1)])
        return 0.5 * int(self.voice.generator.rng.choice(len(counts), p=counts / counts.sum()))
