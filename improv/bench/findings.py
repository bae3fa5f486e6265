"""What works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from improv.core.errors import ImprovError
from improv.extras import install

FINE, POOR, BROKEN = "ok", "poor", "broken"
ROOM = 200 * 2**20  # bytes of disk below which a record of weeks is in danger


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. how: ok, poor (plays, but), broken (does not play). mend: what to do, where there is something."""

    what: str
    how: str
    text: str
    mend: str = ""


def find_all(config: Path | None = None) -> list[Finding]:
    """Look at everything that a performance needs, and at a daemon's configuration where one is given."""
    looks: list[Callable[[], list[Finding]]] = list(LOOKS)
    if config:
        looks.append(lambda: _configuration(config))
    return [finding for look in looks for finding in _safely(look)]


def _safely(look: Callable[[], list[Finding]]) -> list[Finding]:
    """A doctor does not fall ill: what a look raises is a finding."""
    try:
        return look()
    except ImprovError as e:
        return [Finding(_name(look), BROKEN, str(e))]
    except Exception as e:
        return [Finding(_name(look), POOR, f"could not be looked at ({type(e).__name__}: {e})")]


def _name(look: Callable[[], list[Finding]]) -> str:
    return "configuration" if look.__name__ == "<lambda>" else look.__name__.strip("_")


def _midi() -> list[Finding]:
    from improv.midi.ports import listed, working_apis
    from improv.midi.systems import mend

    working = working_apis()
    if not working:
        return [Finding("MIDI", BROKEN, "no MIDI system answers here", f"{mend()}; until then improv plays a demo and files")]
    findings = []
    for name, api in working.items():
        inputs, outputs = listed(api)
        told = f"{name}: inputs {', '.join(inputs) or 'none'}; outputs {', '.join(outputs) or 'none'}"
        findings.append(Finding("MIDI", FINE, told))
    if all(name == "winmm" for name in working):
        findings.append(Finding("virtual ports", POOR, "Windows has none", "install loopMIDI, and name its port with --in and --out"))
    return findings


def _models() -> list[Finding]:
    from improv.models.loader import load_model

    findings = []
    for name in ("jazz", "pocket"):
        began = time.perf_counter()
        model = load_model(name)
        model.read(model.start())
        findings.append(Finding("model", FINE, f"{name} loads in {1000 * (time.perf_counter() - began):.0f} ms"))
    return findings


def _priority() -> list[Finding]:
    from improv.perform.priority import priority

    with priority() as granted:
        real_time = granted.real_time
        text = granted.text
    if sys.platform != "linux" or real_time:
        return [Finding("real-time priority", FINE, text)]
    how = "put `@audio - rtprio 95` into /etc/security/limits.d/95-audio.conf, `sudo usermod -aG audio $USER`, log in again"
    return [Finding("real-time priority", POOR, text, how)]


def _cores() -> list[Finding]:
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    findings = []
    if governor.exists() and (found := governor.read_text().strip()) != "performance":
        findings.append(Finding("power", POOR, f"the cores' governor is {found}", "sudo cpupower frequency-set -g performance"))
    if hasattr(os, "getloadavg") and (load := os.getloadavg()[0]) > (os.cpu_count() or 1):
        findings.append(Finding("load", POOR, f"{load:.1f} on {os.cpu_count()} cores", "end what is not music"))
    return findings or [Finding("cores", FINE, f"{os.cpu_count()}")]


def _disk() -> list[Finding]:
    import shutil

    import platformdirs

    folder = Path(platformdirs.user_data_dir("improv")) / "sessions"
    there = folder
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        return [Finding("record", POOR, f"{folder} can't be written: sessions are not kept", "give yourself the folder, or use --session")]
    free = shutil.disk_usage(there).free
    if free < ROOM:
        return [Finding("record", POOR, f"{free / 2**20:.0f} MB left for {folder}", "make room: a record stops where the disk is full")]
    return [Finding("record", FINE, f"{folder}, {free / 2**30:.0f} GB free")]


def _extras() -> list[Finding]:
    wanted = (("link", "Ableton Link", "link"), ("tensorflow", "training", "train"))
    return [
        Finding(what, FINE, "installed" if find_spec(module) else f"not installed; if you want it: {install(extra)}")
        for module, what, extra in wanted
    ]


def _configuration(path: Path) -> list[Finding]:
    """What a daemon would find here: the file, its models, its ports, its folder; and whether one performs already."""
    from improv.control.config.reading import load_config
    from improv.control.local_socket import connect, converse, found_path
    from improv.midi.names import find
    from improv.midi.ports import listed, working_apis
    from improv.models.loader import load_model

    config = load_config(path)
    for name in sorted({p.model for p in config.performers}):
        load_model(name)
    findings = [Finding("configuration", FINE, f"{path}: {', '.join(p.name for p in config.performers)}")]
    there: tuple[set[str], set[str]] = set(), set()
    for api in working_apis().values():
        for names, more in zip(there, listed(api), strict=True):
            names.update(more)
    wanted = [("input", i.name, i.port, there[0]) for i in config.inputs]
    wanted += [("output", p.name, p.output, there[1]) for p in config.performers]
    for side, name, port, names in wanted:
        if port is not None and find(sorted(names), port) is None:
            mend = f"plug it in, or choose another: there are {', '.join(sorted(names)) or 'none'}"
            findings.append(Finding(f"{side} {name}", POOR, f"{port!r} is not here; a daemon waits for it", mend))
    folder = config.record.folder
    if config.record.on and not os.access(next(p for p in (folder, *folder.absolute().parents) if p.exists()), os.W_OK):
        findings.append(Finding("record", POOR, f"{folder} can't be written: sessions are not kept", "give the daemon's user the folder"))
    place = config.control.socket or found_path()
    try:
        with connect(place, 2.0) as sock:
            converse(sock, {"do": "status"})
        findings.append(Finding("daemon", FINE, f"performs; `improv ctl status` says what ({place})"))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        findings.append(Finding("daemon", FINE, "none performs by this configuration now"))
    except OSError as e:
        findings.append(Finding("daemon", POOR, f"does not reply at {place}: {e}", "look at its log; or end it and start it again"))
    return findings


LOOKS = (_midi, _models, _priority, _cores, _disk, _extras)
