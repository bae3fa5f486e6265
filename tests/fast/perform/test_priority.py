"""Priority: whatever the system grants, it is said, it ends with the block, and nobody inherits it."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from improv.perform.priority import priority

linux = pytest.mark.skipif(sys.platform != "linux", reason="what Linux grants can be read back")


def test_what_was_granted_is_said_in_one_line() -> None:
    with priority() as granted:
        assert granted.text
        assert "\n" not in granted.text


@linux
def test_it_ends_with_the_block_and_is_not_inherited() -> None:
    def state() -> tuple[int, int, int]:
        return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority, os.getpriority(os.PRIO_PROCESS, 0)

    before = state()
    begun: list[int] = []
    with priority() as granted:
        assert (os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO) == granted.real_time
        thread = threading.Thread(target=lambda: begun.append(os.sched_getscheduler(0)))
        thread.start()
        thread.join()
    assert state() == before
    assert begun == [os.SCHED_OTHER]


@linux
def test_where_it_is_refused_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("refused")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", refuse)
    with priority() as granted:
        assert not granted.real_time
        assert granted.text.startswith("not granted (ulimit -r ")
