"""The XML of a score, plain or in an archive, within the limits of what is read. It may be anybody's."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from improv.charts.score_limits import ScoreError, check
from improv.outside import OutsideError, read_file

LARGEST = 16 * 2**20  # bytes of a score, packed and unpacked
LARGEST_CONTAINER = 2**16  # bytes of what says where in an archive the score is
MOST_FILES = 1000  # in an archive
_ROOTS = ("<score-partwise", "<score-timewise")


def is_score(path: Path, head: bytes) -> bool:
    """A score as XML, or an archive that says where in it the score is. head: the file's first bytes."""
    if head.startswith(b"PK\x03\x04"):
        try:
            return b"META-INF/container.xml" in read_file(path, LARGEST)
        except OutsideError:
            return path.suffix.lower() == ".mxl"
    return any(root in _decoded(head, errors="ignore") for root in _ROOTS)


def text_of(path: Path) -> str:
    """The score's XML. Raises ScoreError, OutsideError."""
    raw = read_file(path, LARGEST)
    if raw.startswith(b"PK"):
        try:
            raw = _unpacked(raw)
        except (
            zipfile.BadZipFile,
            ElementTree.ParseError,
            EOFError,
            OSError,
            RuntimeError,  # encrypted
            zlib.error,
            ValueError,
            LookupError,  # an encoding that nobody knows; and a file that the archive has not
        ) as e:
            raise ScoreError(f"not a readable archive ({e})") from None
    text = _decoded(raw, errors="replace")
    check(text)
    return text


def _unpacked(raw: bytes) -> bytes:
    """The score in an archive. Raises ScoreError, and what its readers raise."""
    if (many := raw.count(b"PK\x01\x02")) > MOST_FILES:
        raise ScoreError(f"an archive of {many:,} files; there may be {MOST_FILES}")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        container = _one_of(archive, "META-INF/container.xml", LARGEST_CONTAINER)
        root = ElementTree.fromstring(container).find(".//{*}rootfile")
        inside = root.get("full-path") if root is not None else None
        if not inside:
            raise ScoreError("an archive without a score")
        return _one_of(archive, inside, LARGEST)


def _one_of(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of an archive, so many bytes at the most. Raises ScoreError, and what `zipfile` raises."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # Python unpacks others without a limit
        raise ScoreError(f"an archive whose {name[:80]} is packed otherwise than MusicXML's are")
    blob = archive.open(name).read(most + 1)
    if len(blob) > most:
        raise ScoreError(f"an archive whose {name[:80]} has more than {most:,} bytes")
    return blob


def _decoded(raw: bytes, errors: str) -> str:
    """Text by its byte order mark; MusicXML is UTF-8 or UTF-16."""
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors=errors)
