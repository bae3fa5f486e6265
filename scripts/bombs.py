"""Files that are small on disk and huge once read, made and read at their full size: what each costs until it is refused.

    python scripts/bombs.py            # about two minutes; takes 60 MB of disk

Each is read in a process of its own, as `improv train` or `improv jam --player` would. Prints seconds and the most memory, and the
refusal. Exits with 1 where one took more than 10 s or 500 MB, or where something else than a refusal came.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import sqlite3
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import midi_bytes as smf
from fuzz_readers import LONGEST, MOST, read_alone
from music_files import CONTAINER, SCORE, read_for_training

from improv.midi.files import read_part
from improv.midi.smf import MidiFileError

GB = 2**30


def zeroblobs(folder: Path) -> Path:
    """wjazzd.db whose tables are views: 5 GB of zeros a value."""
    path = folder / "wjazzd.db"
    base = sqlite3.connect(path)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000)"
    base.execute(f"CREATE VIEW solo_info AS {numbers} SELECT i AS melid, zeroblob(900000000) AS title FROM n")
    for name in ("melody", "beats"):
        base.execute(f"CREATE VIEW {name} AS {numbers} SELECT 1 AS melid, zeroblob(900000000) AS onset FROM n")
    base.commit()
    base.close()
    return path


def computed(folder: Path) -> Path:
    """wjazzd.db whose tables are tables, with columns that are worked out: 5 GB a row."""
    path = folder / "wjazzd.db"
    base = sqlite3.connect(path)
    columns = ", ".join(f"c{i} TEXT AS (hex(zeroblob(450000000)))" for i in range(6))
    base.execute(f"CREATE TABLE solo_info (melid INTEGER, {columns})")
    for name in ("melody", "beats"):
        base.execute(f"CREATE TABLE {name} (melid INTEGER)")
    base.execute("INSERT INTO solo_info (melid) VALUES (1)")
    base.commit()
    base.close()
    return path


def gzipped(piece: bytes, size: int, path: Path) -> Path:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(size // len(piece)):
            file.write(piece)
    return path


def one_line(folder: Path) -> Path:
    """6 GB on one line."""
    return gzipped(b" " * 2**20, 6 * GB, folder / "bomb.jsonl.gz")


def many_lines(folder: Path) -> Path:
    """6 GB of short lines."""
    return gzipped(b"{}\n" * 2**18, 6 * GB, folder / "bomb.jsonl.gz")


def lists(folder: Path) -> Path:
    """A line of 8 MB that is a million lists."""
    path = folder / "lists.jsonl"
    path.write_bytes(b'{"notes":[' + b"[[[[]]]]," * 900_000 + b"[]]}\n")
    return path


def deflated(pieces: int) -> bytes:
    """So many MB of zeros, as deflate packs them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(pieces)) + packer.flush()


def entry(name: str, method: int, packed: bytes, size: int) -> bytes:
    """A zip archive of one file, whose size is said to be so many bytes. method: 8 deflate, 12 bzip2."""
    blob = name.encode()
    said = struct.pack("<HHHIIIHH", method, 0, 0, 0, len(packed), size, len(blob), 0)
    local = b"PK\3\4" + struct.pack("<HH", 20, 0) + said + blob + packed
    central = b"PK\1\2" + struct.pack("<HHH", 20, 20, 0) + said + struct.pack("<HHHII", 0, 0, 0, 0, 0) + blob
    return local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def container_deflated(folder: Path) -> Path:
    """.mxl whose container.xml is 3.2 GB of zeros, said to be 100 bytes."""
    path = folder / "bomb.mxl"
    path.write_bytes(entry("META-INF/container.xml", 8, deflated(3277), 100))
    return path


def container_bzipped(folder: Path) -> Path:
    """.mxl whose container.xml is 3.2 GB of zeros, packed by bzip2, which Python unpacks without a limit."""
    path = folder / "bomb.mxl"
    packer = bz2.BZ2Compressor(9)
    packed = b"".join(packer.compress(bytes(2**22)) for _ in range(820)) + packer.flush()
    path.write_bytes(entry("META-INF/container.xml", 12, packed, 100))
    return path


def many_files(folder: Path) -> Path:
    """.mxl of 150,000 empty files."""
    path = folder / "many.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", CONTAINER.format(path="score.xml"))
        for i in range(150_000):
            archive.writestr(str(i), b"")
    return path


def score(folder: Path, text: str) -> Path:
    path = folder / "bomb.musicxml"
    path.write_text(text)
    return path


def beats(folder: Path) -> Path:
    """A time signature of "1+1+..." with 3,000 terms."""
    return score(folder, SCORE.replace("<beats>4</beats>", f"<beats>{'1+' * 3000}1</beats>"))


def sharps(folder: Path) -> Path:
    """A key of four thousand million sharps."""
    return score(folder, SCORE.replace("<fifths>-3</fifths>", "<fifths>4294967296</fifths>"))


def laughs(folder: Path) -> Path:
    """A thousand million laughs."""
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    text = SCORE.replace("<score-partwise", f'<!DOCTYPE x [<!ENTITY a "lol">{entities}]><score-partwise', 1)
    return score(folder, text.replace("Strange", "&j;"))


def header_only(folder: Path) -> Path:
    """A MIDI file that says of itself that it has 65,535 tracks of 4 GB."""
    path = folder / "bomb.mid"
    path.write_bytes(smf.header(65535) + (b"MTrk" + b"\xff\xff\xff\xff") * 100_000)
    return path


def dense(folder: Path) -> Path:
    """A MIDI file of 8 MB that is nothing but note-ons of one key."""
    path = folder / "dense.mid"
    path.write_bytes(smf.header() + smf.chunk(b"\0\x90" + b"\x3c\x40\0" * 2_790_000 + smf.END))
    return path


def sparse(folder: Path) -> Path:
    """A file of 64 GB without a byte on disk."""
    path = folder / "sparse.musicxml"
    with open(path, "wb") as file:
        file.write(b"<score-partwise>")
        file.truncate(64 * GB)
    return path


def read_by_jam(path: Path) -> str:
    try:
        read_part(path)
    except MidiFileError as e:
        return str(e)
    return "read"


BOMBS: list[tuple[Callable[[Path], Path], Callable[[Path], str]]] = [
    *((make, read_for_training) for make in (
        zeroblobs, computed, one_line, many_lines, lists, container_deflated, container_bzipped, many_files, beats, sharps, laughs, sparse,
        header_only, dense)),
    (header_only, read_by_jam),
    (dense, read_by_jam),
]  # fmt: skip


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    held = True
    for make, read in BOMBS:
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder))
            size = path.stat().st_blocks * 512 / 1e6
            outcome = read_alone(lambda r, _, path=path, read=read: f"{read(path)}", 0)
        good = not outcome.broken and outcome.seconds < LONGEST and outcome.memory < MOST
        held &= good
        what = (make.__doc__ or "").strip().rstrip(".")
        print(f"{what} ({size:.1f} MB on disk): {outcome.said[:120]}; {outcome.seconds:.1f} s, {outcome.memory / 2**20:.0f} MB"
              f"{'' if good else '  BROKEN'}", flush=True)  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
