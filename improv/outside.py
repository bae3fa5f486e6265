"""What comes from outside is limited before it is read: regular files alone, of so many bytes, nested so deep.

All readers of files go through here: models, profiles, states, settings, MIDI files, scores, charts, corpora, sessions. Nothing is
followed, waited for or recursed into, and all that is wrong is an `OutsideError` whose one line names the file. What the bytes then
mean is for each reader to check.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeVar

from improv.core.errors import ImprovError

DEEPEST = 32  # objects and lists inside each other
HEADER = 2**20  # bytes of a safetensors file's header
TENSORS = 4096  # in a file
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
_QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
T = TypeVar("T")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class OutsideError(ImprovError):
    """Something from outside that is not read. The message names it, and says why."""


class MissingError(OutsideError):
    """There is no such file."""


class Tensor(NamedTuple):
    """What a safetensors header says of an array. kind: one of WIDTHS."""

    kind: str
    shape: tuple[int, ...]


class Tensors(NamedTuple):
    """A safetensors file, its header checked. about: its `__metadata__`. blob: the whole file."""

    arrays: Mapping[str, Tensor]
    about: Mapping[str, str]
    blob: bytes


def read_file(path: Path, largest: int, inside: Path | None = None) -> bytes:
    """The bytes of a regular file, `largest` at the most. inside: a folder that it must not lead out of. Raises OutsideError."""
    return _opened(path, largest, inside, lambda file, size: _all_of(path, file, size, largest))


def open_file(path: Path, largest: int) -> BinaryIO:
    """A regular file, `largest` bytes at the most, to be read piece by piece. Raises OutsideError."""
    file = _descriptor(path, largest)[0]
    return os.fdopen(file, "rb")


def read_json(path: Path, largest: int, inside: Path | None = None, deepest: int = DEEPEST) -> Any:
    """What a file of JSON says, with no number that is none. Raises OutsideError."""
    return json_of(read_file(path, largest, inside), str(path), deepest)


def json_of(blob: bytes, name: str, deepest: int = DEEPEST) -> Any:
    """What JSON in UTF-8 says. name: what the error calls it. Raises OutsideError."""
    if _depth(blob) > deepest:
        raise OutsideError(f"{name}: nested deeper than {deepest}")
    try:
        return json.loads(blob.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as e:
        raise OutsideError(f"{name}: not readable JSON ({_short(e)})") from None


def read_tensors(
    path: Path, largest: int, inside: Path | None = None, check: Callable[[Mapping[str, Tensor]], None] | None = None
) -> Tensors:
    """A safetensors file. check: is asked, by the header alone, before the arrays are read; raises what its reader raises.

    Raises OutsideError unless the header is small and flat, and the arrays lie in the file one after the other and fill it.
    """

    def read(file: int, size: int) -> Tensors:
        head = _some_of(file, 8)
        length = int.from_bytes(head, "little")
        if length > min(size - 8, HEADER) and (head[:1] == b"\x80" or head[:2] == b"PK"):  # a header of 128 bytes begins so, too
            raise OutsideError(f"{path}: looks like a pickle or an archive, which improv never opens; export to safetensors")
        if len(head) < 8 or length > size - 8:
            raise OutsideError(f"{path}: truncated, or not a safetensors file ({size:,} bytes)")
        if length > HEADER:
            raise OutsideError(f"{path}: a header of {length:,} bytes; it may have {HEADER:,}")
        header = _some_of(file, length)
        arrays, about = _header(header, size - 8 - length, str(path))
        if check:
            check(arrays)
        return Tensors(arrays, about, head + header + _all_of(path, file, size - 8 - length, largest))

    return _opened(path, largest, inside, read)


def tensors_of(blob: bytes, name: str) -> Tensors:
    """As `read_tensors`, of bytes that are at hand."""
    length = int.from_bytes(blob[:8], "little")
    if len(blob) < 8 or length > min(len(blob) - 8, HEADER):
        raise OutsideError(f"{name}: truncated, or not a safetensors file")
    return Tensors(*_header(blob[8 : 8 + length], len(blob) - 8 - length, name), blob)


def put_aside(path: Path) -> str:
    """Give a file that can't be read another name beside it, so that a performance begins without it. Returns what was done, in words."""
    aside = path.with_name(f"{path.name}.unreadable")
    try:
        for number in range(2, 100):
            if not os.path.lexists(aside):
                break
            aside = path.with_name(f"{path.name}.unreadable-{number}")
        os.rename(path, aside)
    except OSError as e:
        return f"it stays where it is ({e.strerror}), and is not used"
    return f"it is put aside as {printable(aside.name)}, and the performance begins without it"


def plain_name(name: object, longest: int = 64) -> bool:
    """Whether it can be printed and be a file's name: no path, no control character, nothing that is not seen."""
    return (
        isinstance(name, str) and 0 < len(name) <= longest and name.isprintable() and name == name.strip() and not set(name) & set("/\\:")
    )


def whole(value: object, low: int, high: int) -> bool:
    """Whether it is a whole number from low to high."""
    return type(value) is int and low <= value <= high


def number(value: object, low: float, high: float) -> bool:
    """Whether it is a finite number from low to high."""
    return type(value) in (int, float) and low <= value <= high  # type: ignore[operator]


def why(e: Exception, path: Path) -> str:
    """What an error of ours about a file says, without the file's name, for those who say the name themselves."""
    return str(e).removeprefix(f"{printable(path, 1000)}: ")


def printable(text: object, longest: int = 80) -> str:
    """A text from outside as it may be shown on a terminal, cut short."""
    shown = "".join(c if c.isprintable() else "?" for c in str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def _opened(path: Path, largest: int, inside: Path | None, read: Callable[[int, int], T]) -> T:
    """What `read` makes of an open file and its size in bytes."""
    file, size = _descriptor(path, largest, inside)
    try:
        return read(file, size)
    except OSError as e:
        raise OutsideError(f"{printable(path, 1000)}: {e.strerror or e}") from None
    finally:
        os.close(file)


def _descriptor(path: Path, largest: int, inside: Path | None = None) -> tuple[int, int]:
    """A regular file's descriptor, open for reading, and its size in bytes. Raises OutsideError."""
    name = printable(path, 1000)
    try:
        if inside is not None:
            path = path.resolve(strict=True)
            if not path.is_relative_to(inside.resolve()):
                raise OutsideError(f"{name}: leads out of its folder; put the file itself there")
        file = os.open(path, os.O_RDONLY | _QUIET)
    except FileNotFoundError:
        raise MissingError(f"{name}: no such file") from None
    except (OSError, ValueError, RuntimeError) as e:  # RuntimeError: a circle of links
        raise OutsideError(f"{name}: {getattr(e, 'strerror', None) or _short(e)}") from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OutsideError(f"{name}: is no regular file")
        if found.st_size > largest:
            raise OutsideError(f"{name}: {found.st_size:,} bytes; it may have {largest:,}")
    except BaseException:
        os.close(file)
        raise
    return file, found.st_size


def _some_of(file: int, count: int) -> bytes:
    """The next bytes, so many, or fewer where the file ends."""
    pieces: list[bytes] = []
    while count > 0 and (piece := os.read(file, min(count, 2**20))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _all_of(path: Path, file: int, size: int, largest: int) -> bytes:
    blob = _some_of(file, min(size, largest) + 1)
    if len(blob) != size:
        raise OutsideError(f"{path}: changes while it is read")
    return blob


def _depth(blob: bytes) -> int:
    """How deep JSON is nested, by its brackets outside of texts."""
    depth = deepest = 0
    for found in _TEXT.finditer(blob):
        mark = blob[found.start()]
        if mark in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in b"]}":
            depth -= 1
    return deepest


def _header(header: bytes, size: int, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What a header says. size: bytes of arrays that follow it."""
    said = json_of(header, name, deepest=4)
    if not isinstance(said, dict) or len(said) > TENSORS:
        raise OutsideError(f"{name}: not a safetensors file")
    about = said.pop("__metadata__", {})
    if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
        raise OutsideError(f"{name}: its __metadata__ holds more than texts")
    found: dict[str, Tensor] = {}
    ranges = []
    for key, row in said.items():
        try:
            kind, shape, (start, end) = row["dtype"], row["shape"], row["data_offsets"]
            good = kind in WIDTHS and len(shape) <= 8 and all(whole(n, 0, 2**40) for n in (*shape, start, end))
            good = good and end - start == WIDTHS[kind] * math.prod(shape)
        except (KeyError, TypeError, ValueError):
            good = False
        if not good:
            raise OutsideError(f"{name}: what its header says of {printable(key)!r} is no array")
        found[key] = Tensor(kind, tuple(shape))
        ranges.append((start, end))
    at = 0
    for start, end in sorted(ranges):
        if start != at:
            raise OutsideError(f"{name}: its arrays do not lie one after the other")
        at = end
    if at != size:
        raise OutsideError(f"{name}: truncated, or too long ({size:,} of {at:,} bytes of arrays)")
    return found, about


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is no number")
    return value


def _short(e: Exception) -> str:
    return printable(e, 120) or type(e).__name__
