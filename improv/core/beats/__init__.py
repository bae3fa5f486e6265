"""Where the beat is: who says so, and what that makes of the meter.

A new clock source is its file, and its row here. What else there is to know of it, its class says itself (`source.py`).
"""

from improv.core.named import Named

CLOCKS = {  # by name, as the setting `clock` has it; `sources.py` has the classes
    "internal": Named("improv.core.beats.internal:InternalBeat", "the tempo that is set here"),
    "midi": Named("improv.core.beats.midi_clock:MidiClockBeat", "MIDI Clock, Start, Stop and song position from outside"),
    "link": Named("improv.core.beats.link:LinkBeat", "Ableton Link"),
    "follow": Named("improv.core.beats.followed:FollowedBeat", "the beat is taken from your playing"),
    "free": Named("improv.core.beats.followed:FreeBeat", "no beat, at your own pace"),
}
