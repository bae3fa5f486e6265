"""What is printed while music plays holds nobody up: not before a terminal that stands still, nor before one that is gone."""

from __future__ import annotations

import os
import re
import sys
import threading

import pytest

from improv.cli.terminal import MOST, patient

LINES = 2 * MOST


def numbered(monkeypatch: pytest.MonkeyPatch, read: int, write: int) -> list[str]:
    """Lines that are printed into a pipe which nobody reads before all are printed; what is read then."""
    seen: list[bytes] = []

    def take() -> None:
        while more := os.read(read, 1 << 16):
            seen.append(more)

    reader = threading.Thread(target=take)
    with open(write, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with patient():
            for n in range(LINES):
                print(f"{n:6}", "♭" * 30, flush=True)
            reader.start()
        print("after", flush=True)
    reader.join()
    return b"".join(seen).decode().splitlines()


def test_a_terminal_that_stands_still_gets_what_fits_and_is_told_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    *lines, last = numbered(monkeypatch, *os.pipe())
    told = [
        match[1] for line in lines if (match := re.fullmatch(r"improv: (\d+) lines were left out, since the terminal stood still", line))
    ]
    shown = [int(line[:6]) for line in lines if not line.startswith("improv: ")]
    assert shown == sorted(set(shown))
    assert MOST <= len(shown) < LINES
    assert sum(map(int, told)) == LINES - len(shown)
    assert len(lines) == len(told) + len(shown)
    assert last == "after"


def test_a_terminal_that_is_gone_is_not_waited_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        encoding, errors = "utf-8", "strict"
        tried = 0

        def fileno(self) -> int:
            raise OSError

        def write(self, text: str) -> int:
            self.tried += 1
            raise OSError("gone")

    gone = Gone()
    monkeypatch.setattr(sys, "stdout", gone)
    with patient():
        print("one")
        print("this is said", file=sys.stderr)
        print("two")
    assert gone.tried == 1
    assert capsys.readouterr().err == "this is said\n"


def test_an_offline_take_waits_for_whoever_reads() -> None:
    before = sys.stdout
    with patient(live=False):
        assert sys.stdout is before
