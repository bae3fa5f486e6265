// Beats, bars and chords: what sounds where. Pure.

const NAMES = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const BLACK = new Set([1, 3, 6, 8, 10]);

export const isBlack = (pitch) => BLACK.has(pitch % 12);

/** "E♭4"; 60 is C4. */
export const pitchName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);

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

/** The bar of the chart that lies at a place in it: { number, begin, length, count }, numbers from 0, lengths in quarter notes. */
export function barAt(chart, place, count) {
  const lines = chart?.lines ?? [];
  if (!lines.length) {
    const bar = chart?.bar || 4;
    const number = Math.floor(place / bar + 1e-9);
    return { number, begin: number * bar, length: bar, count };
  }
  let number = 0;
  while (number + 1 < lines.length && lines[number + 1][0] <= place + 1e-9) number++;
  const [begin, beats] = lines[number];
  return { number, begin, length: (lines[number + 1]?.[0] ?? chart.length) - begin, count: beats };
}
