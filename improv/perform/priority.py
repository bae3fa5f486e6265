"""A thread's right to run when it must: real-time priority where the system grants it, and timers that fire on time.

Only for threads that sleep until they have something to do. Nothing here ever raises: without priority music plays too.
The Linux part is tested; macOS and Windows ask for what their documentation offers, best effort.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

FIFO = 60  # above what is usual for interrupts and JACK's clients, below JACK itself as most set-ups have it
NICE = -10
SLICE = 100_000  # ns: Linux 6.12 and later wake a thread that asks for short slices without waiting for the next tick; no right needed
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274, "armv7l": 380, "i686": 351}  # the system call's number
SLACK, GET_SLACK = 29, 30  # prctl: how much later than asked a timer of this thread may fire, in ns; 50,000 by default


@dataclass(frozen=True, slots=True)
class Priority:
    """What was granted. text: for people. real_time: it runs before all that is not.

    spins: whether it pays to look at the clock in the last moment instead of sleeping. A real-time thread would
    keep all others from its core, and one with short slices would use them up.
    """

    text: str
    real_time: bool = False
    spins: bool = True


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
    undone: list[Callable[[], object]] = []

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


def _linux(undone: list[Callable[[], object]]) -> Priority:
    """SCHED_FIFO, else short slices and a nice value, else neither; precise timers always."""
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
        return Priority(f"SCHED_FIFO {level}", real_time=True, spins=False)
    was = os.getpriority(os.PRIO_PROCESS, 0)  # of this thread alone, as Linux counts
    short = ", short slices instead" if _slice(SLICE, was) else ""
    if short:
        undone.append(lambda: _slice(0, was))
    try:
        os.setpriority(os.PRIO_PROCESS, 0, min(was, NICE))
    except OSError:
        return Priority(f"not granted (ulimit -r {limit}){short}; see README", spins=not short)
    undone.append(lambda: os.setpriority(os.PRIO_PROCESS, 0, was))
    return Priority(f"not granted (ulimit -r {limit}){short}, nice {min(was, NICE)}; see README", spins=not short)


def _slice(ns: int, nice: int) -> bool:
    """Ask for time slices of so long, 0 for the usual; whether the system knows the wish."""
    number = SCHED_SETATTR.get(platform.machine())
    if number is None:
        return False
    # struct sched_attr: size, policy (0: ordinary), flags, nice, priority, runtime, deadline, period
    wish = struct.pack("IIQiIQQQ", 48, 0, 0, nice, 0, ns, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, 0, ctypes.create_string_buffer(wish, len(wish)), 0) == 0)


def _mac(undone: list[Callable[[], object]]) -> Priority:
    """The class of threads that the user waits for, whose timers macOS does not put off."""
    system = ctypes.CDLL(None)
    if system.pthread_set_qos_class_self_np(0x21, 0):  # QOS_CLASS_USER_INTERACTIVE
        return Priority("not granted")
    undone.append(lambda: system.pthread_set_qos_class_self_np(0x15, 0))  # QOS_CLASS_DEFAULT
    return Priority("user-interactive (macOS gives a MIDI program no more without a deadline policy)")


def _windows(undone: list[Callable[[], object]]) -> Priority:
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
