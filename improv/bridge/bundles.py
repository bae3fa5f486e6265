"""The plugin as hosts look for it: improv.lv2, improv.vst3 and improv.clap.

They are made of one binary and, for LV2, of texts from the table of parameters.

The binary for this machine is built with the wheel (`plugin/hatch_build.py`), or travels in it.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from improv import __version__
from improv.bridge.parameters import NUMBERS, PARAMETERS, Parameter

BINARIES = Path(__file__).with_name("binaries")
ENDINGS = {"linux": "so", "macos": "dylib", "windows": "dll"}
LV2, VST3, CLAP = "improv.lv2", "improv.vst3", "improv.clap"
STATUS = (
    "not active", "not installed", "Python has gone", "starts", "no answer", "other version", "ready", "failed", "no folder",
)  # by number, as in plugin/bridge.h  # fmt: skip

PREFIXES = """@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix bufsz: <http://lv2plug.in/ns/ext/buf-size#> .
@prefix doap: <http://usefulinc.com/ns/doap#> .
@prefix kx: <http://kx.studio/ns/lv2ext/> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix midi: <http://lv2plug.in/ns/ext/midi#> .
@prefix opts: <http://lv2plug.in/ns/ext/options#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rsz: <http://lv2plug.in/ns/ext/resize-port#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
@prefix time: <http://lv2plug.in/ns/ext/time#> .
@prefix units: <http://lv2plug.in/ns/extensions/units#> .
@prefix urid: <http://lv2plug.in/ns/ext/urid#> .

"""
PLUGIN = """kx:control-input-port-change-request
    a lv2:Feature .

<urn:improv:plugin>
    a lv2:Plugin, lv2:MIDIPlugin, doap:Project ;
    doap:name "improv" ;
    rdfs:comment "A jazz partner: you play, it listens, and it answers in time." ;
    doap:license <https://spdx.org/licenses/MIT> ;
    lv2:minorVersion {minor} ;
    lv2:microVersion {micro} ;
    lv2:requiredFeature urid:map ;
    lv2:optionalFeature lv2:hardRTCapable, opts:options, state:threadSafeRestore, kx:control-input-port-change-request ;
    opts:supportedOption bufsz:maxBlockLength ;
    lv2:extensionData state:interface ;
    lv2:port {ports} .
"""
EVENTS = """[
        a lv2:{direction}Port, atom:AtomPort ;
        atom:bufferType atom:Sequence ;
        atom:supports {supports} ;
        lv2:designation lv2:control ;
        lv2:index {index} ;
        lv2:symbol "{symbol}" ;
        lv2:name "{name}" ;
        rsz:minimumSize 16384
    ]"""
CONTROL = """[
        a lv2:{direction}Port, lv2:ControlPort ;
        lv2:index {index} ;
        lv2:symbol "{symbol}" ;
        lv2:name "{name}" ;
        lv2:default {default:.9g} ;
        lv2:minimum {lowest:.9g} ;
        lv2:maximum {highest:.9g}{more}
    ]"""
UNITS = {
    "bars": ' ;\n        units:unit [ a units:Unit ; rdfs:label "bars" ; units:symbol "bars" ; units:render "%d bars" ]',
    "semitones": " ;\n        units:unit units:semitone12TET",
    "MIDI": " ;\n        units:unit units:midiNote",
}


def this_machine() -> str:
    """As `linux-x86_64`."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{system}-{machine}"


def ending_of(machine: str) -> str:
    return ENDINGS.get(machine.partition("-")[0], "so")


def binary(machine: str | None = None) -> Path | None:
    """The plugin for a machine, this one by default; None where it was left out. Also the library of the engine's side."""
    machine = machine or this_machine()
    path = BINARIES / machine / f"improv.{ending_of(machine)}"
    return path if path.is_file() else None


def _points(words: tuple[str, ...]) -> str:
    points = " , ".join(f'[ rdfs:label "{word}" ; rdf:value {index} ]' for index, word in enumerate(words))
    return f" ;\n        lv2:portProperty lv2:integer, lv2:enumeration ;\n        lv2:scalePoint {points}"


def _more(row: Parameter) -> str:
    if row.words:
        return _points(row.words)
    if row.whole and (row.lowest, row.highest) == (0, 1):
        return " ;\n        lv2:portProperty lv2:integer, lv2:toggled"
    return (" ;\n        lv2:portProperty lv2:integer" if row.whole else "") + UNITS.get(row.unit, "")


def _ports() -> Iterator[str]:
    """In the order that plugin/lv2.c has."""
    yield EVENTS.format(direction="Input", supports="midi:MidiEvent, time:Position", index=0, symbol="heard", name="Heard")
    yield EVENTS.format(direction="Output", supports="midi:MidiEvent", index=1, symbol="played", name="Played")
    switch = " ;\n        lv2:designation {} ;\n        lv2:portProperty lv2:toggled, lv2:integer{}"
    either = {"direction": "Input", "lowest": 0, "highest": 1}
    hidden = switch.format("lv2:freeWheeling", ", <http://lv2plug.in/ns/ext/port-props#notOnGUI>")
    yield CONTROL.format(index=2, symbol="freewheel", name="Freewheel", default=0, more=hidden, **either)
    yield CONTROL.format(index=3, symbol="enabled", name="Enabled", default=1, more=switch.format("lv2:enabled", ""), **either)
    shown = [row for row in PARAMETERS if row is not PARAMETERS[NUMBERS["bypass"]]]  # which `enabled` says
    for index, row in enumerate(shown, 4):
        limits = {"default": row.default, "lowest": row.lowest, "highest": row.highest}
        yield CONTROL.format(direction="Input", index=index, symbol=row.symbol, name=row.label, more=_more(row), **limits)
    limits = {"default": 0, "lowest": 0, "highest": len(STATUS) - 1}
    yield CONTROL.format(direction="Output", index=4 + len(shown), symbol="status", name="Status", more=_points(STATUS), **limits)


def lv2_texts(machine: str) -> dict[str, str]:
    """The texts of improv.lv2, by the names of their files."""
    minor, micro = [*__version__.split("."), "0", "0"][1:3]
    number = "".join(c for c in micro if c.isdigit()) or "0"
    described = PREFIXES + PLUGIN.format(ports=" , ".join(_ports()), minor=2 * int(minor), micro=2 * int(number))
    manifest = (
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\n"
        f"<urn:improv:plugin>\n    a lv2:Plugin ;\n    lv2:binary <improv.{ending_of(machine)}> ;\n    rdfs:seeAlso <improv.ttl> .\n"
    )
    return {"manifest.ttl": manifest, "improv.ttl": described}


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.new")  # a host may have the old one open
    shutil.copyfile(source, fresh)
    fresh.chmod(0o755)
    fresh.replace(target)


def write_lv2(folder: Path, built: Path, machine: str | None = None) -> Path:
    """Makes improv.lv2 in a folder, or makes it new. built: the binary. Returns it. Raises OSError."""
    machine = machine or this_machine()
    bundle = folder / LV2
    _copied(built, bundle / f"improv.{ending_of(machine)}")
    for name, text in lv2_texts(machine).items():
        (bundle / name).write_text(text, encoding="utf-8")
    return bundle


def write_vst3(folder: Path, built: Path, machine: str | None = None) -> Path:
    """As `write_lv2`, of improv.vst3."""
    machine = machine or this_machine()
    system, _, processor = machine.partition("-")
    contents = folder / VST3 / "Contents"
    if system == "macos":
        _write_for_macos(contents, built)
    elif system == "windows":
        _copied(built, contents / f"{processor}-win" / VST3)
    else:
        _copied(built, contents / f"{processor}-linux" / "improv.so")
    return folder / VST3


def write_clap(folder: Path, built: Path, machine: str | None = None) -> Path:
    """As `write_lv2`, of improv.clap: the binary itself, but on macOS."""
    if (machine or this_machine()).startswith("macos"):
        _write_for_macos(folder / CLAP / "Contents", built)
    else:
        _copied(built, folder / CLAP)
    return folder / CLAP


def _write_for_macos(contents: Path, built: Path) -> None:
    _copied(built, contents / "MacOS" / "improv")
    (contents / "PkgInfo").write_text("BNDL????", encoding="ascii")
    (contents / "Info.plist").write_text(_plist(), encoding="utf-8")


def _plist() -> str:
    values = {
        "CFBundleExecutable": "improv",
        "CFBundleIdentifier": "improv.plugin",
        "CFBundleName": "improv",
        "CFBundlePackageType": "BNDL",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleSignature": "????",
        "CFBundleVersion": __version__,
    }
    lines = "".join(f"    <key>{key}</key>\n    <string>{value}</string>\n" for key, value in values.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n{lines}</dict>\n</plist>\n'
