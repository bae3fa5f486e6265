"""improv: a jazz partner for any MIDI rig."""

__version__ = "0.2.0"
