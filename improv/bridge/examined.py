"""How the plugin stands on this machine: what was installed, whether its engine can start, which plugins are open, what went wrong.

Each thing looked at is a line, with what to do where something is wrong. Nothing is changed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from improv import __version__
from improv.bench.findings import BROKEN, FINE, POOR, Finding
from improv.bridge.bundles import binary, this_machine
from improv.bridge.installed import FORMATS, bundle_of, remembered
from improv.bridge.instances import instances
from improv.bridge.library import LEFT_OUT, path_of
from improv.core.errors import ImprovError

AGAIN = "improv plugin install"
HOSTS = {  # programs, by the name of the host
    "Ardour": ("ardour9", "ardour8", "ardour7", "ardour6", "ardour", "Ardour8.app", "Ardour.app"),
    "Reaper": ("reaper", "REAPER.app"),
    "Bitwig Studio": ("bitwig-studio", "Bitwig Studio.app"),
    "Carla": ("carla", "Carla.app"),
    "Qtractor": ("qtractor",),
    "jalv": ("jalv",),
    "Ableton Live": ("Ableton Live 12 Suite.app", "Ableton Live 12 Standard.app", "Ableton Live 11 Suite.app"),
    "Cubase": ("Cubase 14.app", "Cubase 13.app"),
    "Logic Pro": ("Logic Pro.app",),
}
READS = {  # which formats each host reads
    "Ardour": ("lv2", "vst3"),
    "Reaper": ("clap", "lv2", "vst3"),
    "Bitwig Studio": ("clap", "vst3"),
    "Carla": ("lv2", "vst3"),
    "Qtractor": ("clap", "lv2", "vst3"),
    "jalv": ("lv2",),
    "Ableton Live": ("vst3",),
    "Cubase": ("vst3",),
    "Logic Pro": (),
}
PATIENCE = 30.0  # seconds for a Python to say its version


def examined(log: Path) -> list[Finding]:
    """All findings, the plugin's own first. log: where engines write what went wrong."""
    found: list[Finding] = []
    for look in (_built, _installed, _hosts, _python, _open):
        try:
            found += look()
        except ImprovError as e:
            found.append(Finding(look.__name__.strip("_"), BROKEN, str(e)))
    return [*found, *_errors(log)]


def _built() -> Iterator[Finding]:
    path = binary()
    yield Finding("plugin", FINE, f"built for {this_machine()}") if path else Finding("plugin", BROKEN, LEFT_OUT)


def _installed() -> Iterator[Finding]:
    built = binary()
    for kind in FORMATS:
        bundle = bundle_of(kind)
        inside = [path for path in (bundle, *bundle.rglob("improv*")) if path.is_file() and path.suffix != ".ttl"]
        if not inside:
            yield Finding(bundle.name, BROKEN, f"not in {bundle.parent}", AGAIN)
        elif built and not any(path.read_bytes() == built.read_bytes() for path in inside):
            yield Finding(bundle.name, POOR, f"{bundle} is of another improv than this one ({__version__})", AGAIN)
        else:
            yield Finding(bundle.name, FINE, f"in {bundle.parent}")


def _hosts() -> Iterator[Finding]:
    if sys.platform == "win32":
        yield Finding("hosts", FINE, "every host that reads VST3, CLAP or LV2 plugins of the user's own finds it once it scans again")
        return
    here = [host for host, names in HOSTS.items() if any(_is_here(name) for name in names)]
    there = {host: [kind.upper() for kind in READS[host] if bundle_of(kind).exists()] for host in here}
    for host, kinds in there.items():
        if not READS[host]:
            yield Finding(host, POOR, "reads none of CLAP, LV2 and VST3 plugins", "use improv's MIDI ports there: docs/daw.md")
        elif kinds:
            yield Finding(host, FINE, f"finds it as {' and as '.join(kinds)} once it scans its plugins again")
        else:
            yield Finding(host, BROKEN, "finds no improv", AGAIN)
    if not here:
        yield Finding("hosts", FINE, "none that is known by name; others that read VST3, CLAP or LV2 find it as well")


def _is_here(name: str) -> bool:
    if name.endswith(".app"):
        return sys.platform == "darwin" and (Path("/Applications") / name).exists()
    return shutil.which(name) is not None


def _python() -> Iterator[Finding]:
    said = remembered()
    python = said.get("python")
    if not python:
        yield Finding("engine", BROKEN, f"the plugin doesn't know which Python to start ({path_of('improv_settings_path')})", AGAIN)
        return
    if not Path(python).exists():
        yield Finding("engine", BROKEN, f"its Python has gone: {python}", f"{AGAIN}, with the Python that improv is installed in")
        return
    try:
        done = subprocess.run([python, "-P", "-m", "improv", "--version"], capture_output=True, text=True, timeout=PATIENCE)
        told = done.stdout.strip() or done.stderr.strip().splitlines()[-1]
    except (OSError, subprocess.SubprocessError, IndexError) as e:
        yield Finding("engine", BROKEN, f"{python} doesn't start: {e}", AGAIN)
        return
    if done.returncode:
        yield Finding("engine", BROKEN, f"{python} has no improv that starts: {told}", AGAIN)
    elif told != f"improv {__version__}":
        yield Finding("engine", POOR, f"{python} has {told}, and this is {__version__}", AGAIN)
    else:
        yield Finding("engine", FINE, f"{python} starts, with {told}")


def _open() -> Iterator[Finding]:
    found = instances(path_of("improv_folder"))
    for one in found:
        good = one.status == "ready"
        counts = ", ".join(f"{count:,} {what}" for what, count in one.counts.items() if count)
        text = f"{one.status}{': ' + one.text if one.text else ''}; notes: {counts or 'none yet'}"
        yield Finding(f"open: {one.name}", FINE if good else POOR, text, "" if good else "wait a moment, and look again")
    if not found:
        yield Finding("open", FINE, "no plugin is open in a host now")


def _errors(log: Path) -> Iterator[Finding]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    if lines:
        yield Finding("last error", POOR, lines[-1], f"all of them: {log}")
