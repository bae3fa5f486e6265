"""The record of a performance: written as it happens, read whatever happened to it, played again, listed and pruned.

A session is a file of JSON lines. The first is the header: what is needed to play the same again. Then comes each event
heard, overheard by one performer from another, played, filled in while the model was too slow, or dropped because its
time was over, with the stamp that the improviser acted on; and at last `end`, if it came to one.
"""

from improv.session.capture import Capture, Cut, excerpt
from improv.session.index import Kept, cut_off, prune, sessions
from improv.session.lines import SessionError
from improv.session.reader import Session, read_session
from improv.session.recorder import Recorder

__all__ = ["Capture", "Cut", "Kept", "Recorder", "Session", "SessionError", "cut_off", "excerpt", "prune", "read_session", "sessions"]
