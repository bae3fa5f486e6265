"""What the soloist did lately, as the rhythm section hears it: how much, how high, how loud, and what stood out."""

from __future__ import annotations

from collections.abc import Sequence

from improv.core.band.bar import TICKS, Around

LATELY = 2  # bars
STOOD_OUT = 1.15  # times as loud as the mean
LONG = 1.0  # beats of silence before a note, or of its length, after which it stands out
OFF_BEAT = TICKS // 12  # ticks off the beat from which on a note is off it
MOST = 4  # accents that one answers


def around(notes: Sequence[tuple[float, float, int, int]], line: float, bar: float) -> Around:
    """Of the notes (beat, length in beats, pitch, velocity), ascending, what was played in the two bars before a bar line.

    line: the beat of the bar line; bar: how many beats the bars have. Accents are off the beat and loud, or after a rest or long.
    """
    since = line - LATELY * bar
    lately = [n for n in notes if since <= n[0] < line]
    if not lately:
        last = max((n[0] + n[1] for n in notes if n[0] < line), default=line - 16.0)
        return Around(silence=min(max(line - last, 0.0), 16.0))
    loud = sum(n[3] for n in lately) / len(lately)
    silence = max(line - max(n[0] + n[1] for n in lately), 0.0)
    accents: list[int] = []
    end = since
    for beat, length, _, velocity in lately:
        tick = round((beat - (line - bar)) * TICKS)
        stands_out = velocity >= STOOD_OUT * loud or beat - end >= LONG or length >= LONG
        if 0 <= tick < round(bar * TICKS) and stands_out and OFF_BEAT <= tick % TICKS <= TICKS - OFF_BEAT:
            accents.append(tick)
        end = max(end, beat + length)
    register = sum(n[2] for n in lately) / len(lately)
    return Around(len(lately) / (LATELY * bar), register, loud, silence, tuple(accents[-MOST:]))
