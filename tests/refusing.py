"""What a refusal of a file must be: one line that can be shown, and names the file."""

from __future__ import annotations


def refused(e: Exception, *names: str) -> str:
    text = str(e)
    assert "\n" not in text, f"more than one line: {text!r}"
    assert text.isprintable(), f"not to be printed: {text!r}"
    assert any(name in text for name in names), f"names no file: {text!r}"
    assert len(text) < 1500, f"long: {text[:100]!r}"
    return "refused"
