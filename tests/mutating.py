"""Files as strangers and accidents make them: a good one, changed at random by a seed. For the fuzzers, short and long."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

WILD: list[Callable[[random.Random], Any]] = [
    lambda r: None,
    lambda r: r.choice([True, False]),
    lambda r: r.choice([0, -1, 1, 2, 7, 128, 4097, 2**31, -(2**63), 10**400]),
    lambda r: r.choice([0.0, -0.0, 1e-300, 1e300, -1e300, 0.5, 1e4, float("nan"), float("inf"), -float("inf")]),
    lambda r: r.choice(
        ["", "x", "../../etc/passwd", "/dev/zero", "~nobody/x", "a\0b", "\x1b[2J\x1b]0;x\x07", "\ud800", "é" * 3000, "x" * 100_000]
    ),
    lambda r: [],
    lambda r: {},
    lambda r: [[1, "x", None], {"a": [{}]}],
    lambda r: {"": {"x": [1.5]}},
]
PLACES = ("card", "weights", "bytes of the card", "bytes of the weights", "header", "kinds of file")


def changed(r: random.Random, value: Any, depth: int = 0) -> Any:
    """A value of JSON with one place in it changed."""
    if isinstance(value, dict) and value and r.random() < 0.85:
        key = r.choice(list(value))
        fate = r.random()
        if fate < 0.12:
            return {k: v for k, v in value.items() if k != key}
        if fate < 0.2:
            return value | {key + "?": value[key]}
        return value | {key: changed(r, value[key], depth + 1)}
    if isinstance(value, list) and value and r.random() < 0.7:
        at = r.randrange(len(value))
        fate = r.random()
        if fate < 0.15:
            return value[:at] + value[at + 1 :]
        if fate < 0.3:
            return value + [value[at]] * r.choice([1, 5, 2000])
        return [*value[:at], changed(r, value[at], depth + 1), *value[at + 1 :]]
    return r.choice(WILD)(r)


def spoilt(r: random.Random, blob: bytes) -> bytes:
    """Bytes with some of them changed, cut off, doubled or put in."""
    at = r.randrange(len(blob) + 1)
    return r.choice(
        [
            lambda: blob[:at],
            lambda: blob[:at] + bytes(r.randrange(256) for _ in range(r.choice([1, 2, 8]))) + blob[at + 1 :],
            lambda: blob[:at] + blob[at:] * 2,
            lambda: bytes(b ^ (1 << r.randrange(8)) if r.random() < 0.01 else b for b in blob[:50_000]) + blob[50_000:],
            lambda: b"",
            lambda: b"[" * 100_000,
            lambda: b'{"a":' * 100_000,
        ]
    )()


def strange_file(r: random.Random, path: Path) -> str:
    """Something at a path that is no file, or none that is there. Returns what."""
    path.unlink(missing_ok=True)
    kind = r.choice(["fifo", "folder", "device", "endless", "circle", "away", "nothing", "huge", "unreadable"])
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/full")
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "circle":
        path.symlink_to(path.name)
    elif kind == "away":
        path.symlink_to("/etc/passwd")
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(2**36)
    elif kind == "unreadable":
        path.write_bytes(b"{}")
        path.chmod(0)
    return kind


def model_folder(r: random.Random, folder: Path, card: dict[str, Any], weights: dict[str, np.ndarray]) -> str:
    """A folder of a model, changed in one kind of place. Returns a word on what was done."""
    folder.mkdir(parents=True)
    what = r.choice(PLACES)
    weights = {name: array.copy() for name, array in weights.items()}
    if what == "weights":
        for _ in range(r.choice([1, 1, 3])):
            array = weights[r.choice(list(weights))]
            value = r.choice([1e3, -1e3, 1e4, -1e4, 3e38, -3e38, 1e-40, float("nan"), float("inf"), 200.0, -200.0, 999.0, -999.0])
            array[...] = np.where(np.random.default_rng(r.randrange(2**32)).random(array.shape) < r.choice([0.01, 0.5, 1.0]), value, array)
        if r.random() < 0.2:
            name = r.choice(list(weights))
            weights[name] = r.choice([lambda a: a.astype(np.float64), lambda a: a.ravel(), lambda a: a[:-1], lambda a: a.astype(np.int32)])(
                np.nan_to_num(weights[name], posinf=0, neginf=0).clip(-9, 9)
            )
    blob = save(weights)
    if what in ("bytes of the weights", "header"):
        blob = spoilt(r, blob)
    if what == "header" and len(blob) > 8:
        length = int.from_bytes(blob[:8], "little")
        try:
            header = json.dumps(changed(r, json.loads(blob[8 : 8 + length]))).encode()
        except (ValueError, RecursionError):
            header = b"[" * 100_000
        blob = len(header).to_bytes(8, "little") + header + blob[8 + length :]
    card = card | {"weights_sha256": hashlib.sha256(blob).hexdigest()}
    if what == "card":
        for _ in range(r.choice([1, 1, 2, 4])):
            card = changed(r, card)
            card = card if isinstance(card, dict) else {"name": card}
        card.setdefault("weights_sha256", hashlib.sha256(blob).hexdigest())
    text = json.dumps(card).encode()
    if what == "bytes of the card":
        text = spoilt(r, text)
    (folder / "weights.safetensors").write_bytes(blob)
    (folder / "card.json").write_bytes(text)
    if what == "kinds of file":
        name = r.choice(["card.json", "weights.safetensors"])
        what = f"{name}: {strange_file(r, folder / name)}"
    return what


LINES = [
    '"~nobody/x"', '"a\\u0000b"', "1e400", "nan", "-inf", "[1, [2, [3]]]", "{a = {b = 1}}", "true", "1979-05-27T07:32:00Z",
    "07:32:00", "9" * 5000, '""', "'''\nx\n'''", "[]", "{}", "0x7fffffffffffffff", "-1", "1.5", '"solo"', '"x/y"', "[[]]",
    '["a", 1]', "[{name = 1}]", '"\\U0010ffff"',
]  # fmt: skip
HEADERS = ["[music]", "[[performer]]", "[presets.x]", "[control.osc]", "[record]", "[[input]]", "[[binding]]", "[x]"]
DEEP = ["x = " + "[" * 5000, "x = " + "{a=" * 5000, "[" + ".".join("b" * 1500) + "]", "x = " + "[" * 400 + "]" * 400]


def configuration(r: random.Random, text: str) -> str:
    """A configuration's text, its lines changed."""
    lines = text.splitlines()
    for _ in range(r.choice([1, 1, 2, 5])):
        at = r.randrange(len(lines))
        fate = r.randrange(12)
        key = lines[at].lstrip("# ").partition("=")[0].strip()
        if fate < 4 and "=" in lines[at]:
            lines[at] = f"{key} = {r.choice(LINES)}"
        elif fate == 4:
            del lines[at]
            lines = lines or [""]
        elif fate == 5:
            lines.insert(at, lines[r.randrange(len(lines))])
        elif fate == 6:
            lines[at] = lines[at].lstrip("# ")
        elif fate == 7:
            lines.insert(at, r.choice(HEADERS))
        elif fate == 8:
            lines.insert(at, ".".join(["a"] * r.choice([2, 50, 3000, 60_000])) + " = 1")
        elif fate == 9:
            lines.insert(at, r.choice(DEEP))
        elif fate == 10:
            lines[at] = "".join(c for c in lines[at] if r.random() > 0.1)
        else:
            lines[at] = lines[at][: r.randrange(len(lines[at]) + 1)] + r.choice("\0\x1b\"'[]{}=.#\n\\é\ud7ff") + lines[at]
    return "\n".join(lines)
