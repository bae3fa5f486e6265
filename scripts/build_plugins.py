"""Builds the DAW plugin for other machines, before a release: `pip install ziglang`, then

    python scripts/build_plugins.py                    # all of them
    python scripts/build_plugins.py linux-aarch64      # some
    python scripts/build_plugins.py --bundles dist/    # and improv.lv2, improv.vst3, improv.clap for each, to look at

They go where `pip wheel` takes them into the wheel. Zig brings a C compiler and the headers of all these systems. What is built here
for another system than this one has not run: see docs/daw.md for what has.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin"))
from hatch_build import build, this_machine

from improv.bridge.bundles import write_clap, write_lv2, write_vst3

# Zig's names. glibc 2.17 is that of manylinux2014, macOS 11 the first that runs on both of Apple's processors.
TARGETS = {
    "linux-x86_64": "x86_64-linux-gnu.2.17",
    "linux-aarch64": "aarch64-linux-gnu.2.17",
    "macos-x86_64": "x86_64-macos.11.0",
    "macos-aarch64": "aarch64-macos.11.0",
    "windows-x86_64": "x86_64-windows-gnu",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machines", nargs="*", choices=[[], *TARGETS], metavar="MACHINE", help=", ".join(TARGETS))
    parser.add_argument("--bundles", type=Path, metavar="FOLDER", help="make the bundles of each in FOLDER/MACHINE")
    args = parser.parse_args()
    failed = 0
    for machine in args.machines or TARGETS:
        start = time.perf_counter()
        try:
            out = build([sys.executable, "-m", "ziglang", "cc"], machine, ["-target", TARGETS[machine], "-s"])
        except (subprocess.CalledProcessError, OSError) as e:
            failed += 1
            print(f"{machine}: not built\n{getattr(e, 'stdout', e)}", file=sys.stderr)
            continue
        never = "" if machine == this_machine() else "; not run here"
        print(f"{machine}: {out.stat().st_size:,} bytes in {time.perf_counter() - start:.1f} s{never}")
        if args.bundles:
            write_lv2(args.bundles / machine, out, machine)
            write_vst3(args.bundles / machine, out, machine)
            write_clap(args.bundles / machine, out, machine)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
