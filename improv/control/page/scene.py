"""How the performance stands, as pages are told it: made of the status and of what the tap tells; and what of it is new. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from improv.charts.moving import INSTRUMENTS, moved
from improv.control.page.charts import NO_CHART, chart_of, chord_at, tone_of
from improv.control.page.messages import Scene
from improv.control.page.parts import Beat, ChartChord, InputInfo, LatenessNow, PerformerInfo, Tone, TurnNow
from improv.control.status import Status
from improv.core.harmony import HarmonyError
from improv.core.harmony.spelling import parse_key
from improv.core.metres import Metres
from improv.core.settings import SETTINGS

COUNTED = ("heard", "played", "filled", "dropped", "guarded")
OWN = ("internal", "free")  # clocks that wait for nobody
NOTHING = ChartChord(0.0, "")


class SceneNow:
    """performers: names, by number; channels: theirs, 0-15."""

    def __init__(self, performers: Sequence[str], channels: Sequence[int]) -> None:
        self._performers, self._channels = performers, channels
        self._now: dict[str, Any] = {"chart": NO_CHART}
        self._new: set[str] = set()
        self._status = Status()
        self._house: dict[str, Any] = {}
        self._turns: dict[str, TurnNow] = {}

    @property
    def news(self) -> bool:
        return bool(self._new)

    @property
    def bar(self) -> float:
        """Quarter notes."""
        return float(self._house.get("bar", 4.0))

    @property
    def metres(self) -> Metres:
        """Of the song, as it begins."""
        return Metres.of(*self._house.get("metre", (4, 4)))

    def changed(self) -> Scene:
        """What is new since this was last asked."""
        fields = {name: self._now[name] for name in self._new}
        self._new.clear()
        return Scene(**fields)

    def whole(self, lost: bool = False, **more: Any) -> Scene:
        return Scene(whole=True, lost=lost, **self._now | more)

    def tell(self, **fields: Any) -> None:
        """Fields of a Scene, of which some may be as they were."""
        for name, value in fields.items():
            if name not in self._now or self._now[name] != value:
                self._now[name] = value
                self._new.add(name)

    def tone(self, pitch: int, time: float) -> Tone | None:
        """What a pitch is to the chord at a time."""
        chart, beat = self._now["chart"], self._now.get("beat")
        if not chart.chords:
            return tone_of(pitch, self._now.get("chord"))
        if beat is None:
            return None
        position = beat.position + ((time - beat.time) * beat.tempo / 60 if beat.running else 0.0)
        return tone_of(pitch, chord_at(chart, position))

    # What comes

    def status(self, status: Status) -> None:
        self._status = status
        late, spread = status.lateness_histogram, status.lateness_ms
        self.tell(
            waits=status.waits or status.harmony or "",
            spelling=spelling(status.key),
            missing=missing(status),
            lateness=LatenessNow(late.le, tuple(int(n) for n in late.counts), spread.p50, spread.p99, spread.max),
            counts={name: getattr(status, name) for name in COUNTED},
            performers={name: self._performer(name, p) for name, p in status.performers.items()},
            inputs={name: InputInfo(i.port, i.there, i.echo) for name, i in status.inputs.items()},
            since=status.since or "",
        )
        beat = self._now.get("beat")
        if beat is not None:
            self._tell_beat(beat.time, beat.position, beat.tempo, beat.running, beat.bar, beat.beat)

    def house(self, news: Mapping[str, Any]) -> None:
        """What changes rarely, as `page_end` tells it: what is other than before."""
        self._house |= news
        bar = self.bar
        told = {name: news[name] for name in ("title", "session", "learning") if name in news}
        told |= {name: tuple(news[name]) for name in ("presets", "bookmarks", "learned", "metre") if name in news}
        if "bar" in news:
            told["bar"] = bar
        if "changes" in news or "bar" in news:
            told["chart"] = chart_of(self._house.get("changes"), bar)
            if told["chart"].chords:
                told["chord"] = NOTHING
        self.tell(**told)

    def sounding(self, text: str) -> str:
        """Changes as they sound, of those that a player writes in the key of his instrument. What can't be read stays as it is."""
        by = INSTRUMENTS[self._house.get("instrument", "C")]
        try:
            return moved(text, -by) if by else text
        except HarmonyError:
            return text

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of the tap; those that tell of notes are passed over."""
        for kind, *row in rows:
            if kind == "beat":
                self._tell_beat(*row)
            elif kind == "chord":
                symbol, root, tones, scale = row
                self.tell(chord=ChartChord(0.0, symbol, tuple(tones), tuple(scale), root) if root is not None else NOTHING)
            elif kind == "plan":
                number, whose, _, enters, on_beat, over = row
                if 0 <= number < len(self._performers):
                    self._turns[self._performers[number]] = turn_now(whose, enters, on_beat, over)
                    self.tell(turns=dict(self._turns))

    def _tell_beat(self, time: float, position: float, tempo: float, running: bool, bar: int, beat: float) -> None:
        status = self._status
        clock, sure = status.clock or "internal", status.sure if status.sure is not None else 1.0
        self.tell(beat=Beat(time, position, tempo, running, bar, round(beat, 3), sure, clock, lock(clock, running, sure)))

    def _performer(self, name: str, told: Any) -> PerformerInfo:
        settings = {row.name: told.settings.get(row.name, row.default) for row in SETTINGS.values()}
        number = self._performers.index(name) if name in self._performers else 0
        channel = self._channels[number] + 1 if number < len(self._channels) else 1
        return PerformerInfo(number, told.mode or "", told.model or "", settings, channel, told.port, told.there, told.waits)


def spelling(key: str | None) -> tuple[str, ...]:
    """The names of the pitch classes in a key, with signs as they are printed; none where it isn't known."""
    try:
        names = parse_key(key).name if key else None
    except HarmonyError:
        return ()
    return tuple(names(pitch).replace("b", "♭").replace("#", "♯") for pitch in range(12)) if names else ()


def lock(clock: str, running: bool, sure: float) -> str:
    """How a clock stands, in words."""
    if clock in OWN:
        return ""
    if not running:
        return "waits for the clock" if clock == "midi" else "waits for the beat"
    return "locked" if sure >= 0.9 else f"sure to {sure:.0%}"


def missing(status: Status) -> tuple[str, ...]:
    """Ports that are away, and inputs that are not listened to."""
    gone = [f"input {name} ({part.port or 'virtual'})" for name, part in status.inputs.items() if not part.there and name != "page"]
    gone += [f"output of {name} ({part.port or 'virtual'})" for name, part in status.performers.items() if not part.there]
    gone += [f"input {name} brings back what improv plays: not listened to" for name, part in status.inputs.items() if part.echo]
    return tuple(gone)


def turn_now(whose: Any, enters: float | None, on_beat: float | None, over: float | None) -> TurnNow:
    """Whose turn it is, and why, for people."""
    if enters is None:
        why = {"player": "your turn", "improv": "improv plays", "both": "both play"}.get(whose, "")
        return TurnNow(whose, why)
    beat = f"enters on beat {on_beat:.3g}" if on_beat is not None else "enters"
    why = f"phrase over at {over:.2f}, {beat}" if over is not None else beat
    return TurnNow(whose, why, None if over is None else round(over, 3), enters, on_beat)
