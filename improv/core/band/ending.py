"""Where a band ends: the bar of its last, held chord. Whoever asks for it is heard by all, so all end together.

A song of so many bars ends with them. A band that is asked to end does so with the chorus; asked again, in the next bar.
"""

from __future__ import annotations

from improv.core.band.form import Form
from improv.core.meter import Meter

ENDING = "ending"  # a Setting event of this name is no setting: the band is asked to end
SOONEST = 2  # bars that are left at the least to a band that is asked to end with the chorus


class Ending:
    """at: the bar of the last chord, counted in the song; None as long as no end is in sight. asked: how often it was asked for."""

    def __init__(self, form: Form, bars: int | None = None):
        self.asked, self._bars = 0, bars
        self.at: int | None = None
        self.begin(form)

    def begin(self, form: Form) -> None:
        """The song begins (again): nobody has asked for an end yet."""
        self.asked = 0
        self.at = None if self._bars is None else form.last(self._bars)

    def ask(self, form: Form, meter: Meter, beat: float) -> None:
        """Somebody asks for the end, on a beat."""
        bar = meter.bar_of(beat)
        self.asked += 1
        if self.asked > 1:
            self.at = bar + 1
            return
        end = (max(bar, 0) // form.bars + 1) * form.bars
        while form.last(end) < bar + SOONEST:
            end += form.bars
        self.at = form.last(end)
