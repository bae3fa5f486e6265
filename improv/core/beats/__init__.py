"""Where the beat is: who says so, and what that makes of the meter.

A new clock source is its file, and its row here. What else there is to know of it, its class says itself (`source.py`).
"""

from improv.core.named import NamedClass

CLOCKS = {  # by name, as the setting `clock` has it; `sources.py` has the classes
    "internal": NamedClass("improv.core.beats.internal:InternalBeat", "the tempo that is set here"),
    "midi": NamedClass("improv.core.beats.midi_clock:MidiClockBeat", "MIDI Clock, Start, Stop and song position from outside"),
    "link": NamedClass("improv.core.beats.link:LinkBeat", "Ableton Link"),
    "host": NamedClass("improv.core.beats.host:HostBeat", "the DAW's own transport, for the plugin alone"),
    "follow": NamedClass("improv.core.beats.followed:FollowedBeat", "the beat is taken from your playing"),
    "free": NamedClass("improv.core.beats.followed:FreeBeat", "no beat, at your own pace"),
}
