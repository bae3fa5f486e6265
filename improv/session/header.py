"""A session's first line: what is needed to play the same again. How it is written, and how it is read.

A header may be anybody's: what is read is checked, and names no file.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from improv import __version__
from improv.core import hearing, playing
from improv.core.errors import ImprovError
from improv.core.harmony import READING, parse_changes
from improv.core.metres import Metres
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.models.loader import voicings_for
from improv.models.model import State
from improv.outside import printable
from improv.perform.performers import PerformerSetup, Song, ear_named
from improv.session.lines import SessionError
from improv.session.snapshot import read_snapshot, state_beside, write_snapshot

MOST_PERFORMERS = 64
BAND = 1  # by which rules a band plays together; what was recorded without is none
# What may lie beside a model's weights: which solos it must not quote for long, what chooses among its phrases, how loud its notes are.
BESIDE = ("quotations", "critic", "accents")
SHARED_BEAT = {"beat": "shared"}  # one timekeeper stood before all performers


# Written


def header_of(song: Song, performers: Sequence[PerformerSetup], early: float = 0.0) -> dict[str, Any]:
    """Of a performance that begins now. early: seconds by which notes are handed over before their time."""
    header = (
        made_with()
        | SHARED_BEAT
        | {
            "changes": song.text,
            "metre": list(song.metres.first.metre),
            "bars": song.bars,
            "hearing": song.hearing,
            "playing": song.playing,
            "seed": performers[0].seed,
            "performers": [performed_by(p) for p in performers],
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "advance_ms": 1000 * early,
        }
    )
    if song.band:
        header["band"] = {"rules": BAND, "plays": list(song.band)}
    if song.changes is None or song.changes.metres is None:  # else the changes say them
        later = [[at, *metre] for at, metre in song.metres.changes[1:]]
        header |= {"metres": later} if later else {}
    restored = sorted(p.name for p in performers if p.state is not None)
    return header | ({"restored": restored} if restored else {})


def made_with() -> dict[str, Any]:
    """What the notes depend on beside the model."""
    voicings = voicings_for()
    said: dict[str, Any] = {"reading": READING, "improv": __version__, "numpy": np.__version__, "machine": platform.machine()}
    said["ear"] = ear_named()
    return said | ({"voicings": str(voicings.card["weights_sha256"])[:12]} if voicings else {})


def beside(model: NoteModel) -> dict[str, str]:
    """What it plays by beside its weights, see BESIDE: the hash of each, where it has it."""
    return {what: str(model.card[what]["sha256"])[:12] for what in BESIDE if getattr(model, what) is not None}


def performed_by(performer: PerformerSetup) -> dict[str, Any]:
    """What `performers_in` reads of one."""
    card = performer.model.card
    return (
        {
            "name": performer.name,
            "model": {"name": card["name"], "weights_sha256": card["weights_sha256"]} | beside(performer.model),
            "settings": asdict(performer.settings),
            "seed": performer.seed,
            "channel": performer.channel,
            "hears": sorted(performer.hears),
            "inputs": None if performer.inputs is None else sorted(performer.inputs),
        }
        | ({"harmony": sorted(performer.harmony)} if performer.harmony else {})
        | dict(performer.learns)
    )


def keep_beside(session: Path, performers: Sequence[PerformerSetup]) -> None:
    """Write what performers remember from before beside a session that begins, so that it can be played again. Raises WriteError."""
    states = {p.name: (p.model, p.state) for p in performers if p.state is not None}
    if states:
        session.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(state_beside(session), states)


# Read


@dataclass(frozen=True, slots=True)
class RecordedPerformer:
    """A performer as the header has it."""

    name: str
    model: str
    sha256: str
    settings: Settings
    seed: int
    channel: int
    hears: frozenset[int]
    inputs: frozenset[int] | None
    harmony: frozenset[int]
    learns: Mapping[str, Any]  # what it says of learning: `learns` and `profile`
    beside: Mapping[str, str] = field(default_factory=dict)  # the hashes of what the model played by beside its weights, see `beside`


def performers_in(header: Mapping[str, Any], path: Path) -> list[RecordedPerformer]:
    """path: of the session, for errors. Raises SessionError."""
    said = header.get("performers", [header])  # at first a session had but one
    if not isinstance(said, list) or not 1 <= len(said) <= MOST_PERFORMERS:
        raise SessionError(f"{path}: its first line names no performers")
    try:
        return [_performer(p, number) for number, p in enumerate(said)]
    except (KeyError, TypeError, ValueError, AttributeError, ImprovError) as e:
        raise SessionError(f"{path}: its first line does not say how it was played ({type(e).__name__}: {printable(e, 200)})") from None


def _performer(said: Mapping[str, Any], number: int) -> RecordedPerformer:
    seed, channel, inputs = said["seed"], said.get("channel", 0), said.get("inputs")
    if not isinstance(seed, int) or seed < 0 or not isinstance(channel, int) or not 0 <= channel <= 15:
        raise ValueError("seed or channel")
    known = {f.name for f in fields(Settings)}
    settings = Settings(**{k: v for k, v in said["settings"].items() if k in known})
    return RecordedPerformer(
        str(said.get("name") or f"improv {number + 1}")[:40] if "name" in said else "improv",
        str(said["model"]["name"]),
        str(said["model"]["weights_sha256"]),
        settings,
        seed,
        channel,
        frozenset(int(n) for n in said.get("hears") or ()),
        None if inputs is None else frozenset(int(n) for n in inputs),
        frozenset(int(n) for n in said.get("harmony") or ()),
        {what: said.get(what) for what in ("learns", "profile")},
        {what: str(said["model"][what])[:64] for what in BESIDE if said["model"].get(what)},
    )


def song_in(header: Mapping[str, Any], path: Path) -> Song:
    """path: of the session, for errors. Raises SessionError."""
    try:
        count, unit = header.get("metre", (4, 4))
        bars, text = header.get("bars"), header.get("changes")
        if not all(isinstance(n, int) for n in (count, unit)) or not (bars is None or isinstance(bars, int)):
            raise ValueError("metre or bars")
        reading = header.get("reading", 1)  # not said as long as symbols were read to kinds alone
        heard, played = header.get("hearing", hearing.FIRST), header.get("playing", playing.FIRST)
        known = ((reading, (1, READING)), (heard, (hearing.FIRST, hearing.NOW)), (played, (playing.FIRST, playing.NOW)))
        if not all(number in range(first, last + 1) for number, (first, last) in known):
            raise SessionError(f"{path}: it was read, heard or played as only a newer improv does; update improv")
        later = [(float(at), (int(beats), int(note))) for at, beats, note in header.get("metres") or ()]
        metres = Metres(((0.0, (count, unit)), *later))
        changes = parse_changes(str(text), metres, reading) if text else None
        metres = changes.metres if changes and changes.metres else metres
        return Song(changes, str(text) if text else None, metres, bars, reading, heard, played, _band(header.get("band"), path))
    except SessionError:
        raise
    except (TypeError, ValueError, ZeroDivisionError, ImprovError) as e:
        raise SessionError(f"{path}: its first line does not say how it was played ({printable(e, 200)})") from None


def _band(said: object, path: Path) -> tuple[str, ...]:
    """The modes of a band's performers, by number; empty where it was none."""
    if said is None:
        return ()
    if not isinstance(said, Mapping) or not isinstance(said.get("plays"), list) or len(said["plays"]) > MOST_PERFORMERS:
        raise ValueError("band")
    if said.get("rules") != BAND:
        raise SessionError(f"{path}: its band played by rules that only a newer improv has; update improv")
    return tuple(str(mode)[:20] for mode in said["plays"])


def states_in(header: Mapping[str, Any], path: Path, models: Mapping[str, NoteModel]) -> dict[str, State]:
    """What performers remembered from before, kept beside the session under its name; empty where they remembered nothing.

    models: of each performer, by its name. Raises SessionError.
    """
    restored = header.get("restored")
    if not restored:
        return {}
    beside = state_beside(path)
    states = read_snapshot(beside, models)
    names = {str(name) for name in restored}
    if not names <= set(states):
        raise SessionError(f"{beside}: what was remembered from before is not there, so this can't be played again; try --model")
    return {name: state for name, state in states.items() if name in names}
