"""`--band` of `improv jam` and `improv solo`: the members beside the soloist, a performer each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from improv.cli.band_option import MEMBERS
from improv.core.band.kit import Kit
from improv.core.band.together import RANGES
from improv.core.errors import ImprovError
from improv.core.events import Event, ProgramChange
from improv.core.settings import DRUMS, SHARED, Settings
from improv.midi.tracks import PROGRAMS
from improv.models.loader import load_model
from improv.perform.performers import PerformerSetup

COUNTED = 1  # bars, where nobody says how many


def members_of(said: str | None) -> tuple[str, ...]:
    """Who is in the band, in the order of MEMBERS; empty for no band. Raises ImprovError."""
    if said is None:
        return ()
    wanted = {word.strip().lower() for word in said.split(",")}
    if unknown := sorted(wanted - set(MEMBERS)):
        raise ImprovError(f"--band {said}: nobody in the band plays {unknown[0]!r}; there are {', '.join(MEMBERS)}")
    return tuple(member for member in MEMBERS if member in wanted)


def band_beside(soloist: PerformerSetup, members: Sequence[str], taken: int = 0) -> list[PerformerSetup]:
    """The setups of a band: the soloist first, then the members. Each hears the player and the soloist, comping the bass too.

    taken: a channel, 1-16, that is somebody's already, as a click's; 0 for none.
    """
    if not members:
        return [soloist]
    setups, used = [soloist], {soloist.channel, taken - 1, DRUMS - 1}
    shared = {name: getattr(soloist.settings, name) for name in SHARED}
    for number, member in enumerate(members, 1):
        channel = DRUMS - 1 if member == "drums" else next(c for c in range(1, 16) if c not in used)
        used.add(channel)
        low, high = RANGES[member]
        settings = Settings(**shared, mode=member, low=low, high=high, feel=soloist.settings.feel)
        hears = {0} | ({members.index("bass") + 1} if member == "comp" and "bass" in members else set())
        setups.append(
            PerformerSetup(
                member, load_model(member), settings, soloist.seed + number, member, channel, hears=frozenset(hears), inputs=soloist.inputs
            )
        )
    return setups


def sounds_of(performers: Sequence[PerformerSetup]) -> list[Event]:
    """What tells a General MIDI synth which sounds the members of a band have; a soloist's sound is the player's affair."""
    band = [p for p in performers if p.settings.mode in RANGES] if len(performers) > 1 else []
    return [ProgramChange(0.0, PROGRAMS[p.settings.mode], p.channel) for p in band if p.settings.mode in PROGRAMS]


def check_length(args: argparse.Namespace, *options: str) -> None:
    """Raises ImprovError where a piece is to have too many bars or choruses, or none."""
    for option in options:
        count = getattr(args, option)
        if count is not None and not 1 <= count <= 10_000:
            raise ImprovError(f"--{option} {count}: expected 1 to 10,000")


def kits_of(said: str | None, band: Sequence[str]) -> dict[int, Kit]:
    """The kits of a band's drummers, by their numbers, where a map file was named. Raises ImprovError."""
    if said is None:
        return {}
    from improv.midi.kitted import read_kit

    if "drums" not in band:
        raise ImprovError(f"--kit {said}: there are no drums; add --band")
    kit = read_kit(Path(said))
    return {number: kit for number, mode in enumerate(band) if mode == "drums"}


def counted_in(settings: Settings, said: int | None, members: Sequence[str]) -> Settings:
    """The settings of a performance that a band counts in, unless somebody said how."""
    return replace(settings, count_in=COUNTED) if members and said is None and settings.clock == "internal" else settings
