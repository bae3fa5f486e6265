"""A thread's right to run when it must: real-time priority where the system grants it, and timers that fire on time.

Only for threads that sleep until they have something to do. Nothing here ever raises: without priority music plays too.
The Linux part is tested; macOS and Windows ask for what their documentation offers, best effort.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

FIFO = 60  # above what is usual for interrupts and JACK's clients, below JACK itself as most set-ups have it
NICE = -10
SLACK, GET_SLACK = 29, 30  # prctl: how much later than asked a timer of this thread may fire, in ns; 50,000 by default


@dataclass(frozen=True, slots=True)
class Priority:
    """What was granted. text: for people. real_time: it runs before all that is not; such a thread must never spin."""

    text: str
    real_time: bool = False


@contextmanager
def priority() -> Iterator[Priority]:
    """The highest priority that this thread is granted, until the block is left. Threads begun within don't inherit it."""
    granted, undo = raise_priority()
    try:
        yield granted
    finally:
        undo()


def raise_priority() -> tuple[Priority, Callable[[], None]]:
    """Raise this thread's priority for good; returns what was granted, and what undoes it."""
    undone: list[Callable[[], None]] = []

    def undo() -> None:
        while undone:
            with suppress(Exception):
                undone.pop()()

    try:
        ask = {"linux": _linux, "darwin": _mac, "win32": _windows}.get(sys.platform)
        granted = ask(undone) if ask else Priority(f"not asked for on {sys.platform}")
    except (OSError, AttributeError) as e:  # an old or cut-down system library
        granted = Priority(f"not granted ({e})")
    return granted, undo


def _linux(undone: list[Callable[[], None]]) -> Priority:
    """SCHED_FIFO, else a nice value, else neither; precise timers always."""
    import resource

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    before = prctl(GET_SLACK, 0, 0, 0, 0)
    if prctl(SLACK, 1, 0, 0, 0) == 0 and before > 0:
        undone.append(lambda: prctl(SLACK, before, 0, 0, 0))
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    limit = 99 if limit < 0 else limit
    policy, usual = os.sched_getscheduler(0), os.sched_getparam(0)
    for level in dict.fromkeys((FIFO, min(FIFO, limit))):
        if level < 1:
            continue
        try:
            # Reset on fork: whatever this thread starts is an ordinary thread or process.
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(level))
        except OSError:
            continue
        undone.append(lambda: os.sched_setscheduler(0, policy, usual))
        return Priority(f"SCHED_FIFO {level}", real_time=True)
    try:
        was = os.getpriority(os.PRIO_PROCESS, 0)  # of this thread alone, as Linux counts
        os.setpriority(os.PRIO_PROCESS, 0, min(was, NICE))
    except OSError:
        return Priority(f"not granted (ulimit -r {limit}); see README")
    undone.append(lambda: os.setpriority(os.PRIO_PROCESS, 0, was))
    return Priority(f"not granted (ulimit -r {limit}), nice {min(was, NICE)} instead; see README")


def _mac(undone: list[Callable[[], None]]) -> Priority:
    """The class of threads that the user waits for, whose timers macOS does not put off."""
    system = ctypes.CDLL(None)
    if system.pthread_set_qos_class_self_np(0x21, 0):  # QOS_CLASS_USER_INTERACTIVE
        return Priority("not granted")
    undone.append(lambda: system.pthread_set_qos_class_self_np(0x15, 0))  # QOS_CLASS_DEFAULT
    return Priority("user-interactive (macOS gives a MIDI program no more without a deadline policy)")


def _windows(undone: list[Callable[[], None]]) -> Priority:
    """The highest priority within an ordinary program, and timers of 1 ms instead of 15.6."""
    libraries = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    kernel, timers = libraries.kernel32, libraries.winmm
    kernel.GetCurrentThread.restype = ctypes.c_void_p
    kernel.SetThreadPriority.argtypes = [ctypes.c_void_p, ctypes.c_int]
    if timers.timeBeginPeriod(1) == 0:
        undone.append(lambda: timers.timeEndPeriod(1))
    if not kernel.SetThreadPriority(kernel.GetCurrentThread(), 15):  # THREAD_PRIORITY_TIME_CRITICAL
        return Priority("not granted")
    undone.append(lambda: kernel.SetThreadPriority(kernel.GetCurrentThread(), 0))
    return Priority("time-critical")
