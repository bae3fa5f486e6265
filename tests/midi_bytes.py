"""Standard MIDI files, byte by byte, as a test wants them."""

from __future__ import annotations

LINE = [62, 65, 69, 72, 71, 67, 65, 62]
END = b"\x00\xff\x2f\x00"


def number(value: int) -> bytes:
    """A variable-length number."""
    digits = [value & 127]
    while value := value >> 7:
        digits.append(value & 127 | 128)
    return bytes(reversed(digits))


def meta(kind: int, content: bytes, delta: int = 0) -> bytes:
    return number(delta) + bytes([0xFF, kind]) + number(len(content)) + content


def tempo(microseconds: int, delta: int = 0) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"), delta)


def metre(count: int, power: int, delta: int = 0) -> bytes:
    return meta(0x58, bytes([count, power, 24, 8]), delta)


def notes(pitches: list[int], step: int = 240, channel: int = 0, velocity: int = 80) -> bytes:
    """One after another, each as long as its step."""
    on, off = 0x90 | channel, 0x80 | channel
    return b"".join(bytes([0, on, p, velocity]) + number(step) + bytes([off, p, 0]) for p in pitches)


def chunk(content: bytes, name: bytes = b"MTrk", length: int | None = None) -> bytes:
    return name + (len(content) if length is None else length).to_bytes(4, "big") + content


def header(tracks: int = 1, division: int = 480, kind: int = 1) -> bytes:
    return chunk(b"".join(n.to_bytes(2, "big") for n in (kind, tracks, division)), b"MThd")


def smf(*tracks: bytes, division: int = 480) -> bytes:
    return header(len(tracks), division) + b"".join(chunk(t + END) for t in tracks)
