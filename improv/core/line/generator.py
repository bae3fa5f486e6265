"""What a performer has in mind: the model and its state, what was heard, and the notes that are drawn from them.

Everything here is thought: nothing is played, no time is read. Beats and positions are those of the meter.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from improv.core import playing as rules
from improv.core.harmony import NO_CHORD, READING, Changes, Chord, HarmonicContext
from improv.core.heads import Heads
from improv.core.heard.expected import Chances
from improv.core.heard.harmony import HeardHarmony
from improv.core.heard.to_come import BarsToCome
from improv.core.line.bent import beats_behind, both, pitch_lean, rest_lean, sounds
from improv.core.line.draw import draw_note, gaps, slips
from improv.core.line.dynamics import DEPTH, accent, follow
from improv.core.line.figures import rather
from improv.core.line.lessons import Lessons
from improv.core.line.loudness import LOUDS, drawn_accent, signs_of
from improv.core.line.memory import Memory, Plan
from improv.core.line.microtiming import swayed
from improv.core.line.outside import BY_EAR, outside_bias
from improv.core.line.perhaps import foretold_pitch, over_the_likeliest
from improv.core.line.quotations import Quotations, Quoting
from improv.core.line.sampler import probabilities, sample
from improv.core.line.surprise import bits
from improv.core.line.tracker import Heard, LineTracker, quantise
from improv.core.line.traits import SPAN, Noted
from improv.core.meter import Meter
from improv.core.note_model import ModelState, NoteModel
from improv.core.settings import Settings
from improv.core.vocabulary import GRID, Context, Value

OWN_TRUST = 0.35  # of our own notes against the player's, when what was played before is recalled
BOOKMARKS = 128  # that are kept; each is the size of a state
RETOLD = 64  # notes that a model which takes over is told
REMEMBERED = SPAN + 32  # notes of the line, for the critic of phrases
DOUBT = 3.0  # nats for a tone of all chords that a beat may have, on a beat of which it isn't known which it will be
CLOSEST = 0.25 / GRID  # beats between two of our onsets at the least


class LineGenerator:
    """A model, and the memory that it keeps of one performance.

    settings, changes, tracker: those of the performer. meter: the beat of the moment; the performer brings the next.
    seed: of the generator that draws every note. lessons: what cuts the memory into lessons; None where nobody learns.
    reading: what is made of chords, see `sheet.READING`. playing: see `core.playing`.
    heard: the harmony that is heard, by which it plays without changes; None: by the keys that are held, as in old sessions.
    """

    def __init__(
        self,
        model: NoteModel,
        settings: Settings,
        changes: Changes | None,
        meter: Meter,
        tracker: LineTracker,
        seed: int | tuple[int, int],
        lessons: Lessons | None = None,
        reading: int = READING,
        playing: int = rules.NOW,
        heard: HeardHarmony | None = None,
    ):
        self.model = model
        self._base = self._learns = model  # the model as it is; the one that `learned` belongs to
        self._learned: Heads | None = None
        self.settings = settings
        self.changes = changes
        self.rng = np.random.default_rng(seed)
        # Of their own, so that lags and loudness change no notes.
        self._lag_rng, self._loud_rng = (np.random.default_rng([*(seed if isinstance(seed, tuple) else (seed,)), k]) for k in (1, 2))
        self.heard = heard
        self.to_come = BarsToCome(heard) if heard and playing > rules.PHRASES else None
        self.heard_chord = NO_CHORD  # the latest that the player's notes made
        self.meter, self._tracker = meter, tracker
        self._lessons, self._reading = lessons, reading
        self._draws_lags = playing != rules.FIRST
        self._minds_quotes = self.draws_phrases = playing > rules.SWAYS
        self._draws_loudness = self.takes_up_figures = playing > rules.PHRASES
        self.last_onset = -math.inf  # beat of our latest note
        self.steps = 0  # of the model, up to now: a figure for whoever watches
        self._kept: dict[str, tuple[NoteModel, ModelState]] = {}  # bookmarks
        self.restore(model.start())

    # The state

    def restore(self, state: ModelState) -> None:
        """Go on from a state of the model's, with nothing heard since."""
        self.memory = Memory(state, self.model.read(state, self.settings.recall), None, None, None)

    def tell(self, model: NoteModel, state: ModelState | None = None) -> None:
        """Go on with a model: in a state, or in the one that the latest notes leave it in."""
        self._base = model
        if state is None:
            state = model.start()
            for value, last, at, trust in self.memory.told:
                state = model.step(state, value, last, at, trust)
        self.memory = self.memory._replace(state=state)
        self.blend()

    def learn(self, learned: Heads) -> None:
        """Go on with what was learned of the player added to the heads of the model that it began with. The state stays valid."""
        self._learned = learned
        self.blend()

    def blend(self) -> None:
        """Add as much of what was learned as the settings say. The model itself is never changed."""
        self.model, share = self._base, self.settings.learned
        heads = self._base.heads
        if heads is not None and self._learned is not None and self._base is self._learns and share > 0:
            self.model = self._base.with_heads(heads.plus(self._learned, share))
        self.memory = self.memory._replace(said=self.model.read(self.memory.state, self.settings.recall))

    def keep(self, name: str) -> None:
        """Keep the state, and whose it is, under a name; of too many, the one that was kept first is forgotten."""
        self._kept.pop(name, None)
        self._kept[name] = self._base, self.memory.state
        if len(self._kept) > BOOKMARKS:
            del self._kept[next(iter(self._kept))]

    def go_back(self, name: str) -> bool:
        """Go on from what was kept under a name; whether there was something."""
        if name in self._kept:
            self.tell(*self._kept[name])
        return name in self._kept

    def quoted(self) -> dict[str, Any] | None:
        """What our line took from the solos that the model learned from, by the names of a performer's status; None where the model
        knows none of them. To be asked from any thread."""
        return self.memory.quoting.told() if self.model.quotations is not None else None

    # What was heard

    def commit(self, memory: Memory) -> None:
        """Go on with the memory that a note leaves. From now on it may be learned from."""
        self.memory = memory
        if self._lessons:
            self._lessons.take(memory.told)

    def after(self, note: Heard, now: float) -> Memory:
        """The memory once a note of the player's top line is in it. now: the beat up to which it sounds, if it still does."""
        memory, beat = self.memory, note.beat
        said = None if memory.last is None else np.log(probabilities(memory.said.ioi) + 1e-9)
        position = quantise(beat, memory.position, said, self.meter.tempo)
        off = now if note.off is None else note.beat_off
        return self._remember(memory, note.pitch, position, off - beat, beat - position / GRID)

    def take(self, pitch: int, position: int, duration: float, lag: float, trust: float = 1.0) -> None:
        """A note was heard whose place is known: position in 1/12 beat, duration and lag in beats. trust: as in `NoteModel.step`."""
        self.memory = self._remember(self.memory, pitch, position, duration, lag, trust)

    def _remember(self, memory: Memory, pitch: int, position: int, duration: float, lag: float, trust: float = 1.0) -> Memory:
        ioi = 0 if memory.position is None else position - memory.position
        value = self.model.vocabulary.encode(ioi / GRID, pitch, duration, lag)
        at = self.context(position)
        return self._after(memory, value, position, duration, at, trust, memory.sway, memory.quoting.interrupted())

    def _after(
        self,
        memory: Memory,
        value: Value,
        position: int,
        duration: float,
        at: Context,
        trust: float,
        sway: float,
        quoting: Quoting,
    ) -> Memory:
        """The memory once a note is in it. duration: in beats, as it sounds; trust: as in `NoteModel.step`."""
        over = over_the_likeliest(at)
        state = self._step(memory, value, over, trust)
        shape = follow(memory.shape, value.pitch, position / GRID, duration)
        told = (*memory.told, (value, memory.last, over, trust))[-RETOLD:]
        line = (*memory.line, Noted.of(position, value, at))[-REMEMBERED:]
        said, louds = self.model.read(state, self.settings.recall), (*memory.louds, None)[-LOUDS:]
        return Memory(state, said, value.pitch, position, shape, told, sway, quoting, line, louds)

    def surprise(self, pitch: int, beat: float) -> float | None:
        """Bits of a note of the player's that comes on a beat, given all before it; None for the first of all."""
        memory = self.memory
        if memory.last is None or memory.position is None:
            return None
        position = quantise(beat, memory.position, np.log(probabilities(memory.said.ioi) + 1e-9), self.meter.tempo)
        ioi = min(position - memory.position, len(memory.said.ioi) - 1)
        foretold = foretold_pitch(self.model, memory.said, memory.last, ioi, self.context(position), self.settings.recall)
        return bits(memory.said.ioi, ioi) + bits(foretold, pitch)

    def _step(self, memory: Memory, value: Value, at: Context, trust: float) -> ModelState:
        self.steps += 1
        return self.model.step(memory.state, value, memory.last, at, trust)

    def context(self, position: int) -> Context:
        meter, beat = self.meter, position / GRID
        section = None
        if self.changes:
            harmony = self.changes.harmony(meter.position(beat))
            bars = meter.metres.bars(self.changes.length) - (meter.metres.bars(self.changes.again) if self.changes.again else 0.0)
            twelve = bars % 12 == 0 and bars % 8 != 0
            section = meter.bar_of(beat) % (12 if twelve else 8)
        elif self.heard and meter.running:
            harmony = (self.to_come or self.heard).harmony(beat)
        else:
            chord = self._tracker.chord
            harmony = HarmonicContext(chord, chord, math.inf)
        at = meter.metres.at(meter.position(beat))
        place = (round(meter.position(beat) * GRID) - round(at.start * GRID)) % round(at.bar * GRID)
        return Context(harmony, place, section, meter.tempo, self.settings.feel)

    def chord(self, beat: float) -> Chord:
        """The chord at a beat: of the changes, or as it is heard; where no beat runs, the latest that the player held."""
        if self.changes:
            return self.changes.harmony(self.meter.position(beat)).chord
        return (self.to_come or self.heard).chord(beat) if self.heard and self.meter.running else self.heard_chord

    def chances(self, beat: float) -> Chances:
        """The chords that a beat may have, with their probabilities, the likeliest first: a single one where it is known, or where
        nobody reckons with any that come. Empty: there is none."""
        if self.to_come and self.changes is None and self.meter.running:
            return self.to_come.chances(beat)
        chord = self.chord(beat)
        return ((chord, 1.0),) if chord.root is not None else ()

    # Drawing

    def draw_time(self, memory: Memory, soonest: int, latest: int) -> int:
        """Draw when the next note comes: a class of inter-onset intervals, from one to another."""
        settings, said = self.settings, memory.said
        bias = gaps(len(said.ioi), soonest, latest, settings.density)
        if settings.rests:
            bias = bias + rest_lean(settings.rests, len(said.ioi))
        if self._draws_lags and memory.position is not None:
            cut = bias + slips(said.ioi, memory.position)
            bias = cut if np.isfinite(cut).any() else bias
        return sample(said.ioi, self.rng, settings.rhythm_temperature, bias=bias)

    def draw(
        self,
        memory: Memory,
        position: int,
        onset: float | None = None,
        opens: bool = False,
        lands: bool = False,
        lean: np.ndarray | None = None,
        since: float | None = None,
        only: int | None = None,
        begins_from: int | None = None,
    ) -> Plan:
        """Draw a note for a position: its pitch, given the chord there; its length; its lag.

        onset: its exact beat, where that is settled; otherwise the model's lag decides. opens: it is the first of
        its turn. lands: it is to be a chord tone. lean (128,): a bias for its pitch. since: the beat of our note before it;
        None: of our latest that was played. only: the pitch that it is to have, if that may be.
        begins_from: the pitch from which it comes, where nothing was heard before.
        """
        at = self.context(position)
        last = memory.last
        if last is None:
            last = self._opening_pitch(at) if begins_from is None else begins_from
        ioi = 48 if memory.position is None else min(max(position - memory.position, 0), 48)
        tones = at.harmony.chord.tones if lands else frozenset()
        lean = both(both(both(lean, self._away(at)), pitch_lean(self.settings, last)), self._in_doubt(at))
        sway = swayed(memory.sway, self._lag_rng) if self._draws_lags and onset is None else None
        known, quoting = self.model.quotations, memory.quoting
        if self._minds_quotes and memory.last is not None:
            lean = self._but_quotes(lean, known, quoting, memory.last)
        if only is not None and not lands:
            lean = both(lean, rather(only))
        value, lag, surprise = draw_note(self.model, memory.said, last, ioi, at, self.settings, self.rng, tones, lean, sway, self._reading)
        duration = self.model.vocabulary.durations[value.duration] / GRID
        if onset is None:
            late = lag + beats_behind(self.settings, at.tempo)
            onset = max(position / GRID + late, (self.last_onset if since is None else since) + CLOSEST)
        else:
            value = value._replace(lag=self.model.vocabulary.nearest_lag(0.0))
        quoting = quoting.after((value.pitch - last, ioi), known)
        then = self._after(memory, value, position, duration, at, OWN_TRUST, memory.sway if sway is None else sway, quoting)
        if self.settings.legato:
            duration *= sounds(self.settings, value.pitch, at.harmony)
        chord = at.harmony.chord
        on_chord = chord.root is None or value.pitch % 12 in chord.tones
        in_bits = surprise + (0.0 if memory.position is None else bits(memory.said.ioi, ioi)) if self._minds_quotes else None
        accented, then = self._accented(memory, then, at)
        return Plan(onset, duration, value, position, accented, on_chord, then, opens, in_bits)

    def again(self, memory: Memory, plan: Plan) -> Plan:
        """A note that was drawn after another memory, as it is after this one. It must lie behind the latest note."""
        at = self.context(plan.position)
        last = plan.value.pitch if memory.last is None else memory.last
        ioi = 48 if memory.position is None else min(plan.position - memory.position, 48)
        value = plan.value._replace(ioi=ioi)
        quoting = memory.quoting.after((value.pitch - last, ioi), self.model.quotations)
        then = self._after(memory, value, plan.position, plan.duration, at, OWN_TRUST, plan.then.sway, quoting)
        accented, then = self._accented(memory, then, at, plan.accent)
        return replace(plan, value=value, then=then, accent=accented)

    def _accented(self, before: Memory, then: Memory, at: Context, drawn: float | None = None) -> tuple[float, Memory]:
        """How far the note that leads from one memory to another stands out, and the memory that knows it. drawn: what was drawn for it."""
        assert then.shape is not None
        if not self._draws_loudness or (model := self.model.accents) is None:
            return accent(then.shape, at.place, at.feel), then
        if drawn is None:
            signs = signs_of(before.line, before.louds, then.line[-1], then.shape, at)
            drawn = drawn_accent(model, signs, float(self._loud_rng.standard_normal()))
        return drawn, then._replace(louds=(*before.louds, DEPTH * drawn)[-LOUDS:])

    def _but_quotes(self, lean: np.ndarray | None, known: Quotations | None, quoting: Quoting, last: int) -> np.ndarray | None:
        """A bias for pitches, and against those that would quote for longer than is wanted."""
        return both(lean, None if known is None else quoting.too_long(last, known, self.settings.quote))

    def _in_doubt(self, at: Context) -> np.ndarray | None:
        """What is added to the logits of the pitches (128,) on a beat of which it isn't known which chord it has: tones that fit all
        that are likely are likelier than those of one alone."""
        if self.to_come is None or at.place % GRID or not at.harmony.perhaps:
            return None
        fits = np.zeros(12)
        for chord, p in at.harmony.perhaps:
            fits[list(chord.tones)] += p
        bias: np.ndarray = DOUBT * fits[np.arange(128) % 12]
        return bias

    def _away(self, at: Context) -> np.ndarray | None:
        """What the setting `outside` adds to the logits of the pitches, (128,)."""
        by_ear = self.heard is not None and self.changes is None
        amount = max(self.settings.outside + BY_EAR, -1.0) if by_ear else self.settings.outside
        key = self.heard.key if by_ear and self.heard else None
        on_beat = at.place % GRID == 0
        if not at.harmony.perhaps:
            return outside_bias(at.harmony.chord, key, on_beat, amount)
        biases = [(outside_bias(chord, key, on_beat, amount), chance) for chord, chance in at.harmony.perhaps]
        away = [chance * bias for bias, chance in biases if bias is not None]
        return np.sum(away, axis=0) if away else None

    def _opening_pitch(self, at: Context) -> int:
        """Where a line that follows nothing starts from: a chord tone in the middle of the range."""
        middle = (self.settings.low + self.settings.high) // 2
        tones = at.harmony.chord.tones
        return min((p for p in range(middle - 6, middle + 7) if not tones or p % 12 in tones), key=lambda p: abs(p - middle))
