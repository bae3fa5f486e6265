"""The first notes of a take, thought of while the transport stands: nobody can know when the host will start, but where is known.

They wait in the plugin, which plays them if the host starts at that place, at that tempo, and nothing was set since. The take that
begins then plays the same notes, as it begins from the same seed with nothing remembered. So it finds them announced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from improv.bridge.foresight import Announced
from improv.bridge.library import EngineSide, Flags, Record, RecordKind, TransportBlock
from improv.bridge.records import Zero, host_time, record_of, transport_of
from improv.core.events import Event, HostTime, NoteOff, NoteOn, moved
from improv.perform.clock import OfflineClock
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song

REACH = 0.5  # seconds: an engine that was just told of the start has long caught up then
MOST = 64  # events that the plugin has room for
SEVERAL = 8  # beginnings that are remembered
Music = Callable[[HostTime], tuple[Song, PerformerSetup]]


@dataclass(frozen=True, slots=True)
class Beginning:
    """number: of the set, 1 to 255. seed: that it was played with. notes: with frames since the start."""

    number: int
    seed: int
    notes: tuple[Announced, ...]

    def announced(self, record: Record, generation: int, reached: int) -> list[Announced]:
        """As the plugin has them, which has begun to play them with this record.

        generation: of now; with a newer one all are void but those before `reached`, the frame up to which the plugin has played.
        """
        notes = [replace(note, frame=note.frame + record.frame, epoch=record.epoch) for note in self.notes]
        return notes if record.generation == generation else [note for note in notes if note.frame < reached]


def config_of(song: Song, setup: PerformerSetup) -> PerformanceConfig:
    """What a take performs, and who thinks of its beginning before."""
    return PerformanceConfig([setup], song, signals=(), conducted=False)


def first_notes(song: Song, setup: PerformerSetup, first: HostTime, until: float) -> list[NoteOn | NoteOff]:
    """What a take plays up to `until` seconds if nothing is heard."""
    band = Performance(config_of(song, setup), OfflineClock()).band
    played: list[Event] = band.advance(first.time, [first])
    while len(played) < MOST and (due := band.due) is not None and due <= until:
        said = band.advance(due)
        if not said and band.due == due:
            break
        played += said
    return [event for event in played if isinstance(event, NoteOn | NoteOff) and event.time <= until][:MOST]


class Beginnings:
    """Keeps the plugin supplied. side: the mapped file. music: what would be performed from there, drawn anew each time."""

    def __init__(self, side: EngineSide, music: Music):
        self._side, self._music = side, music
        self._known: object = None  # what the latest one was prepared for
        self._latest: deque[Beginning] = deque(maxlen=SEVERAL)

    def begun(self, record: Record) -> Beginning | None:
        """The one that the plugin plays from this record on. It need not be the latest: that may have been on its way."""
        return next((one for one in self._latest if one.number == record.bytes[3]), None)

    def look(self, settled: object) -> None:
        """Prepare one, if the transport stands and something changed since the latest. settled: all that it depends on beside where
        the host is. Raises ImprovError where there is no music to be made."""
        block = self._side.look()
        if block is None or block.tempo <= 0 or block.flags & (Flags.PLAYING | Flags.OFFLINE | Flags.BYPASSED):
            return
        place = (block.position, block.tempo, block.numerator, block.denominator, str(block.bar_start), block.rate, block.epoch)
        if self._known != (known := (place, settled)):
            self._known = known
            self._prepare(block)

    def _prepare(self, block: TransportBlock) -> None:
        record, zero = transport_of(block), Zero(0, block.rate)
        record.size |= Flags.PLAYING
        first = moved(host_time(record, 0.0), 0.0)
        assert isinstance(first, HostTime)
        song, setup = self._music(first)
        number = self._latest[-1].number % 255 + 1 if self._latest else 1
        notes = first_notes(song, setup, first, _reach(block))
        beginning = Beginning(number, setup.seed, tuple(Announced(note, zero.frame_of(note.time), 0) for note in notes))
        self._latest.append(beginning)
        self._side.put(self._records(block, beginning))

    def _records(self, block: TransportBlock, beginning: Beginning) -> Sequence[Record]:
        head = Record(frame=len(beginning.notes), generation=self._side.taken, kind=RecordKind.PREPARED, epoch=block.epoch)
        head.bytes[:] = [block.numerator & 255, block.denominator & 255, 0, beginning.number]
        head.value[:2] = [block.position, block.tempo]
        records = [head]
        for note in beginning.notes:
            record = record_of(note.event, note.frame, 0, 0)
            assert record is not None
            record.kind, record.bytes[3] = RecordKind.PREPARED, beginning.number
            records.append(record)
        return records


def _reach(block: TransportBlock) -> float:
    """Seconds that are prepared: not beyond the end of a loop, where the music breaks."""
    if block.flags & Flags.LOOPING and block.loop_end > block.position:
        return min(REACH, (block.loop_end - block.position) * 60.0 / block.tempo - 1.0 / block.rate)
    return REACH
