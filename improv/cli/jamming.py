"""What `improv jam` and `improv solo` run: settings, model, clock, ports and record, wired into one performance."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from improv.cli import BROKEN, HUNG_UP, INTERRUPTED, MISUSED, OK, PORT_LOST, TERMINATED
from improv.cli.banding import band_beside, check_length, counted_in, kits_of, members_of, sounds_of
from improv.cli.demo import demo
from improv.cli.file_changes import set_changes
from improv.cli.learning import schooling_of
from improv.cli.listened import channels_of, harmony_port
from improv.cli.manners import listed, set_manner
from improv.cli.moods import LIST, set_mood
from improv.cli.moods import run as moods
from improv.cli.screen import Screen, as_read, shower, symbols_of
from improv.cli.sessions import default_folder
from improv.cli.take import told, write
from improv.cli.terminal import patient
from improv.cli.tunes import set_tune
from improv.core.beats.timekeeper import Timekeeper
from improv.core.errors import ImprovError
from improv.core.harmony import HEARD, Changes, parse_changes, taken_for, wanted
from improv.core.heard.harmony import HARMONY_INPUT
from improv.core.meter import Meter
from improv.core.metres import Metres
from improv.core.modes.classes import MODES
from improv.core.settings import Settings
from improv.learning.setup import LearningSetup
from improv.midi.calibration import LONGEST, stored_advance
from improv.midi.files import Part, read_part
from improv.midi.left_sounding import sounding_folder
from improv.midi.systems import choose_api, mend
from improv.models.loader import load_model
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.ends import Ends
from improv.perform.inbox import Inbox
from improv.perform.observers import KeptTake
from improv.perform.performance import Joined, Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.perform.priority import raise_priority
from improv.perform.taps import tapping
from improv.session import Recorder
from improv.session.header import header_of
from improv.titles.draw import titled

if TYPE_CHECKING:
    from improv.cli.webbed import Web

EXITS = {
    "SIGINT": INTERRUPTED,
    "SIGTERM": TERMINATED,
    "SIGHUP": HUNG_UP,
    "SIGBREAK": INTERRUPTED,
    "port": PORT_LOST,
    "model": MISUSED,
    "over": OK,
}


@dataclass(frozen=True)
class Chosen:
    """What the arguments say of the music, all of it checked. mood: what the header says of it.

    follows: the beat is that of the file that plays the human: its bars, and its changes of tempo.
    """

    performers: list[PerformerSetup]
    song: Song
    mood: dict[str, Any]
    learning: LearningSetup | None = None
    follows: bool = False

    @property
    def performer(self) -> PerformerSetup:
        """The soloist."""
        return self.performers[0]

    @property
    def settings(self) -> Settings:
        return self.performer.settings

    @property
    def meter(self) -> Meter:
        """A new one, as the performance begins with it."""
        return Meter(self.settings.tempo, self.song.metres)


@dataclass
class Place:
    """Where it is performed. early: seconds by which notes are handed over before their time. web: the page, if there is one."""

    clock: LiveClock | OfflineClock
    inbox: Inbox
    ends: Ends | None = None
    link: Joined | None = None
    early: float = 0.0
    web: Web | None = None


def changes_of(text: str | None, metres: Metres) -> Changes | None:
    """What --changes says, over a song's metres; symbols that the model takes for others are told. Raises HarmonyError."""
    if not text:
        return None
    changes = parse_changes(text, metres)
    if told := taken_for(changes):
        print(f"improv: {told}", file=sys.stderr)
    return changes


def jam(args: argparse.Namespace) -> int:
    """Live with ports; with a file as the player; or the demo where there is no MIDI."""
    if args.mood == LIST:
        return moods(args)
    if args.manner == LIST:
        return listed(args.json)
    if args.fast and not args.player:
        raise ImprovError("--fast plays a file as fast as it computes; say which with --player FILE")
    if not 1 <= args.channel <= 16:
        raise ImprovError(f"--channel {args.channel}: expected 1 to 16")
    channels = channels_of(args.listen)
    check_length(args, "choruses")
    if args.choruses is not None and args.band is None:
        raise ImprovError(f"--choruses {args.choruses}: it says when a band ends, and there is none; add --band")
    args.harmony_port = harmony_port(args)
    if args.web is not None and args.fast:
        raise ImprovError("--web shows what is played as it is played, and --fast does not wait for that; leave one out")
    if args.web is not None and not 1 <= args.web <= 65535:
        raise ImprovError(f"--web {args.web}: expected a port from 1 to 65535")
    part = read_part(args.player) if args.player else None
    for said in part.told if part else ():
        print(f"improv: {said}", file=sys.stderr)
    api = None if args.fast else choose_api(args.api)
    if api is None and not args.fast:
        if args.source or args.target or args.harmony_port:
            raise ImprovError(f"no MIDI system here, so no port to connect to: {mend()}")
        if part is None:
            if args.clock in ("midi", "link"):
                raise ImprovError(f"--clock {args.clock} needs a MIDI system, and there is none here: {mend()}")
            part = None if args.web is not None else demo(args)
    music = _music(args, "trade", part)
    _check_writable(args.record, args.png, args.wav)
    settings, meter = music.settings, music.meter
    if settings.click and settings.click == args.channel:
        raise ImprovError(f"--click {settings.click} is the channel that improv plays on: choose another, or another --channel")
    if settings.clock in ("midi", "link") and api is None:
        raise ImprovError(
            f"--clock {settings.clock} needs a MIDI system that is in use; with --fast, or where there is none, choose another clock"
        )
    first = meter.metres.first.bar
    counted = meter.seconds(settings.count_in * first)  # a file begins with bar one
    running = MODES[settings.mode].begins or bool(settings.click or settings.count_in)
    script = None if part is None else part.followed(counted, running) if music.follows else part.script(counted)
    # What would go on for ever after the file gets eight bars more.
    endless = settings.mode == "solo" or settings.click or args.send_clock or (music.song.band and not music.song.bars)
    limit = script[-1].time + meter.seconds(8 * first) if script and endless else math.inf
    place = Place(OfflineClock(script or (), limit) if args.fast else LiveClock(script, limit), Inbox())
    with ExitStack() as stack:
        if args.web is not None:
            from improv.cli.webbed import Web

            out = sys.stderr if args.json else sys.stdout
            place.web = Web(args.web, place.inbox.put, args.target is not None, out, args.instrument, bool(args.harmony_port))
        if api is not None:
            _connect(args, music, place, api, channels, stack)
        return _perform(args, music, place)


def solo(args: argparse.Namespace) -> int:
    """Offline: improvise and write."""
    if args.mood == LIST:
        return moods(args)
    if args.manner == LIST:
        return listed(args.json)
    check_length(args, "bars", "choruses")
    if args.changes is not None and args.changes.strip().lower() == HEARD:
        raise ImprovError("--changes heard: a solo has nobody to hear; write the changes, or play: improv jam")
    music = _music(args, "solo", None)
    if music.song.band and music.song.changes is None:
        print("improv: without changes, bass and comping have no chords to play: give some with --changes or --tune", file=sys.stderr)
    _check_writable(args.out, args.png, args.wav)
    args.record, args.quiet, args.session, args.no_session = args.out, True, None, True
    return _perform(args, music, Place(OfflineClock(), Inbox()))


def _connect(args: argparse.Namespace, music: Chosen, place: Place, api: int, channels: frozenset[int] | None, stack: ExitStack) -> None:
    """Open the ports, and what else is live; all is closed as the stack is."""
    from improv.midi.fixed_ports import FixedPorts
    from improv.midi.kitted import KittedPorts
    from improv.midi.patchbay import NO_DRUMS
    from improv.midi.ports import api_name

    put = place.web.arrival if place.web else place.inbox.put
    heard = tapping(put, args.tap) if args.tap else put
    asked, sounding = (args.source, args.target), sounding_folder()
    ports = FixedPorts(
        api,
        place.clock.now,
        heard,
        *asked,
        raise_priority,
        sounding=sounding,
        channels=channels or NO_DRUMS,
        harmony=args.harmony_port,
    )
    place.ends = KittedPorts(ports, kits) if (kits := kits_of(args.kit, music.song.band)) else ports
    for event in sounds_of(music.performers) if args.target else ():
        ports.send(event)
    stack.callback(ports.close)
    place.early = _advance(args, api_name(api), ports.target) / 1000.0
    if music.settings.clock == "link":
        from improv.perform.link import Link

        link = place.link = Link(place.clock.now, place.inbox.put, music.settings.tempo, music.song.metres.first.bar)
        stack.callback(link.close)
    if not args.json:
        chords = f", chords from {ports.harmony}" if args.harmony_port else ""
        print(f"listening on {ports.source}{chords}, playing on {ports.target}; seed {music.performer.seed}. Ctrl-C ends.", flush=True)


def _advance(args: argparse.Namespace, api: str, target: str) -> float:
    """Milliseconds by which notes are handed over early: as said, or as calibrated for this output."""
    if args.advance is not None:
        if not 0 <= args.advance <= LONGEST:
            raise ImprovError(f"--advance {args.advance:g}: expected 0 to {LONGEST:g} ms")
        return float(args.advance)
    stored = stored_advance(api, target)
    if stored and not args.json:
        print(f"notes are handed over {stored:g} ms early, as calibrated for {target}", flush=True)
    return stored or 0.0


def _music(args: argparse.Namespace, mode: str, part: Part | None) -> Chosen:
    """Everything that the arguments say about the music, checked before anything is opened."""
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "little")
    if seed < 0:
        raise ImprovError(f"--seed {seed}: expected 0 or more")
    set_changes(args)
    mood = set_tune(args) | set_manner(args) | set_mood(args, seed, part.tempo if part else None)
    chosen = {f.name: getattr(args, f.name, None) for f in fields(Settings)}
    if part and chosen["tempo"] is None:
        chosen["tempo"] = part.tempo
    members = members_of(args.band)
    settings = Settings(**{"mode": mode} | {k: v for k, v in chosen.items() if v is not None})
    settings = counted_in(settings, chosen["count_in"], members)
    if settings.clock == "host":
        raise ImprovError("--clock host is the plugin's own (improv plugin install); from here, follow a DAW with --clock midi or link")
    song, follows = _song(args, settings, part, getattr(args, "bars", None))
    model = load_model(args.model)
    learning = schooling_of(args, model)
    performer = PerformerSetup(
        "improv",
        model,
        settings,
        seed,
        channel=getattr(args, "channel", 1) - 1,
        learning=learning.learning if learning else None,
        learns=learning.header if learning else {},
        harmony=frozenset({HARMONY_INPUT}) if getattr(args, "harmony_port", None) else frozenset(),
    )
    performers = band_beside(performer, members, settings.click)
    if members:
        song = replace(song, band=tuple(p.settings.mode for p in performers))
    return Chosen(performers, song, mood, learning, follows)


def _song(args: argparse.Namespace, settings: Settings, part: Part | None, bars: int | None) -> tuple[Song, bool]:
    """What is played over, and whether the beat is that of the file that plays the human.

    Bars are as --metre says, or as the file has them; where its beat is not followed, its first metre has to do, which is told.
    """
    try:
        count, unit = map(int, args.metre.split("/")) if args.metre else (4, 4)
    except ValueError:
        raise ImprovError(f"--metre {args.metre!r}: expected two numbers, for example 3/4") from None
    follows = part is not None and settings.clock == "internal" and settings.tempo == part.tempo
    metres = Metres.of(count, unit)
    if part and not args.metre:
        metres = part.metres if follows else Metres.of(*part.metres.first.metre)
    text = wanted(args.changes)
    changes = changes_of(text, metres)
    metres = changes.metres if changes and changes.metres else metres
    if part and metres != part.metres and not part.metres.one:
        how = f"in {'/'.join(map(str, metres.first.metre))} throughout" if metres.one else "as the changes say"
        why = "with --metre" if args.metre else "with a tempo or clock of your own"
        print(f"improv: the file's metre changes, which is not followed {why}: bars are counted {how}", file=sys.stderr)
    return Song(changes, text, metres, bars), follows


def _check_writable(*paths: str | None) -> None:
    for path in filter(None, paths):
        folder = Path(path).absolute().parent
        if not folder.is_dir():
            raise ImprovError(f"{path}: there is no folder {folder}")
        if not os.access(folder, os.W_OK) or Path(path).is_dir():
            raise ImprovError(f"{path}: can't be written")


def _session_path(args: argparse.Namespace) -> Path | None:
    if args.no_session:
        return None
    if args.session:
        if Path(args.session).exists():
            raise ImprovError(f"--session {args.session}: exists already; a record is never overwritten")
        return Path(args.session)
    if args.fast:
        return None
    return default_folder() / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.jsonl"


def _perform(args: argparse.Namespace, music: Chosen, place: Place) -> int:
    """The performance, and what is written and said of it."""
    path, song, seed = _session_path(args), music.song, music.performer.seed
    header = header_of(song, music.performers, place.early) | music.mood | (titled(seed) if path else {})
    header |= {"sources": place.web.sources} if place.web else {}
    config = PerformanceConfig(music.performers, song, getattr(args, "send_clock", False), place.early)
    performance = Performance(config, place.clock, place.ends, inbox=place.inbox, link=place.link)
    shows = isinstance(place.clock, LiveClock) and not args.quiet and not args.json
    instrument = getattr(args, "instrument", "C")
    reads = performance.harmony.reads = symbols_of(instrument)
    shown, heard = as_read(song.changes, instrument), lambda: performance.harmony.now
    key = lambda: performance.harmony.key  # noqa: E731
    recorder = Recorder(path, header, shower(lambda: performance.meter, shown, heard, key, song.band, reads) if shows else None)
    take = KeptTake()
    for observer in (recorder, Screen(shows, not args.json), *([take] if args.record or args.png or args.wav else [])):
        performance.observe(observer)
    if music.learning:
        music.learning.begin(performance.put, place.clock.now, recorder.path)
    with patient(isinstance(place.clock, LiveClock)):
        end = performance.run(place.web.chores(performance, recorder, header) if place.web else ())
    summary = performance.counters.counts | {"seed": seed, "end": end["reason"]}
    summary |= {"session": str(recorder.path) if recorder.path else None, "title": header.get("title")}
    if music.learning:
        summary |= {"learned": performance.performers[0].improviser.learned_from, "profile": music.learning.end()}
    summary |= {what: end[what] for what in ("lateness_ms", "shed") if end.get(what)}
    summary |= {"mood": header["mood"]} if "mood" in header else {}
    summary["files"] = write(args, Timekeeper(music.settings, song.metres), song.changes, take, music.performers)
    print(json.dumps(summary) if args.json else told(summary))
    return EXITS.get(str(end["reason"]).split()[0], BROKEN)
