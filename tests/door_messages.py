"""Messages to the doors as strangers, broken phones and accidents send them: OSC packets and lines for the local socket, by a seed."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

from mutating import changed, spoilt

from improv.control.commands import COMMANDS, CTL, by_way
from improv.control.server.osc import BUNDLE, write_message
from improv.core.settings import SETTINGS

PERFORMERS = ["sax", "piano"]
VALUES: list[Any] = [
    0, 1, -1, 127, 128, 2**31 - 1, -(2**31), 2**53, 0.0, 0.7, -3.5, 1e30, float("nan"), float("inf"), "", "solo", "comp", "jazz", "pocket",
    "../../etc/passwd", "/dev/zero", "\x1b[2J", "é" * 200, "x" * 5000, True, False, None, b"", b"\0" * 100, "Dm7 | G7", "hope and wonder",
]  # fmt: skip
NAMES = ["calm", "x", "..", ".", "a/b", "a\\b", "", "x" * 70, "\n", "\u202e", "ballad"]
SILENT = ("stop", "capture", "learn", "unlearn", "save")  # would end it, write files, or wait for a controller: the last two by name alone


def osc_packet(r: random.Random) -> bytes:
    """One packet: a good message, one that is nearly good, a bundle, or noise."""
    fate = r.random()
    if fate < 0.1:
        return r.randbytes(r.choice([0, 1, 4, 20, 300, 9000]))
    if fate < 0.25:
        inner = [osc_packet(r) for _ in range(r.choice([0, 1, 3]))]
        sizes = [r.choice([len(p), len(p), len(p), 0, -4, 2**31 - 1]) for p in inner]
        return BUNDLE + bytes(8) + b"".join(struct.pack(">i", s) + p for s, p in zip(sizes, inner, strict=True))
    words = [r.choice([*COMMANDS, "back", "x"])]
    if words[0] in ("set", "get"):
        words.append(r.choice([*SETTINGS, "tempo", "bar", "x", ""]))
    if r.random() < 0.4:
        words.insert(0, r.choice([*PERFORMERS, "nobody"]))
    address = "/".join(["", r.choice(["improv"] * 9 + ["imprOv"]), *words])
    packet = write_message(address, *[r.choice(VALUES) for _ in range(r.choice([0, 1, 1, 1, 2, 70]))])
    return spoilt(r, packet)[:10_000] if r.random() < 0.25 else packet


def request(r: random.Random) -> dict[str, Any]:
    """A request for the local socket, good or nearly so."""
    row = r.choice([row for row in by_way(CTL) if row.name not in SILENT])
    said: dict[str, Any] = {"do": row.name}
    for field in row.fields:
        if field.needed or r.random() < 0.5:
            given: Any = {
                "setting": r.choice([*SETTINGS]),
                "performer": r.choice([*PERFORMERS, "nobody"]),
                "name": r.choice(NAMES),
                "model": r.choice(["pocket", "jazz", "nowhere", "/dev/zero", "../x"]),
            }.get(field.kind, r.choice([v for v in VALUES if not isinstance(v, bytes)]))
            said[field.name] = given
    return said


def socket_line(r: random.Random) -> bytes:
    """One line, with its end; none that stops the daemon."""
    said: Any = request(r)
    if r.random() < 0.5:
        said = changed(r, said)
    line = json.dumps(said).encode()
    if r.random() < 0.2:
        line = spoilt(r, line)
    line = line[:100_000].replace(b"\n", b" ")
    return (b"{}" if any(b'"%s"' % word.encode() in line for word in SILENT) else line) + b"\n"
