"""A jam with its page, as a user starts it, and a browser that looks at it. Nothing here waits for a time: pages tell when."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

PATIENCE = 60_000  # ms that a page may take to come to a state; a machine that is busy takes its time
FAKE_MIDI = """
const input = { id: "in", name: "Fake keyboard", state: "connected", onmidimessage: null };
const output = { id: "out", name: "Fake synth", state: "connected", sent: [], send(bytes, at) { this.sent.push([...bytes, at]); } };
const access = { inputs: new Map([["in", input]]), outputs: new Map([["out", output]]), onstatechange: null };
Object.defineProperty(navigator, "requestMIDIAccess", { value: async () => access });
globalThis.fakeMidi = { output, send: (...bytes) => input.onmidimessage({ data: new Uint8Array(bytes), timeStamp: performance.now() }) };
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class WebJam:
    """`improv jam --web` in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "JACK_NO_START_SERVER": "1"}
        environment |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "improv", "jam", "--web", str(free_port()), "--seed", "7", "--tempo", "160", "--quiet", *options]
        self.told: list[str] = []
        self.program = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
        )
        try:
            self.link = self._told("the page: ")
            self.watch_link = self._told("to watch only: ")
        except BaseException:
            self.close()
            raise

    def _told(self, before: str) -> str:
        """What the terminal says after some words."""
        assert self.program.stdout is not None
        for line in self.program.stdout:
            self.told.append(line)
            if line.startswith(before):
                return line.removeprefix(before).strip()
        raise AssertionError("the jam ended: " + "".join(self.told))

    @property
    def origin(self) -> str:
        return self.link.split("/#")[0]

    def kill_server(self) -> None:
        """The server's process dies as if the system had killed it."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                command = (stat.parent / "cmdline").read_text()
            except (OSError, ValueError, IndexError):
                continue
            if parent == self.program.pid and "control.server" in command:
                os.kill(int(stat.parent.name), signal.SIGKILL)
                return
        raise AssertionError("there is no server to kill")

    def close(self) -> None:
        self.program.send_signal(signal.SIGINT)
        try:
            self.program.communicate(timeout=30)
        finally:
            self.program.kill()
            self.program.communicate()


def opened(where: Browser | BrowserContext, link: str, begin: bool = True) -> Page:
    """A page of the jam that knows the clock; begin: and has been touched, so that it may sound. In a browser: without motion, which
    costs this machine less."""
    page = where.new_page() if isinstance(where, BrowserContext) else where.new_page(reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    page.goto(link)
    page.wait_for_function("() => globalThis.improv?.store.link === 'open' && improv.link.clock.readings.length > 8")
    if begin:
        page.click(".begin")
        page.wait_for_function("() => improv.sound.running && !document.querySelector('dialog')")
    return page


def rest(page: Page, seconds: float) -> None:
    """Let the performance's clock go on for as long."""
    until = page.evaluate("(s) => improv.link.now() + s", seconds)
    page.wait_for_function("(t) => improv.link.now() >= t", arg=until)


def call(page: Page, keys: str = "QWERTYT", beat: float = 0.18) -> None:
    """Play a phrase on the computer's keys."""
    for key in keys:
        page.keyboard.down(f"Key{key}")
        rest(page, beat)
        page.keyboard.up(f"Key{key}")


def state(page: Page, expression: str) -> Any:
    return page.evaluate(f"() => {expression}")
