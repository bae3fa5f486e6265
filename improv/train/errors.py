"""What goes wrong with a corpus."""

from __future__ import annotations

from improv.core.errors import ImprovError


class CorpusError(ImprovError):
    """A corpus that can't be used; the message says where and why."""
