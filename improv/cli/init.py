"""`improv init`: a commented improv.toml and the folders that it names; or a systemd unit for it."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from contextlib import suppress
from pathlib import Path

from improv.cli import OK
from improv.control.config.reading import load_config, read_config
from improv.control.config.sample import sample
from improv.control.config.tree import Config
from improv.core.errors import ImprovError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", default="improv.toml", metavar="FILE", help="where it goes (default: improv.toml)")
    parser.add_argument("--force", action="store_true", help="also where there is one, which is kept beside it")
    parser.add_argument("--systemd", action="store_true", help="print a systemd unit that performs FILE, and write nothing")
    parser.add_argument("--user", action="store_true", help="with --systemd: a unit for your own services (systemctl --user)")


def run(args: argparse.Namespace) -> int:
    """Write the file and the folders, or print the unit."""
    path = Path(args.to)
    if args.user and not args.systemd:
        raise ImprovError("--user says whose unit --systemd prints; use both")
    if args.systemd:
        print(_unit(path, args.user), end="")
        return OK
    kept = write_config(path, args.force)
    if kept:
        print(f"kept what was there as {kept}")
    print(f"wrote {path}; look it through, then start it: improv daemon --config {path}")
    return OK


def write_config(path: Path, force: bool) -> Path | None:
    """Write the file, and make the folders. Returns where a file is kept that was there. Raises ImprovError."""
    if path.is_dir():
        raise ImprovError(f"{path}: a folder; give a file, for example {path / 'improv.toml'}")
    if path.exists() and not force:
        raise ImprovError(
            f"{path} exists, so nothing was written. --force writes a new one and keeps the old one beside it; --to FILE writes elsewhere"
        )
    text = sample()
    config = read_config(text, path)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        config.record.folder.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        kept = _set_aside(path) if path.exists() else None
        os.replace(half, path)
    except OSError as e:
        with suppress(OSError):
            half.unlink()
        raise ImprovError(f"{e.filename or path}: {e.strerror}") from None
    return kept


def _set_aside(path: Path) -> Path:
    """Keep a file under a name of its own: improv.toml.1, .2 and so on."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    os.rename(path, kept)
    return kept


def _unit(path: Path, own: bool) -> str:
    """The unit for this installation, this user and this file."""
    from improv.control.config.systemd_unit import unit

    if not hasattr(os, "getuid"):
        raise ImprovError("--systemd: there is no systemd on this system")
    path = path.absolute()
    writes = [path.parent / "sessions"]
    if path.exists():
        writes = _written(load_config(path))
    else:
        print(f"improv: {path} is not there yet; `improv init --to {path}` writes it", file=sys.stderr)
    return unit(path, Path(sys.executable), getpass.getuser(), os.getuid(), writes, own)


def _written(config: Config) -> list[Path]:
    return [config.record.folder, *([config.control.socket.parent] if config.control.socket else [])]
