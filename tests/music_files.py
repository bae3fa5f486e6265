"""Charts, scores and MIDI files as strangers make them, and what reads each. See `readers`."""

from __future__ import annotations

import io
import itertools
import random
import urllib.parse
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import midi_bytes as smf
from mutating import spoilt, strange_file
from refusing import refused

from improv.charts.ireal import shuffled
from improv.core.events import NoteOff, NoteOn
from improv.core.vocabulary import Vocabulary
from improv.midi.files import read_part
from improv.midi.smf import MidiFileError
from improv.train.corpus import read_corpus
from improv.train.errors import CorpusError

DAY = 86400.0  # seconds that a file may last
Reader = Callable[[random.Random, Path], str]


def read_for_training(path: Path) -> str:
    """What `improv train` makes of a file."""
    try:
        reading = read_corpus([path], Vocabulary(), split_seed=None, map=map)
    except CorpusError as e:
        return refused(e, str(path))
    for line in reading.skipped:
        assert "\n" not in line
        assert path.name in line
    for piece in reading.pieces:
        assert len(piece.values) == len(piece.contexts) >= 2
    return "read"


# MIDI files

PLACES = [
    b"",
    bytes(4),
    b"\xff\xff\xff\x7f",
    b"\xff\x2f\x00",
    b"\xff\x51\x03\x00\x00\x00",
    b"\xff\x59\x02\xee\x55",
    b"\xf0\x83\xff\x7f",
    b"MTrk",
]


def midi_file(r: random.Random) -> bytes:
    """A good file of a few tracks, changed in some places."""
    tracks = [
        smf.tempo(r.choice([500_000, 1, 0, 2**24 - 1]))
        + smf.metre(r.choice([4, 3, 0, 255]), r.choice([2, 3, 255]))
        + smf.notes([r.randrange(128) for _ in range(r.choice([0, 1, 8, 60]))], r.choice([0, 1, 240, 2**27]), r.randrange(16))
        for _ in range(r.choice([1, 2, 5]))
    ]
    blob = smf.smf(*tracks, division=r.choice([480, 480, 1, 0, 0x7FFF, 0xE728, 0x8000]))
    for _ in range(r.choice([0, 1, 2, 8])):
        fate, at = r.randrange(6), r.randrange(len(blob) + 1)
        if fate == 0 and blob:
            blob = spoilt(r, blob)
        elif fate == 1:
            blob = blob[:at] + r.choice(PLACES) + blob[at:]
        elif fate == 2:
            blob = blob[:at] + r.choice(PLACES) + blob[at + r.choice([1, 4]) :]
        elif fate == 3:  # what the header or a chunk says of itself
            at = r.choice([4, 8, 10, 12, 18])
            blob = blob[:at] + r.randbytes(r.choice([1, 2, 4])) + blob[at + r.choice([1, 2, 4]) :]
        elif fate == 4:
            blob = (
                b"RIFF" + len(blob).to_bytes(4, "little") + b"RMIDdata" + r.choice([len(blob), 0, 2**32 - 1]).to_bytes(4, "little") + blob
            )
        else:
            piece = blob[at : at + r.choice([1, 20, 300])]
            blob = blob[:at] + piece * r.choice([2, 200]) + blob[at:]
    return blob


def midi_files(r: random.Random, folder: Path) -> str:
    path = folder / "strange.mid"
    path.write_bytes(midi_file(r))
    if r.random() < 0.03:
        strange_file(r, path)
    trained = read_for_training(path)
    try:
        part = read_part(path)
    except MidiFileError as e:
        return f"{refused(e, str(path))} by jam, {trained} by train"
    for line in part.told:
        assert line.isprintable(), repr(line)
        assert str(path) in line
    times = [e.time for e in part.events]
    assert all(b > a - 1e-9 for a, b in itertools.pairwise(times))
    assert times[-1] - times[0] <= DAY, f"it lasts {times[-1] - times[0]:.0f} s"
    down = sum(isinstance(e, NoteOn) - isinstance(e, NoteOff) for e in part.events)
    assert down == 0, f"{down} notes are not ended"
    return f"read by jam, {trained} by train"


# Charts

CHANGES = "Dm7 | G7 | Cmaj7 | A7 / Ebdim7 | F#m7b5 B7alt | E-^7 | NC | Bb13(#11)/D"
SIGNS = (
    "*A{T44C^7   |A-7   D7   |N1G^7 |x  }  |N2G^7  |r|<D.C. al Coda>[S*BD-7 ,G7,|QC6/9  |sC7,lE7b9#5/G#,|<3x>{F^7|pp |n W/A}<Fine>LZQKcl Z"
)
LINK = "irealb://{title}=Composer=Medium Swing=C=n=1r34LbKcu7{signs}=Jazz=120=3"
BOOK = "irealbook://{title}=Composer=Medium Swing=C=n={signs}"
CHORDS = [*"C%{}[]Z|<>SQxrW*()\0△", "F#m7b5/A", "Xyz", "N1", "//", "||", "T00", "T99", "D.S. al 3rd end", "𝄫"]
LINKS = [*CHORDS, "=", "===", "irealb://", "%00", "&#0;", "&amp;" * 50, '"']


def changed_text(r: random.Random, text: str, words: list[str]) -> str:
    for _ in range(r.choice([1, 2, 5, 20])):
        at = r.randrange(len(text) + 1)
        fate = r.randrange(5)
        if fate == 0:
            text = text[:at] + r.choice(words) + text[at:]
        elif fate == 1:
            text = text[:at] + text[at + r.choice([1, 3, 10]) :]
        elif fate == 2:
            text = text[:at] + text[at : at + r.choice([1, 5, 30])] * r.choice([2, 10, 2000]) + text[at:]
        elif fate == 3:
            text = text[:at] + chr(r.choice([0, 9, 10, 27, 0x202E, 0xE9, 0x1F3B9, r.randrange(32, 127)])) + text[at + 1 :]
        else:
            text = text[:at] + r.choice(words) * r.choice([10, 1000]) + text[at:]
    return text[: 2**21]


def in_blocks(signs: str) -> str:
    """As iReal Pro shuffles them."""
    blocks = [signs[i : i + 50] for i in range(0, len(signs), 50)]
    return "".join(shuffled(b) if len(b) == 50 and i + 1 < len(blocks) else b for i, b in enumerate(blocks))


def charts(r: random.Random, folder: Path) -> str:
    """Beside a MIDI file, as `improv train` finds them."""
    kind = r.choice([".changes", ".txt", ".irealb", ".html"])
    if kind in (".changes", ".txt"):
        text = changed_text(r, "\n".join([CHANGES] * r.choice([1, 4, 300])), CHORDS)
    else:
        song = LINK.format(title="It's you", signs=in_blocks(changed_text(r, SIGNS * r.choice([1, 3]), CHORDS)))
        if r.random() < 0.3:
            song = BOOK.format(title="strange", signs=changed_text(r, SIGNS, CHORDS))
        text = r.choice([urllib.parse.quote, lambda text: text])("===".join([song] * r.choice([1, 3, 100])))
        text = changed_text(r, text, LINKS) if r.random() < 0.5 else text
        if kind == ".html":
            text = f'<html><body><a href="{text}">It</a></body></html>'
    path = folder / "strange.mid"
    path.write_bytes(smf.smf(smf.notes(smf.LINE * 4)))
    blob = text.encode(r.choice(["utf-8", "utf-8", "utf-16", "latin-1"]), errors="replace")
    path.with_suffix(kind).write_bytes(spoilt(r, blob) if r.random() < 0.2 else blob)
    if r.random() < 0.03:
        strange_file(r, path.with_suffix(kind))
    return read_for_training(path)


# Scores

SCORE = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><work><work-title>Strange</work-title></work>
<part-list><score-part id="P1"><part-name>Sax</part-name><score-instrument id="P1-I1"><instrument-name>Alto</instrument-name>
</score-instrument><midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>66</midi-program></midi-instrument></score-part>
<score-part id="P2"><part-name>Bass</part-name></score-part></part-list>
<part id="P1"><measure number="0" implicit="yes"><attributes><divisions>12</divisions><key><fifths>-3</fifths></key>
<time><beats>4</beats><beat-type>4</beat-type></time><transpose><diatonic>-5</diatonic><chromatic>-9</chromatic></transpose></attributes>
<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>140</per-minute></metronome></direction-type>
<sound tempo="140"/></direction>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>12</duration><type>quarter</type></note></measure>
<measure number="1"><barline location="left"><repeat direction="forward"/></barline>
<harmony><root><root-step>C</root-step><root-alter>1</root-alter></root><kind text="m7b5">half-diminished</kind>
<degree><degree-value>9</degree-value><degree-alter>-1</degree-alter><degree-type>add</degree-type></degree></harmony>
<note><pitch><step>E</step><alter>-1</alter><octave>5</octave></pitch><duration>8</duration><type>quarter</type>
<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification></note>
<note><grace/><pitch><step>A</step><octave>4</octave></pitch><type>eighth</type></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>16</duration><tie type="start"/></note>
<note><chord/><pitch><step>F</step><octave>5</octave></pitch><duration>16</duration></note>
<backup><duration>12</duration></backup><forward><duration>12</duration></forward>
<note><rest/><duration>12</duration></note></measure>
<measure number="2"><barline location="left"><ending number="1" type="start"/></barline>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>48</duration><tie type="stop"/></note>
<barline location="right"><ending number="1" type="stop"/><repeat direction="backward" times="3"/></barline></measure></part>
<part id="P2"><measure number="1"><attributes><divisions>1</divisions><clef><sign>F</sign><line>4</line></clef></attributes>
<note><pitch><step>C</step><octave>2</octave></pitch><duration>4</duration></note></measure></part></score-partwise>"""
NUMBERS = ["0", "-1", "1", "255", "1e308", "nan", "4294967296", "9" * 400, "", "x", "1/3", "0.0000001", "12+3+" * 10 + "1"]
PIECES = [
    "<note/>", "<measure/>", "<measure number='1'>", "</part>", "<harmony/>", "<x>" * 3000, "&lol;", "&#0;", "<![CDATA[", "<!--", "<?x?>",
    "<sound tempo='0'/>", "<sound tempo='-1e400'/>", "<note><rest/><duration>99999999</duration></note>", "<time><beats>3+2</beats></time>",
    "<harmony><root><root-step>H</root-step></root><kind>pedal</kind></harmony>", "<note><unpitched/><duration>4</duration></note>",
    "<time-modification><actual-notes>0</actual-notes><normal-notes>0</normal-notes></time-modification>",
]  # fmt: skip
BOMB = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">{more}]>'
MORE = "".join(f'<!ENTITY {b} "{f"&{a};" * 8}">' for a, b in zip("cdefgh", "defghi", strict=True))
CONTAINER = '<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'


def score(r: random.Random) -> str:
    """A good score, changed in some places."""
    text = SCORE
    for _ in range(r.choice([0, 1, 2, 5])):
        fate = r.randrange(6)
        ends = [i for i, c in enumerate(text) if c == ">"]
        at = r.choice(ends) + 1 if ends else 0
        if fate == 0:  # a number
            places = [i for i in range(1, len(text)) if text[i].isdigit() and not text[i - 1].isdigit()]
            at = r.choice(places) if places else 0
            text = text[:at] + r.choice(NUMBERS) + text[at + 1 :]
        elif fate == 1:
            text = text[:at] + r.choice(PIECES) + text[at:]
        elif fate == 2:  # an element is gone, or there often
            end = r.choice(ends) + 1 if ends else 0
            at, end = min(at, end), max(at, end)
            text = text[:at] + text[at:end] * r.choice([0, 2, 5]) + text[end:]
        elif fate == 3:
            text = changed_text(r, text, PIECES)
        elif fate == 4:
            text = text.replace("<work>", f"<work>{r.choice(['&i;', '&x;'])}").replace(
                "<score-partwise", BOMB.format(more=MORE + '<!ENTITY x SYSTEM "file:///etc/passwd">') + "<score-partwise", 1
            )
        else:
            text = text[: r.randrange(len(text) + 1)]
    return text[: 2**20]


def archive(r: random.Random, blob: bytes) -> bytes:
    """A score packed as .mxl, its container and the archive changed."""
    name = r.choice(["score.musicxml", "score.musicxml", "/etc/passwd", "../../x.xml", "a" * 5000, "META-INF/container.xml", ""])
    packed = io.BytesIO()
    way = r.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(packed, "w", way) as file, warnings.catch_warnings(action="ignore"):  # of names that are there twice
        container = CONTAINER.format(path=r.choice([name, name, "nowhere.xml"]))
        file.writestr("META-INF/container.xml", spoilt(r, container.encode()) if r.random() < 0.2 else container)
        file.writestr(name or "x", blob + bytes(r.choice([0, 0, 30_000_000])))
    made = packed.getvalue()
    return spoilt(r, made) if r.random() < 0.3 else made


def scores(r: random.Random, folder: Path) -> str:
    text = score(r)
    blob = text.encode(r.choice(["utf-8", "utf-8", "utf-16", "latin-1"]), errors="replace")
    packed = r.random() < 0.4
    path = folder / ("strange.mxl" if packed else "strange.musicxml")
    path.write_bytes(archive(r, blob) if packed else spoilt(r, blob) if r.random() < 0.1 else blob)
    if r.random() < 0.03:
        strange_file(r, path)
    return read_for_training(path)


MUSIC: dict[str, Reader] = {"midi": midi_files, "charts": charts, "scores": scores}
