"""Texts in MIDI files say nothing of their encoding: UTF-8 if it is that, else Shift-JIS if it looks Japanese, else Latin-1."""

from __future__ import annotations

import unicodedata


def readable(raw: bytes) -> str:
    """A text as people can read it, without control characters."""
    text = _decoded(raw.strip(b"\0 \t\r\n"))
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn")).strip()


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("cp932")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace").replace("\ufffd", "")
    return text if _is_japanese(text) else raw.decode("cp1252", errors="replace").replace("\ufffd", "")


def _is_japanese(text: str) -> bool:
    """It has hiragana or full-width katakana, or at least half of it is Chinese characters: an accent is a lone sign among letters."""
    kana = any("\u3041" <= c <= "\u30fe" for c in text)
    return kana or 2 * sum("\u4e00" <= c <= "\u9fff" for c in text) >= len(text.replace(" ", ""))
