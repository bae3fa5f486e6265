"""Tunes to play: built-in forms, and charts in files, with their key, metre, tempo, style and feel.

A built-in form is named `blues`, or `blues-bb` in another key. A file is an iReal Pro link or playlist, a lead sheet as MusicXML, or a
chart as text; behind `#` stands which song of a playlist, by its number or its title. Text may say more in lines of its own: `key: F`,
`tempo: 140`, `metre: 3/4`, `feel: straight`, `style: bossa`, `title: ...`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path

from improv.charts import ireal
from improv.charts.moving import INSTRUMENTS, key_name, key_of, moved, steps
from improv.charts.musicxml import read_lead_sheet
from improv.charts.score_limits import ScoreError
from improv.charts.score_text import is_score
from improv.charts.text import read_chart, without_headings
from improv.core.band.styles import STYLES, style_of
from improv.core.errors import ImprovError
from improv.core.harmony import HarmonyError
from improv.core.harmony.sheet import bars_of
from improv.core.metres import Metres
from improv.core.settings import SETTINGS
from improv.outside import printable, read_file

LONGEST = 2**23  # bytes of a playlist: iReal Pro's largest have some three thousand songs
HEAD = 2**12  # bytes that tell what a file is
LISTED = 12  # titles that an error lists
STRAIGHT = re.compile(r"bossa|samba|latin|even|rock|funk|pop|soul|reggae|afro|cuban|calypso|salsa|tango|baião|baiao|straight", re.I)
_HEAD = re.compile(r"^\s*#?\s*(title|key|tempo|metre|meter|time|feel|style)\s*:\s*(.*?)\s*$", re.I | re.M)


class TuneError(ImprovError):
    """A tune that isn't there or can't be read; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class NamedTune:
    """A tune. key: as it is written, empty where it isn't known. tempo, feel, style: None where the chart says none. about: in
    a few words."""

    title: str
    changes: str
    key: str = ""
    metre: tuple[int, int] = (4, 4)
    tempo: float | None = None
    feel: str | None = None
    about: str = ""
    style: str | None = None

    def in_key(self, key: str) -> NamedTune:
        """It in another key. Raises TuneError where its own isn't known, HarmonyError for a key that is none."""
        there, minor = key_of(key)
        if not self.key:
            raise TuneError(f"{self.title}: its chart doesn't say which key it is in, so it can't be moved; write a line `key: F` in it")
        here, own_minor = key_of(self.key)
        if minor and not own_minor:
            raise TuneError(f"{self.title} is in {self.key}, a major key: give a major key, for example {key_name(there, False)}")
        return replace(self, key=key_name(there, own_minor), changes=moved(self.changes, steps(here, there)))

    def read_by(self, instrument: str) -> NamedTune:
        """It as the player of a transposing instrument reads it, one of `moving.INSTRUMENTS`."""
        if not (by := INSTRUMENTS[instrument]):
            return self
        place, minor = key_of(self.key) if self.key else (0, False)
        return replace(self, key=key_name(place + by, minor) if self.key else "", changes=moved(self.changes, by))

    @property
    def bars(self) -> int:
        """Of one chorus. Raises HarmonyError for changes that can't be read."""
        return len(bars_of(self.changes))

    def __str__(self) -> str:
        said = [self.title, f"in {self.key}" if self.key else "", f"{self.bars} bars", f"{self.metre[0]}/{self.metre[1]}"]
        said += [self.feel or "", f"{self.tempo:g} bpm" if self.tempo else ""]
        return ", ".join(filter(None, said))


@lru_cache(maxsize=1)
def built_in() -> dict[str, NamedTune]:
    """The forms that come with improv, by name."""
    said = tomllib.loads(files("improv.charts").joinpath("tunes.toml").read_text(encoding="utf-8"))
    return {name: _of_table(table) for name, table in said.items()}


def _of_table(said: dict[str, str]) -> NamedTune:
    count, unit = map(int, said.get("metre", "4/4").split("/"))
    changes = said["changes"].strip()
    feel, style = said.get("feel", "swing"), said.get("style")
    return NamedTune(said["title"], changes, said["key"], (count, unit), float(said["tempo"]), feel, said["about"], style)


def tune_of(said: str, key: str | None = None) -> NamedTune:
    """The tune that somebody means: a name, or a file with `#` and a number or title. key: to play it in.

    Raises TuneError, OutsideError for a file that can't be read, HarmonyError for a key that is none.
    """
    tune = _named(said) or _in_file(said)
    return tune.in_key(key) if key else tune


def songs_in(path: Path) -> list[NamedTune]:
    """All songs of a file. Raises TuneError, OutsideError."""
    return [read() for _, read in _songs(path)]


def _songs(path: Path) -> list[tuple[str, Callable[[], NamedTune]]]:
    """The songs of a file, by their titles, each with what reads it: of a playlist of thousands, one is wanted. Raises as above."""
    blob = read_file(path, LONGEST)
    if is_score(path, blob[:HEAD]):
        return [(path.stem, lambda: _of_score(path))]
    text = blob.decode("utf-8-sig", errors="replace")
    if ireal.is_chart(text):
        return [(song.title, partial(_of_song, song)) for song in ireal.songs_of(text)]
    return [(path.stem, lambda: _of_text(text, path))]


def _of_score(path: Path) -> NamedTune:
    try:
        sheet = read_lead_sheet(path)
    except ScoreError as e:
        raise TuneError(f"{path}: {e}") from None
    feel = "straight" if STRAIGHT.search(sheet.words) else None
    style = _style(sheet.words, feel, sheet.tempo) if any(re.search(s.words, sheet.words.lower()) for s in STYLES.values()) else None
    return NamedTune(
        printable(sheet.title), sheet.changes, sheet.key, sheet.metre, _tempo(sheet.tempo), feel, printable(sheet.words, 60), style
    )


def _named(said: str) -> NamedTune | None:
    """A built-in form, in its own key or in the one behind its name."""
    known, name = built_in(), said.strip().lower().replace(" ", "-")
    if name in known:
        return known[name]
    form, _, key = name.rpartition("-")
    if form not in known:
        return None
    try:
        return known[form].in_key(key + ("m" if known[form].key.endswith("m") and not key.endswith("m") else ""))
    except HarmonyError:
        return None


def _in_file(said: str) -> NamedTune:
    path, _, which = said.rpartition("#") if "#" in said and not Path(said).exists() else (said, "", "")
    if not Path(path).exists():
        near = ", ".join(built_in())
        raise TuneError(f"--tune {printable(said)}: no built-in form and no file of that name; the forms are {near}")
    songs = _songs(Path(path))
    if not songs:
        raise TuneError(f"{path}: no song in it")
    if not which:
        return songs[0][1]()
    if which.isdecimal():
        if not 1 <= int(which) <= len(songs):
            raise TuneError(f"{path}: there is no song {which} in it; it has {len(songs)}")
        return songs[int(which) - 1][1]()
    plain = _plain(which)
    found = [s for s in songs if _plain(s[0]) == plain] or [s for s in songs if plain in _plain(s[0])]
    if not found:
        some = ", ".join(printable(title, 60) for title, _ in songs[:LISTED]) + (", ..." if len(songs) > LISTED else "")
        raise TuneError(f"{path}: no song in it is called {printable(which, 60)}; it has {some}")
    return found[0][1]()


def _plain(title: str) -> str:
    return re.sub(r"\W+", "", title).lower()


def _of_song(song: ireal.IrealSong) -> NamedTune:
    """A song of a playlist, as far as it can be read; what is wrong with its changes shows as it is played."""
    key = song.key[:-1] + "m" if song.key.endswith("-") else song.key
    feel = "straight" if STRAIGHT.search(song.style) else "swing"
    changes, metre = ireal.changes_of(song.signs, marked=True)
    return NamedTune(printable(song.title), changes, key, metre, _tempo(song.tempo), feel, song.style, _style(song.style, feel, song.tempo))


def _of_text(text: str, path: Path) -> NamedTune:
    """A chart as text."""
    heads = {name.lower(): value for name, value in _HEAD.findall(text)}
    chart = _HEAD.sub("", text)
    metre = heads.get("metre") or heads.get("meter") or heads.get("time") or "4/4"
    try:
        count, unit = map(int, metre.split("/"))
        metres = Metres.of(count, unit)
        tempo = float(heads["tempo"].split()[0]) if heads.get("tempo") else None
        key = key_name(*key_of(heads["key"])) if heads.get("key") else ""
    except (ValueError, ImprovError) as e:
        raise TuneError(f"{path}: {e}") from None
    changes, unknown = read_chart(chart, metres, path.stem)
    if changes is None or unknown:
        odd = f" ({', '.join(printable(word, 20) for word in list(unknown)[:5])})" if unknown else ""
        raise TuneError(f"{path}: these are no changes{odd}; write for example: Dm7 | G7 | Cmaj7 | %")
    said = heads.get("feel") or heads.get("style") or ""
    feel = said if said in ("swing", "straight", "any") else ("straight" if STRAIGHT.search(said) else "swing") if said else None
    title, style = printable(heads.get("title") or path.stem), _style(heads.get("style") or "", feel, tempo)
    return NamedTune(title, without_headings(chart), key, (count, unit), _tempo(tempo), feel, "", style)


def _style(said: str, feel: str | None, tempo: float | None) -> str | None:
    """The style that a chart's word means; None where it says none."""
    return style_of(said, feel, tempo or SETTINGS["tempo"].default).name if said.strip() else None


def _tempo(said: float | None) -> float | None:
    low, high = SETTINGS["tempo"].limits
    return said if said is not None and float(low) <= said <= float(high) else None
