"""The base of every error that a user can mend: its message is one clear line."""


class ImprovError(Exception):
    """What was wrong, where, and what to do."""
