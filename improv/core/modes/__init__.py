"""What a mode is, and which there are. A mode decides what to play; the improviser hears, remembers and keeps the time.

A mode is told what happens, may play at once (`struck`, `released`) or say when it next wants to (`next`, `play`).
Everything that it decides, it decides at the time of an event or of its own plan, never earlier or later: so
nothing depends on when `advance` is called. All its notes go through its voice, which closes them.

A new mode is its file, and its row here. What else there is to know of it, its class says itself (`mode.py`).
"""

from improv.core.named import NamedClass

MODES = {  # by name, as the setting `mode` has it; `classes.py` has the classes
    "trade": NamedClass("improv.core.modes.line:Trade", "listen, answer, yield"),
    "solo": NamedClass("improv.core.modes.line:Solo", "play until interrupted"),
    "echo": NamedClass("improv.core.modes.echo:Echo", "harmonise your line as you play it"),
    "comp": NamedClass("improv.core.modes.comp:Comp", "chords under you"),
    "duet": NamedClass("improv.core.modes.duet:Duet", "a line beside yours that leaves room"),
    "bass": NamedClass("improv.core.modes.member:BassPart", "the bass of a band"),
    "drums": NamedClass("improv.core.modes.member:DrumPart", "the drums of a band"),
}
