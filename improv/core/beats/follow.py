"""The beat inferred from the playing: a belief over tempo and place in the beat, moved on with every onset.

Every pair of a tempo (rows) and a place in the beat (columns) has a probability. An onset weighs each by how often
players of jazz put the next note there: at that tempo, after a note at that place, after such an interval (the table in
`rhythm`). What is spoken outside is one line from seconds to beats that never goes back: it bends towards the likeliest
pair within a beat. No clock and no chance in it: the same onsets give the same line.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache

import numpy as np

from improv.core.beats import rhythm

TOGETHER = 0.03  # seconds within which notes count as one onset
SLOWEST, FASTEST, ROWS = 36.0, 360.0, 96  # bpm
COLUMNS = 48  # a beat
TEMPI = np.geomspace(SLOWEST, FASTEST, ROWS)
STEP = math.log(FASTEST / SLOWEST) / (ROWS - 1)  # of log tempo, from row to row

# Chosen on the validation split of the Weimar Jazz Database by scripts/measure_following.py.
BROAD = 0.2  # spread of the log tempo to begin with; half and double lie at 3.5 of it
ON_THE_BEAT = 0.6  # belief that the first note is beat 0, beside where players begin
TEMPERATURE = 0.7  # how far an onset counts: those of one figure aren't independent
FORGET = 0.02  # share of what was learned of the tempo that is forgotten with each onset, in favour of what it began with
TRUSTED = 0.05  # the same, where the player has set the tempo
REGION = 0.12  # of log tempo: tempi so near aren't told apart in that
GRADUAL = 0.3  # of log tempo: what is farther from the tempo told may be another level, double or half
GOES_ALONG = 0.1  # share of the way to the present tempo that the tempo told goes with each onset
DRIFT = 0.008  # by how much the log tempo wanders, per root of a beat
SWAY = 0.01  # by how much the place in the beat does, in beats per root of a beat
RUBATO, REACH = 0.005, 2  # how likely, in a beat, the tempo is so many rows lower or higher (each)
LONGEST = 16.0  # beats in a rest over which it goes on wandering
ROWS_NEAR, COLUMNS_NEAR = 2, 4  # cells each side that are one hypothesis
LOYALTY = 1.5  # by how much likelier another hypothesis must be to be spoken
LEVEL_LOYALTY = 8.0  # the same, where the other is at another level: double, half
SLEW = 0.5  # beats over which a correction is spread, or twice the correction where that is more
RIGHT = 0.17  # beats: within this of the beat, and within RIGHT_TEMPO, what is spoken counts as right
RIGHT_TEMPO = 0.1  # of the log tempo
# What the belief gave to all that would have been right, and how often it was, on training and validation solos.
BELIEVED = (0.0, 0.08, 0.26, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93, 1.0)
WAS_RIGHT = (0.1, 0.13, 0.21, 0.295, 0.405, 0.54, 0.67, 0.785, 0.865, 0.895, 0.95)
FADING = 25.0  # beats of rest in which sureness falls to a third
KEPT = 64  # corners of the line that are remembered


class Follow:
    """Tempo and beat of a player. The first note is beat 0.

    tempo: bpm to begin with, believed broadly; taken as 36 to 360. It is the present one later on.
    trusted: the player has set that tempo, and half or double of it needs much more to be believed.
    sure: how often what is said is right (the beat within 0.17, the tempo within a tenth), 0 to 1, as of the last note;
    0 before the second.
    """

    def __init__(self, tempo: float = 120.0, trusted: bool = False):
        self._forget = TRUSTED if trusted else FORGET
        self.tempo = min(max(float(tempo), SLOWEST), FASTEST)
        self._told = math.log(self.tempo)  # the tempo one comes back to; it goes along with a gradual change
        prior = np.exp(-0.5 * ((np.log(TEMPI) - self._told) / BROAD) ** 2) + 1e-6
        self._belief = np.outer(prior / prior.sum(), _first()).astype(np.float32)  # (ROWS, COLUMNS), sums to 1
        self._last: float | None = None  # time of the latest onset
        self._before = 9.0  # seconds from the onset before it
        self.sure = 0.0
        _table()  # made now, not with the second note
        self._times, self._beats = [0.0], [0.0]  # corners of the line; after the last it goes on at the tempo

    def struck(self, time: float, velocity: int = 80) -> None:
        """A note at a time in seconds, not before the last. One of a chord that was struck already says nothing new."""
        if self._last is None:
            self._last, self._times = time, [time]
            return
        seconds = time - self._last
        if seconds < TOGETHER:
            return
        self._move(seconds)
        self._last, self._before = time, seconds
        self._speak(time)

    def beat(self, time: float) -> float:
        """The beat at a time in seconds: never falls as time goes on, whatever is struck in between."""
        i = bisect_right(self._times, time)
        if i == len(self._times):
            return self._ahead(time)
        i = max(i, 1)
        (t0, t1), (b0, b1) = self._times[i - 1 : i + 1], self._beats[i - 1 : i + 1]
        return b0 + (time - t0) * (b1 - b0) / (t1 - t0)

    def time(self, beat: float) -> float:
        """The time in seconds of a beat, as far as is known now."""
        i = bisect_right(self._beats, beat)
        if i == len(self._beats):
            return self._times[-1] + (beat - self._beats[-1]) * 60.0 / self.tempo
        i = max(i, 1)
        (t0, t1), (b0, b1) = self._times[i - 1 : i + 1], self._beats[i - 1 : i + 1]
        return t0 + (beat - b0) * (t1 - t0) / (b1 - b0)

    @property
    def bend(self) -> tuple[float, float]:
        """The last corner of the line, seconds and beat: from there on it goes on at the tempo."""
        return self._times[-1], self._beats[-1]

    def sure_at(self, time: float) -> float:
        """How sure it is at a time: less and less in a rest."""
        rest = max(0.0, time - self._last) * self.tempo / 60.0 if self._last is not None else 0.0
        return self.sure * math.exp(-rest / FADING)

    def _move(self, seconds: float) -> None:
        """Carry the belief on to an onset so many seconds later, and weigh it by that onset."""
        belief = _wandered(self._belief, seconds * self.tempo / 60.0)
        beats = TEMPI * (seconds / 60.0)
        belief *= _weights(beats, TEMPI * (self._before / 60.0))
        share = _REGIONS @ belief.sum(1)
        told = np.exp(-0.5 * ((_LOG_TEMPI - self._told) / BROAD_REGION) ** 2) + 1e-6
        belief *= (((told / (share / share.max() + 1e-9)) ** self._forget).astype(np.float32))[:, None]
        belief /= belief.sum()
        self._belief = _turned(belief, beats)

    def _speak(self, time: float) -> None:
        """Bend the line towards the likeliest hypothesis; the one spoken so far is kept unless another is clearly likelier."""
        near = _NEAR_ROWS @ self._belief @ _NEAR_COLUMNS
        row, column = divmod(int(near.argmax()), COLUMNS)
        r = round(math.log(self.tempo / SLOWEST) / STEP)
        c = round(self._ahead(time) * COLUMNS)
        top = max(0, r - 2)
        own = near[top : r + 3].take(np.arange(c - 3, c + 4), 1, mode="wrap")
        i, j = divmod(int(own.argmax()), own.shape[1])
        other_level = abs(row - r) * STEP > GRADUAL
        if near[row, column] < (LEVEL_LOYALTY if other_level else LOYALTY) * own[i, j]:
            row, column = top + i, (c - 3 + j) % COLUMNS
        rows = np.arange(max(0, row - ROWS_NEAR), min(ROWS, row + ROWS_NEAR + 1))
        columns = np.arange(column - COLUMNS_NEAR, column + COLUMNS_NEAR + 1)
        cells = self._belief[rows[0] : rows[-1] + 1].take(columns, 1, mode="wrap")
        total = float(cells.sum())
        place = float(cells.sum(0) @ columns) / total / COLUMNS
        beat = self.beat(time)
        self._bend(time, beat, place, SLOWEST * math.exp(STEP * float(cells.sum(1) @ rows) / total))
        self.sure = self._sureness(beat)

    def _bend(self, time: float, beat: float, place: float, tempo: float) -> None:
        """From `time`, at `beat`, the line goes on to where a beat has that place, and on at that tempo."""
        off = (place - beat + 0.5) % 1.0 - 0.5
        while self._times and self._times[-1] >= time:
            self._times.pop()
            self._beats.pop()
        length = max(SLEW, 2 * abs(off))
        self._times += [time, time + length * 60.0 / tempo]
        self._beats += [beat, beat + length + off]
        del self._times[:-KEPT], self._beats[:-KEPT]
        self.tempo = tempo
        change = math.log(tempo) - self._told
        if abs(change) < GRADUAL:
            self._told += GOES_ALONG * change

    def _sureness(self, beat: float) -> float:
        """What the belief gives to all that would make a beat and the present tempo right, as experience has it."""
        row, reach = round(math.log(self.tempo / SLOWEST) / STEP), round(RIGHT_TEMPO / STEP)
        column, width = round(beat * COLUMNS), round(RIGHT * COLUMNS)
        rows = self._belief[max(0, row - reach) : row + reach + 1].sum(0)
        believed = float(rows.take(np.arange(column - width, column + width + 1), mode="wrap").sum())
        return float(np.interp(believed, BELIEVED, WAS_RIGHT))

    def _ahead(self, time: float) -> float:
        """The line's last stretch, drawn on."""
        return self._beats[-1] + (time - self._times[-1]) * self.tempo / 60.0


def _turned(belief: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Each row moved on by its own beats (ROWS,), round and round."""
    cells = beats * COLUMNS
    whole = np.floor(cells)
    part = (cells - whole).astype(np.float32)[:, None]
    start = _ROW_STARTS + COLUMNS - whole.astype(int) % COLUMNS
    twice = np.concatenate([belief[:, -1:], belief, belief], 1).ravel()  # so that no index goes round
    at = start[:, None] + _COLUMNS
    moved: np.ndarray = twice[at + 1] * (1 - part) + twice[at] * part
    return moved


def _wandered(belief: np.ndarray, beats: float) -> np.ndarray:
    """The tempo and the place may have changed a little in so many beats. A new array."""
    beats = min(beats, LONGEST)
    spread = beats * (DRIFT / STEP) ** 2
    rounds = max(1, math.ceil(spread / 0.6))
    side = np.float32(0.5 * spread / rounds)
    for _ in range(rounds):
        moved = belief * (1 - 2 * side)
        moved[1:] += side * belief[:-1]
        moved[:-1] += side * belief[1:]
        belief = moved
    side = np.float32(min(0.1, RUBATO * beats))
    moved = belief * (1 - 2 * side)
    moved[REACH:] += side * belief[:-REACH]
    moved[:-REACH] += side * belief[REACH:]
    belief = moved
    side = np.float32(min(0.3, 0.5 * beats * (SWAY * COLUMNS) ** 2))
    moved = belief * (1 - 2 * side)
    moved[:, 1:] += side * belief[:, :-1]
    moved[:, :-1] += side * belief[:, 1:]
    moved[:, 0] += side * belief[:, -1]
    moved[:, -1] += side * belief[:, 0]
    return moved


def _weights(beats: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(ROWS, COLUMNS): the weight of an onset so many beats (ROWS,) after one at each place, itself so many after another."""
    table = _table()
    at = beats * rhythm.PER_BEAT
    last = table.shape[2] - 1
    beyond = np.maximum(0.0, np.ceil(at / rhythm.PER_BEAT - rhythm.SPAN))  # a rest: the last beat of the table goes round
    at = np.minimum(at - beyond * rhythm.PER_BEAT, last - 1e-6)
    low = at.astype(int)
    part = (at - low).astype(np.float32)[:, None]
    kind = np.searchsorted(rhythm.BEFORE, before, side="right")
    weight: np.ndarray = table[kind, _ROWS, low] * (1 - part) + table[kind, _ROWS, low + 1] * part
    if beyond.any():
        weight *= np.exp(-TEMPERATURE * 0.7 * np.minimum(beyond, 2.0)).astype(np.float32)[:, None]
    return weight


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """How likely an onset is, per second, tempered: (before, ROWS, cells of beats after, COLUMNS). Computed once."""
    letters = np.frombuffer("".join(rhythm.AFTER).encode(), np.uint8).astype(np.float32) - ord("#")
    shape = (len(rhythm.BEFORE) + 1, len(rhythm.ANCHORS), rhythm.PLACES, rhythm.PER_BEAT * rhythm.SPAN + 1)
    logarithm = (rhythm.FLOOR + rhythm.NUANCE * letters).reshape(shape)
    at = np.interp(np.log(TEMPI), np.log(rhythm.ANCHORS), np.arange(len(rhythm.ANCHORS)))
    of_rows = _between(at, len(rhythm.ANCHORS))
    of_columns = _between(np.arange(COLUMNS) * rhythm.PLACES / COLUMNS, rhythm.PLACES)
    density = np.einsum("ra,bapd,cp->brdc", of_rows, np.exp(logarithm), of_columns, optimize=True)
    density *= (TEMPI / 60.0)[:, None, None]
    return np.ascontiguousarray(density**TEMPERATURE, np.float32)


def _between(at: np.ndarray, cells: int) -> np.ndarray:
    """(positions, cells): how much of each cell a position takes, going straight from one to the next, and round."""
    out = np.zeros((len(at), cells))
    low = np.floor(at).astype(int)
    np.add.at(out, (np.arange(len(at)), low % cells), 1 - (at - low))
    np.add.at(out, (np.arange(len(at)), (low + 1) % cells), at - low)
    return out


def _first() -> np.ndarray:
    """(COLUMNS,): where in the beat the first note may lie."""
    usual = _between(np.arange(COLUMNS) * rhythm.PLACES / COLUMNS, rhythm.PLACES) @ np.array(rhythm.FIRST)
    away = np.minimum(_COLUMNS, COLUMNS - _COLUMNS) / COLUMNS
    on = np.exp(-0.5 * (away / 0.03) ** 2)
    out: np.ndarray = (1 - ON_THE_BEAT) * usual / usual.sum() + ON_THE_BEAT * on / on.sum()
    return out


_ROWS, _COLUMNS = np.arange(ROWS), np.arange(COLUMNS)
_ROW_STARTS = _ROWS * (2 * COLUMNS + 1)
_NEAR_ROWS = (np.abs(_ROWS[:, None] - _ROWS) <= ROWS_NEAR).astype(np.float32)
_REGIONS = np.exp(-0.5 * ((_ROWS[:, None] - _ROWS) * STEP / REGION) ** 2).astype(np.float32)
BROAD_REGION = math.hypot(BROAD, REGION)
_LOG_TEMPI = np.log(TEMPI)
_AWAY = np.abs(_COLUMNS[:, None] - _COLUMNS)
_NEAR_COLUMNS = (np.minimum(_AWAY, COLUMNS - _AWAY) <= COLUMNS_NEAR).astype(np.float32)
