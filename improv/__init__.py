"""improv: a jazz co-player for any MIDI rig."""

__version__ = "0.1.0"
