"""`improv doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

from improv import __version__
from improv.bench.findings import BROKEN, FINE, POOR, find_all

SIGNS = {FINE: "ok    ", POOR: "poor  ", BROKEN: "BROKEN"}
USUAL = Path("improv.toml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="look at a daemon's configuration too (default: improv.toml, where there is one)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Look at everything a performance needs. Exit code 0, or 1 where something is broken."""
    config = Path(args.config) if args.config else USUAL if USUAL.exists() else None
    findings = find_all(config)
    if args.json:
        print(json.dumps({"improv": __version__, "findings": [asdict(f) for f in findings]}))
    else:
        print(f"improv {__version__}, Python {platform.python_version()}, {platform.platform()}")
        for f in findings:
            print(f"{SIGNS[f.how]}  {f.what}: {f.text}")
            if f.mend:
                print(f"          {f.mend}")
    return int(any(f.how == BROKEN for f in findings))
