"""The true times of MIDI Clock pulses, from arrivals that jitter.

A line of time over the count of pulses is fitted to the last 4, 7, ... 384 arrivals, by least squares. A long window
averages jitter away, a short one follows the tempo. Of the windows whose estimates of "now" agree within what jitter
explains, the longest is believed: the intersection of confidence intervals (Goldenshluger and Nemirovski, "On spatially
adaptive estimation of nonparametric regression", Math. Methods of Statistics 6, 1997; Katkovnik, "A new method for
varying adaptive bandwidth selection", IEEE Trans. Signal Processing 47, 1999). So there is no alarm that could be false
or late: a step of the tempo shortens the window by itself, and it grows again as the new tempo lasts. A window in which
the arrivals lie on a bend rather than a line is not believed either; there a parabola is fitted, and taken where it says more.

Nothing but the arrivals decides. The sums over windows are exact integers, so nothing drifts, however long the clock runs.
"""

from __future__ import annotations

import math

from improv.core.meter import FASTEST, SLOWEST

PULSES = 24  # a quarter note
SIZES = (4, 7, 12, 20, 32, 48, 68, 96, 136, 192, 272, 384)  # pulses in a window; 96 are a bar of 4/4
AGREE = 2.2  # standard deviations on each side within which two lines agree
AGREE_BENT = 1.7  # and two parabolas; fewer follow bends better and average less
BENDS = 30  # a parabola needs so many pulses
DOUBTED, STRAIGHT = 12, 2.8  # a line of so many pulses or more that is bent by so many standard deviations is none
AGREE_SHORT, STRAIGHT_SHORT = 3.0, 3.5  # the same of windows shorter than BENDS: chance alone should seldom leave but those
GAP = 6.0  # periods without a pulse after which the phase is taken anew
FLOOR = 50e-6  # seconds: less jitter is never assumed
UNKNOWN = 1e-3  # seconds: the jitter assumed at first
MEMORY = 192  # pulses from which the jitter is estimated
FAR = 4.0  # standard deviations: a pulse that is further off is an outlier, until others confirm it
BUNCHED = 0.3  # periods: pulses nearer than this were held up on their way
LONGEST, SHORTEST = 60 / SLOWEST / PULSES, 60 / FASTEST / PULSES


def _constants(n: int) -> tuple[float, float, float, float, float, float, float, float, int, int]:
    """What depends on a window's size alone. i counts pulses back from the latest, 0 to n-1."""
    mean = (n - 1) / 2
    var_i = (n * n - 1) / 12
    line = 12 / (n * (n * n - 1)) if n > 1 else 0.0  # variance of the slope, where a pulse's is 1
    bend = 180 / (n * (n * n - 1) * (n * n - 4)) if n > 2 else 0.0  # of the parabola's part
    at_end = (n - 1) * (n - 2) / 6  # the parabola's part, at i = 0
    end = 1 / n + mean * mean * line  # variance of the line's end
    return (
        mean,
        var_i,
        line,
        bend,
        at_end,
        math.sqrt(end),
        math.sqrt(end + at_end * at_end * bend),
        1 / n,
        n * (n - 1) // 2,
        (n * (n - 1) * (2 * n - 1) // 6),
    )


TABLE = tuple(_constants(max(n, 1)) for n in range(SIZES[-1] + 1))


class PulseFilter:
    """Told each pulse's arrival in order, it says when that pulse was truly due and how far apart pulses are.

    tempo: quarter notes a minute, believed until pulses say otherwise. grain: seconds between two looks of the MIDI
    system at its ports (JACK's period), 0 where messages are passed on at once; so much is known of the jitter.

    time: seconds, when the latest pulse was due, as far as is known. period: seconds a pulse. error: the standard
    deviation that `time` claims. jitter: that of a single arrival. count: pulses so far; lost ones are never guessed.
    """

    def __init__(self, tempo: float, grain: float = 0.0):
        self.time = 0.0
        self.period = 60.0 / tempo / PULSES
        self.count = 0
        self.error = math.inf
        self._least = max(FLOOR, grain / 2) ** 2  # more than even jitter's: what a grid of looks does to pulses is no chance
        self._variance = max(UNKNOWN**2, self._least)
        self._measured = 12  # as if so many had shown the jitter assumed
        self._slope_error = 0.1 * self.period
        self._raw: float  # when the latest arrived
        self._side: float  # of the outliers
        self.restart()

    @property
    def jitter(self) -> float:
        return math.sqrt(self._variance)

    @property
    def locked(self) -> bool:
        """Whether time and period can be trusted: to about 1 ms and half a percent."""
        return self._n >= 4 and self.error < 1.2e-3 and self._slope_error < 0.005 * self.period

    def restart(self) -> None:
        """The clock stood, or begins: the phase is taken anew from the next pulse, the period is kept until disproved."""
        self._n = 0  # pulses since
        self._last: list[int] = [0] * 512  # ns since the first, by number
        self._sums = [(0, 0, 0)] * len(SIZES)  # of t, i t, i i t in each window
        self._raw = 0.0  # when the latest arrived, seconds
        self._known = self.period
        self._known_variance = self._slope_error**2 + (1e-4 * self.period) ** 2
        self._side = self._first = 0.0  # how far off the first outlier was, and its size
        self._far: list[int] = []  # raw times of the outliers since the last pulse that was none

    def predict(self, pulses: float) -> float:
        """When the beat comes that is so many pulses after the latest: seconds; best below about 1."""
        return self.time + pulses * self.period

    def pulse(self, time: float) -> int:
        """The next pulse arrived at `time`, in seconds. Returns by how many pulses the beat moves on: one."""
        self.count += 1
        due = self.time + self.period
        gap = GAP * self.period if self._n > 4 else max(GAP * self.period, 1.2 * LONGEST)  # a slow clock is no gap
        if self._n and time - due > gap:
            self.restart()
        if self._n == 1 and time - self._raw < min(BUNCHED * self.period, 0.8 * SHORTEST):
            self.restart()  # what came after a gap was held up, and comes in a bunch: the last one is on time
        self._raw = time
        if not self._n:
            self._zero = time
        t = round((time - self._zero) * 1e9)
        self._measure(t)
        off = time - due
        spread = math.sqrt(self._variance + self.error**2) if self._n > 3 else math.inf
        kept = t
        if abs(off) > FAR * spread:
            kept = self._outlier(t, round((due - self._zero + math.copysign(2.0 * spread, off)) * 1e9), off)
        else:
            self._far.clear()
        self._add(kept)
        self._estimate(kept)
        return 1

    def _measure(self, t: int) -> None:
        """The jitter, from second differences: no tempo shows in them, and a change of tempo in one alone."""
        n = self._n
        if n == 0:
            self._before = self._before2 = t
            return
        if n > 1:
            square = ((t - 2 * self._before + self._before2) * 1e-9) ** 2 / 6
            self._measured = min(self._measured + 1, MEMORY)
            self._variance += (min(square, 9 * self._variance) - self._variance) / self._measured
            self._variance = max(self._variance, self._least)
        self._before2, self._before = self._before, t

    def _outlier(self, t: int, clipped: int, off: float) -> int:
        """What to keep of a pulse that is far off: its direction, until two more are as far off on the same side."""
        if self._far and (self._side > 0) != (off > 0):
            self._far.clear()
        if not self._far:
            self._side, self._first = off, abs(off)
        self._far.append(t)
        if len(self._far) < 3 or (abs(off) < 0.7 * self._first and len(self._far) < 6):
            return clipped
        for i, raw in enumerate(reversed(self._far[:-1])):  # i pulses before the latest that was added
            at = self._n - 1 - i
            if at < 0:
                break
            change = raw - self._last[at & 511]
            self._last[at & 511] = raw
            for j, size in enumerate(SIZES):
                if i < size:
                    a, b, c = self._sums[j]
                    self._sums[j] = a + change, b + i * change, c + i * i * change
        self._far.clear()
        return t

    def _add(self, t: int) -> None:
        n, last, sums = self._n, self._last, self._sums
        for j, size in enumerate(SIZES):
            a, b, c = sums[j]
            c += b + b + a
            b += a
            if n >= size:
                gone = last[(n - size) & 511]
                a -= gone
                b -= size * gone
                c -= size * size * gone
            sums[j] = a + t, b, c
        last[n & 511] = t
        self._n = n + 1

    def _estimate(self, t: int) -> None:
        """Time and period from the longest window that agrees with all shorter ones."""
        jitter = math.sqrt(self._variance) * 1e9
        low, high = -math.inf, math.inf  # where all agree, ns from the latest arrival
        near = low, high  # where the windows too short to bend do
        straight, straight_short = (STRAIGHT * jitter) ** 2, (STRAIGHT_SHORT * jitter) ** 2
        end = slope = claimed = slope_variance = 0.0
        for size, (a, b, c) in zip(SIZES, self._sums, strict=True):
            n = min(size, self._n)
            mean, var_i, line, bend, _, error, _, share, ones, squares = TABLE[n]
            s0, s1 = float(a - n * t), float(b - ones * t)
            v = (mean * s0 - s1) * line
            if n >= DOUBTED:
                curve = float(c - squares * t) - 2 * mean * s1 + (mean * mean - var_i) * s0
                if curve * curve * bend > (straight if size >= BENDS else straight_short):
                    low = math.inf
                    break
            variance, error = line * jitter * jitter, error * jitter
            whole = self._n <= size
            if whole and self._known_variance:
                v, variance = self._with_known(v, variance, n)
                error = math.sqrt(share * jitter * jitter + mean * mean * variance)
            x = s0 * share + v * mean
            reach = (AGREE if size >= BENDS else AGREE_SHORT) * error
            low, high = max(low, x - reach), min(high, x + reach)
            if low > high:
                break
            end, slope, claimed, slope_variance = x, v, error, variance
            if size < BENDS:
                near = low, high
            if whole:
                break
        if low > high and self._n > BENDS:
            bent = self._bent(t, jitter, *near)
            if bent[2] < claimed:
                end, slope, claimed, slope_variance = bent
        self.time = self._zero + (t + end) * 1e-9
        self.period = min(max(slope * 1e-9, SHORTEST), LONGEST)
        self.error = claimed * 1e-9
        self._slope_error = math.sqrt(slope_variance) * 1e-9

    def _bent(self, t: int, jitter: float, low: float, high: float) -> tuple[float, float, float, float]:
        """End, slope, error of the end and variance of the slope of the longest parabola that agrees, in ns."""
        found = 0.0, 0.0, math.inf, 0.0
        for size, (a, b, c) in zip(SIZES, self._sums, strict=True):
            if size < BENDS:
                continue
            n = min(size, self._n)
            mean, var_i, line, bend, at_end, _, error, share, ones, squares = TABLE[n]
            s0, s1, s2 = float(a - n * t), float(b - ones * t), float(c - squares * t)
            v = (mean * s0 - s1) * line
            curve = (s2 - 2 * mean * s1 + (mean * mean - var_i) * s0) * bend
            x = s0 * share + v * mean + curve * at_end
            reach = AGREE_BENT * error * jitter
            low, high = max(low, x - reach), min(high, x + reach)
            if low > high:
                break
            found = x, v + 2 * mean * curve, error * jitter, (line + 4 * mean * mean * bend) * jitter * jitter
            if self._n <= size:
                break
        return found

    def _with_known(self, slope: float, variance: float, n: int) -> tuple[float, float]:
        """A window's slope, in ns, together with what was known of the period before the phase was taken anew."""
        known, known_variance = self._known * 1e9, self._known_variance * 1e18
        if n < 2:
            return known, known_variance
        if n > 3 and (slope - known) ** 2 > 16 * (variance + known_variance):
            self._known_variance = 0.0  # disproved
            return slope, variance
        both = variance + known_variance
        return (slope * known_variance + known * variance) / both, variance * known_variance / both
