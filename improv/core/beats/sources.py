"""Who can say where the beat is, by the names that the setting `clock` has. A new one is its file, its row here, and its name there."""

from improv.core.beats.followed import FollowedBeat, FreeBeat
from improv.core.beats.internal import InternalBeat
from improv.core.beats.link import LinkBeat
from improv.core.beats.midi_clock import MidiClockBeat
from improv.core.beats.source import BeatSource

SOURCES: dict[str, type[BeatSource]] = {
    "internal": InternalBeat,
    "midi": MidiClockBeat,
    "link": LinkBeat,
    "follow": FollowedBeat,
    "free": FreeBeat,
}
