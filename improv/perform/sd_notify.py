"""A word to the service manager that started us (systemd): ready, alive, stopping. Nothing where there is none.

The protocol is sd_notify's: a datagram of text to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Tell the manager a state, such as READY=1, WATCHDOG=1, STOPPING=1, STATUS=text. Returns whether it was told."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(state.encode(), address)
    except OSError:
        return False
    return True


def watchdog() -> float | None:
    """Seconds within which the manager wants a sign of life; None where it does not watch us."""
    try:
        within = int(os.environ["WATCHDOG_USEC"]) / 1e6
        meant = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except (KeyError, ValueError):
        return None
    return within if within > 0 and meant == os.getpid() else None
