"""What a mode is, and which there are. A mode decides what to play; the improviser hears, remembers and keeps the time.

A mode is told what happens, may play at once (`struck`, `released`) or say when it next wants to (`next`, `play`).
Everything that it decides, it decides at the time of an event or of its own plan, never earlier or later: so
nothing depends on when `advance` is called. All its notes go through its voice, which closes them.
"""

from improv.core.modes.comp import Comp
from improv.core.modes.duet import Duet
from improv.core.modes.echo import Echo
from improv.core.modes.line import Solo, Trade
from improv.core.modes.mode import Mode

# By the names that the setting `mode` has; a new one is its file, its row here, and its name there, with a word of what it does.
MODES: dict[str, type[Mode]] = {"trade": Trade, "solo": Solo, "echo": Echo, "comp": Comp, "duet": Duet}
