"""`improv ports`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from improv.midi.systems import mend


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """List every API that works here, its inputs and outputs."""
    from improv.midi.ports import aliases, listed, working_apis

    found: dict[str, dict[str, Any]] = {}
    for name, api in working_apis().items():
        inputs, outputs = listed(api)
        found[name] = {"inputs": inputs, "outputs": outputs}
        if also := aliases(api, inputs, outputs):
            found[name]["aliases"] = also
    if args.json:
        print(json.dumps(found))
    elif not found:
        print(f"no MIDI system here: {mend()}")
    else:
        for name, sides in found.items():
            print(name)
            also = sides.get("aliases", {})
            for side in ("inputs", "outputs"):
                names = [f"{n} (also {', '.join(also[n])})" if n in also else n for n in sides[side]]
                print(f"  {side}: {', '.join(names) or 'none'}")
    return 0
