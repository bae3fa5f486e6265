// Beats, bars and chords: what sounds where. Pure.

const FLAT = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
let names = FLAT;
const BLACK = new Set([1, 3, 6, 8, 10]);

export const isBlack = (pitch) => BLACK.has(pitch % 12);

/** Spell notes by these names of the twelve pitch classes; by flats where there are none. Returns whether that is other than before. */
export function spell(by) {
  const before = names;
  names = by?.length === 12 ? by : FLAT;
  return names.join() !== before.join();
}

/** "E♭4"; 60 is C4, and so is "B♯3". */
export const pitchName = (pitch) => {
  const name = names[pitch % 12];
  const raised = name.split("♯").length - name.split("♭").length;
  return name + (Math.floor((pitch - raised) / 12) - 1);
};

/** The anchor that held at a time: { time, beat, tempo, running }. */
export function anchorAt(anchors, time) {
  for (let i = anchors.length - 1; i > 0; i--) if (anchors[i].time <= time) return anchors[i];
  return anchors[0] ?? null;
}

/** Quarter notes since bar one, at a time; null where no beat runs. */
export function beatAt(anchors, time) {
  const anchor = anchorAt(anchors, time);
  return anchor?.running ? anchor.beat + ((time - anchor.time) * anchor.tempo) / 60 : null;
}

export function timeOf(anchor, beat) {
  return anchor.time + ((beat - anchor.beat) * 60) / anchor.tempo;
}

/** Where in the chart a beat is: charts go round, or stay in their last bar. */
export function placeIn(chart, beat) {
  if (chart.loops === false) return Math.min(Math.max(beat, 0), chart.length - 1e-3);
  return ((beat % chart.length) + chart.length) % chart.length;
}

/** The place in chart.chords of the chord at a beat; -1 where there is none. */
export function chordIndex(chart, beat) {
  if (!chart?.chords.length || !(chart.length > 0)) return -1;
  const place = placeIn(chart, beat + 1e-6);
  let found = -1;
  for (let i = 0; i < chart.chords.length && chart.chords[i].position <= place + 1e-6; i++) found = i;
  return found < 0 ? chart.chords.length - 1 : found;
}

/** The bar in which a beat lies: { number, begin, length, count }: numbers from 0, begin and length in quarter notes, count in its beats. */
export function barAt({ chart, bar, metre }, beat) {
  const lines = chart?.lines ?? [];
  const within = lines.length && beat >= 0 && (chart.loops !== false || beat < chart.length);
  if (!within) {
    const number = Math.floor(beat / bar + 1e-9);
    return { number, begin: number * bar, length: bar, count: metre[0] };
  }
  const turn = Math.floor(beat / chart.length + 1e-9);
  const place = beat - turn * chart.length;
  let i = 0;
  while (i + 1 < lines.length && lines[i + 1][0] <= place + 1e-9) i++;
  const [begin, count] = lines[i];
  const length = (lines[i + 1]?.[0] ?? chart.length) - begin;
  return { number: turn * lines.length + i, begin: turn * chart.length + begin, length, count };
}
