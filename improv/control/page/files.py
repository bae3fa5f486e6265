"""The page's files, as they lie in `static`: read once, served as they are, each with its type. Nothing else of the disk can be had."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
# Nothing from elsewhere, nothing inline, in nobody's frame; the socket is of the same origin.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "midi=(self), camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}


class StaticFile(NamedTuple):
    kind: str
    body: bytes
    tag: str  # ETag


class Answer(NamedTuple):
    """An HTTP response."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes = b""


def static_files(folder: Path = STATIC) -> dict[str, StaticFile]:
    """By path, as "/app.js"; files of no type that is known here, and hidden ones, are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind, inside = TYPES.get(path.suffix), path.relative_to(folder)
        if kind and path.is_file() and not any(part.startswith(".") for part in inside.parts):
            body = path.read_bytes()
            found[f"/{inside.as_posix()}"] = StaticFile(kind, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


def answer(files: dict[str, StaticFile], target: str, known: str | None) -> Answer:
    """To a GET of a path. known: the tag that the browser has already."""
    path = target.partition("?")[0].partition("#")[0]
    file = files.get("/index.html" if path == "/" else path)
    if file is None:
        return plain(HTTPStatus.NOT_FOUND, "there is nothing here; the page is at /\n")
    headers = SAFE | {"ETag": file.tag}
    if known == file.tag:
        return Answer(HTTPStatus.NOT_MODIFIED, headers)
    return Answer(HTTPStatus.OK, headers | {"Content-Type": file.kind}, file.body)


def plain(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, SAFE | {"Content-Type": TYPES[".txt"]}, text.encode())
