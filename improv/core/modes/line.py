"""Modes that play a line of the network's: trading with the player, and a solo."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from improv.core.beats.sources import SOURCES
from improv.core.events import Event, NoteOn
from improv.core.intent import IMPROV, PLAYER, Intent
from improv.core.line.memory import Memory, Plan
from improv.core.line.perhaps import over_the_likeliest
from improv.core.line.phrase import Ahead, PhrasesAhead, stands
from improv.core.line.phrasing import BREATH, RING, Turn, answer_length, entry, finest_steps, sureness
from improv.core.line.sampler import probabilities
from improv.core.metres import NEAR, Unit
from improv.core.modes.mode import Mode
from improv.core.playing import PHRASES, SWAYS
from improv.core.vocabulary import GRID
from improv.core.voice import Voice

LONGEST_REST = 2 * GRID  # a longer rest inside an answer ends it
ENTERS = {"beat": Unit.FELT, "bar": Unit.BAR, "now": None}  # on what an answer enters, by the setting
# Where solos of the Weimar Jazz Database begin in their first bar, in half beats: how many of its training split's 309 in 4/4 do.
BEGINNINGS = (64, 35, 49, 26, 46, 19, 41, 29)
FROM, FROM_WITHIN = 0.2, 0.15  # of the range: from where a solo comes to its first note, and the spread of that; see models/README.md
THOUGHT = 0.12  # seconds before its time at which a phrase is drawn at the latest; a slow machine takes half of that
LONG_REST_ENDS = 0.37  # chance of each beat after the fourth; real solos rest 5.7 beats on average where it is four or more


class Trade(Mode):
    """Listen, answer when the phrase is over, yield when the player comes back."""

    leads = yields = True
    plan: Plan | None = None
    turn: Turn | None = None
    _after_jump = -(10**9)  # in 1/12 beat: no note lies before this

    def __init__(self, voice: Voice):
        super().__init__(voice)
        self._ahead = PhrasesAhead()

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
        if self._ahead.note is not None and plan is self._ahead.note.plan:
            self._go_on(self._ahead.note)
            return played
        turn.notes += 1
        if turn.finished(plan.onset, plan.then.said.end, plan.on_chord):
            self._finish()
        elif self.voice.generator.draws_phrases:
            self._ahead.begin(stands(plan.then, turn, False, None, 1))
            self.pending = True
        else:
            self.pending = True
        return played

    def drop(self) -> None:
        self.turn = None
        self._forget_ahead()

    def _forget_ahead(self) -> None:
        """Nothing is planned any more."""
        self.plan, self.pending = None, False
        self._ahead.clear()

    def prepare(self) -> None:
        """Draw how it goes on: a note of a phrase ahead, or by the rules of before, the next note; or end the turn."""
        voice, turn = self.voice, self.turn
        generator, memory = voice.generator, voice.generator.memory
        if turn is None or memory.position is None:
            self.pending = False
        elif generator.draws_phrases:
            if not self._ahead.thinks:  # the song has jumped
                self._ahead.begin(stands(memory, turn, False, None, 0))
            self._ahead.go_on(generator, self._when, answers=not self.endless)
            self._show()
        else:
            self.pending = False
            position = self._when(memory, turn)
            if position is None:
                self._finish()
            else:
                self.plan = generator.draw(memory, position, lands=turn.landing)

    def _show(self) -> None:
        """What is drawn ahead is what is planned."""
        ahead = self._ahead
        self.plan = ahead.note.plan if ahead.note else None
        self.pending = ahead.thinks
        if ahead.over:
            self._finish()

    def _go_on(self, note: Ahead) -> None:
        """A note that was drawn ahead was played."""
        self.turn = replace(note.after.turn)
        if self._over_another_chord():
            self._ahead.redraw()
        self._ahead.played()
        self._show()

    def _over_another_chord(self) -> bool:
        """Whether the note after the next one was drawn over another chord than is heard now: the player has changed it."""
        generator, later = self.voice.generator, self._ahead.later
        if generator.changes is not None or not later:
            return False
        (_, _, at, _), position = later[0].then.told[-1], later[0].position
        then, now = at.harmony.chord, over_the_likeliest(generator.context(position)).harmony.chord
        return then != now if self.voice.rules <= PHRASES else then.told != now.told

    def changed(self) -> None:
        self._ahead.redraw()

    def second_take(self, time: float) -> None:
        voice, meter = self.voice, self.voice.meter
        beat = meter.next_on(meter.beat(time), Unit.FELT)
        if self._ahead.note is not None:
            self._ahead.swap(voice.generator, math.ceil(beat * GRID - 0.5))
            self._show()

    def _when(self, memory: Memory, turn: Turn, wanted: int | None = None) -> int | None:
        """Draw when the next note comes, in 1/12 beat; None where the turn is over. It may be for the next note to land.

        wanted: so long after the latest, where that may be.
        """
        voice = self.voice
        generator = voice.generator
        assert memory.position is not None
        last_class = len(memory.said.ioi) - 1
        rests = self.endless or turn.fills  # a long rest is part of it
        longest = LONGEST_REST if not rests and turn.notes < 4 else last_class
        if self.endless and turn.landing:  # it would end in the air
            longest = max(min(longest, math.floor(turn.last * GRID) - 1 - memory.position), 1)
        ioi = wanted if wanted is not None and 1 <= wanted <= longest else generator.draw_time(memory, 1, longest)
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

    def overtaken(self) -> None:
        ahead, turn = self._ahead, self.turn
        if self.voice.rules <= PHRASES or self.plan is None or self.plan.opens or ahead.note is None or turn is None:
            self.jumped()
            return
        ahead.anew(self.voice.generator, turn, self._when, self.next() - self.voice.time < THOUGHT)
        self._show()

    def _consider_entry(self) -> None:
        """Plan to answer, if the top line has stopped sounding. Drawn afresh whenever something is heard."""
        voice = self.voice
        note, meter, settings = voice.tracker.line, voice.meter, voice.settings
        if note is None and voice.rules > SWAYS:  # nothing to answer: a pedal was moved
            return
        self.drop()
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
        notes = self.voice.intended(plan, *self._ahead.later)
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
        generator, begins_from = voice.generator, self._begins_from() if voice.rules > PHRASES else None
        self.plan = generator.draw(generator.memory, round(beat * GRID), onset=beat, opens=True, begins_from=begins_from)

    def _begins_from(self) -> int:
        """A pitch from which its first note may come, so that this lies where those of solos do."""
        low, high = self.voice.settings.low, self.voice.settings.high
        drawn = self.voice.generator.rng.normal(low + FROM * (high - low), FROM_WITHIN * (high - low))
        return min(max(round(drawn), low), high)

    def _beginning(self, bar: float) -> float:
        """Beats into its first bar on which it begins, as solos do: a pick-up to the second as often as the downbeat."""
        counts = np.array(BEGINNINGS[: max(round(2 * bar), 1)])
        return 0.5 * int(self.voice.generator.rng.choice(len(counts), p=counts / counts.sum()))
