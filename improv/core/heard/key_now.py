"""The key of the moment, in which notes and chords are spelled: that of the changes, or as it is heard."""

from __future__ import annotations

from functools import lru_cache

from improv.core.harmony import Changes
from improv.core.harmony.spelling import Key, key_of_chords
from improv.core.line.generator import LineGenerator


def key_now(generator: LineGenerator) -> Key | None:
    """The key that a performer plays in; None where it isn't known. To be asked from any thread."""
    changes, heard = generator.changes, generator.heard
    if changes is not None:
        return key_of_changes(changes)
    return heard.key if heard else None


@lru_cache(maxsize=64)
def key_of_changes(changes: Changes) -> Key | None:
    """The key of changes: of their chords, as long as each lasts."""
    ends = [*changes.starts[1:], changes.length]
    return key_of_chords((chord, end - start) for chord, start, end in zip(changes.chords, changes.starts, ends, strict=True))
