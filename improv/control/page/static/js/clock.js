// Two clocks kept together by the best of many readings. Pure: who reads the clocks tells it what they said.

const KEPT = 30; // seconds that a reading counts for
const DRIFT = 1e-4; // seconds that two clocks may part in a second

/** The offset of a far clock: of many pings, the one that was back soonest says most. All times are in seconds. */
export class FarClock {
  constructor() {
    this.readings = [];
    this.best = null;
  }

  /** A ping went at `sent` and was back at `back`, by our clock; between, the far clock showed `theirs`. */
  heard(sent, theirs, back) {
    const reading = { at: back, trip: back - sent, offset: theirs - (sent + back) / 2 };
    if (reading.trip < 0) return;
    const apart = this.best && Math.abs(reading.offset - this.best.offset);
    if (apart > (reading.trip + this.best?.trip) / 2 + DRIFT * (back - this.best?.at) + 0.001) this.readings = []; // a clock leapt: sleep
    this.readings.push(reading);
    this.readings = this.readings.filter((r) => back - r.at <= KEPT);
    const doubt = (r) => r.trip / 2 + DRIFT * (back - r.at);
    this.best = this.readings.reduce((a, b) => (doubt(b) <= doubt(a) ? b : a));
  }

  get known() {
    return this.best !== null;
  }

  /** Their time at our time. */
  theirs(ours) {
    return ours + (this.best?.offset ?? 0);
  }

  /** Our time at theirs. */
  ours(theirs) {
    return theirs - (this.best?.offset ?? 0);
  }

  /** By how much it may be wrong, in seconds. */
  get doubt() {
    return this.best ? this.best.trip / 2 : Infinity;
  }
}

/** The offset of a clock that shows its time in steps, never early: the least that it lags behind in the last seconds is right. */
export class SteppedClock {
  constructor(kept = 3) {
    this.kept = kept;
    this.readings = [];
  }

  /** At `ours` it showed `theirs`. */
  read(ours, theirs) {
    const lag = ours - theirs;
    const last = this.readings.at(-1);
    if (last && Math.abs(lag - last.lag) > 0.25) this.readings = []; // it stood still, or was begun again
    this.readings = this.readings.filter((r) => ours - r.at <= this.kept);
    this.readings.push({ at: ours, lag });
  }

  get lag() {
    return this.readings.reduce((least, r) => Math.min(least, r.lag), Infinity);
  }

  /** Its time at ours. */
  theirs(ours) {
    return ours - this.lag;
  }
}
