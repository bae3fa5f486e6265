"""OSC over UDP and the metrics over HTTP: the two that other machines can reach, if the configuration says so."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from improv.control.requests import Bucket, Reply, RequestError, read_request
from improv.control.server.metrics import KIND, exposition
from improv.control.server.osc import Message, OscError, read_packet, write_message
from improv.control.server.osc_addresses import Network, allowed, asked, loopback, networks, opened, told
from improv.control.server.server_end import ServerEnd
from improv.control.status import Status
from improv.core.errors import ImprovError

Sender = tuple[Any, ...]  # address, port, and for IPv6 more
MOST_TOLD = 200.0  # notes a second of which it is told how surprising they are
ERRORS = 10.0  # replies a second that say what was wrong
REQUESTS = 16  # HTTP requests that are answered at once
HALVES = 16  # that are only half said at once; of more, the oldest of the address that has most of them is shown out
PATIENCE = 5.0  # seconds for one
HEAD = 8192  # bytes of one


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and to whom: `secret` must be said, the sender be on `allow`; where both are, both."""

    listen: str
    port: int
    secret: str | None = None
    allow: tuple[Network, ...] = ()


def read_listening(section: object, name: str, demanding: bool) -> Listening | None:
    """A section of the configuration; None where there is none. demanding: refuse to be open to all. Raises RequestError."""
    if section is None:
        return None
    if not isinstance(section, dict) or not isinstance(section.get("port"), int):
        raise RequestError(f"{name}: expected listen and port")
    allow: Sequence[str] = [str(a) for a in section.get("allow") or ()]
    listening = Listening(str(section.get("listen") or "127.0.0.1"), section["port"], section.get("secret") or None, networks(allow))
    if demanding and not loopback(listening.listen) and not listening.secret and not listening.allow:
        raise RequestError(
            f"{name}: {listening.listen} can be reached from other machines; give it a `secret`, or `allow` the addresses that may send"
        )
    return listening


class OscServer(asyncio.DatagramProtocol):
    """Each message becomes a request or is answered from the status. Who may not send hears nothing."""

    def __init__(self, end: ServerEnd, listening: Listening) -> None:
        self._end, self._listening = end, listening
        self._loop = asyncio.get_running_loop()
        self._errors = Bucket(ERRORS, ERRORS)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # it is one; Python 3.11's own is no subclass

    def datagram_received(self, packet: bytes, sender: Sender) -> None:
        if not allowed(str(sender[0]), self._listening.allow):
            self._end.counts["refused"] += 1
            return
        try:
            messages = read_packet(packet)
        except OscError:
            self._end.counts["osc_bad"] += 1
            return
        for message in messages:
            plain = opened(message, self._listening.secret)
            if plain is None:
                self._end.counts["refused"] += 1
                continue
            try:
                self._obey(plain, sender)
            except ImprovError as e:
                self._end.counts["osc_bad"] += 1
                self._tell_wrong(str(e), sender)

    def _obey(self, message: Message, sender: Sender) -> None:
        request = asked(message, self._end.performers)
        self._end.counts["osc_messages"] += 1
        if request is None:
            return
        if request["do"] == "get":
            to = (sender[0], request.get("port", sender[1]), *sender[2:])
            self._send(told(request, self._end.status or Status()), to)
            return

        def replied(reply: Reply) -> None:
            if reply.get("ok") is not True:
                self._tell_wrong(str(reply.get("error", "refused")), sender)
            elif taken := reply.get("taken"):
                self._send(Message("/improv/taken", (str(taken)[:256],)), sender)

        self._end.offer(read_request(request, self._end.performers), "osc", replied)

    def _tell_wrong(self, text: str, to: Sender) -> None:
        if self._errors.passes(self._loop.time()):
            self._send(Message("/improv/error", (text[:256],)), to)

    def _send(self, message: Message, to: Sender) -> None:
        transport = self._transport
        if transport and not transport.is_closing() and _unsent(transport) < HEAD:
            transport.sendto(write_message(message.address, *message.arguments), to)

    def error_received(self, exc: Exception) -> None:
        """A reply that could not be delivered: the sender listens no more. Nothing to do."""


class SurpriseSender(asyncio.DatagramProtocol):
    """Tells one address how surprising each note is, MOST_TOLD notes a second at the most; what `surprises` tells more is left out.

    /improv/surprise/played BITS PITCH PERFORMER     a performer's note, as it is handed over
    /improv/surprise/heard BITS PITCH PERFORMER      a note of the player's, as that performer heard it
    """

    def __init__(self, end: ServerEnd) -> None:
        self._passing = Bucket(MOST_TOLD, MOST_TOLD)
        self._loop, self._end = asyncio.get_running_loop(), end
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._end.listeners.append(self._told)

    def _told(self, line: Mapping[str, Any]) -> None:
        for row in line.get("surprise") or ():
            name, heard, bits, pitch = row
            transport = self._transport
            if transport and not transport.is_closing() and _unsent(transport) < HEAD and self._passing.passes(self._loop.time()):
                address = f"/improv/surprise/{'heard' if heard else 'played'}"
                transport.sendto(write_message(address, float(bits), int(pitch), str(name)))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, yet or any more. Nothing to do."""


def _unsent(transport: asyncio.DatagramTransport) -> int:
    size: int = getattr(transport, "get_write_buffer_size", int)()  # every transport of asyncio's own has it
    return size


class MetricsServer:
    """GET /metrics, and nothing else."""

    def __init__(self, end: ServerEnd, listening: Listening) -> None:
        self._end, self._listening, self._busy = end, listening, 0
        self._halves: dict[asyncio.StreamWriter, str] = {}  # requests that are not wholly said, and whose, the oldest first

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername") or ("",)
        if self._busy >= REQUESTS or not allowed(str(peer[0]), self._listening.allow):
            self._end.counts["refused"] += 1
            writer.transport.abort()
            return
        self._halves[writer] = str(peer[0])
        if len(self._halves) > HALVES:
            self._show_one_out()
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                del self._halves[writer]
                self._busy += 1
                try:
                    writer.write(self.answer(head))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                finally:
                    self._busy -= 1
        except (OSError, TimeoutError, KeyError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._halves.pop(writer, None)
            writer.transport.abort()

    def _show_one_out(self) -> None:
        """Who says half a request keeps nobody out who says a whole one."""
        crowd = Counter(self._halves.values())
        oldest = next(writer for writer, address in self._halves.items() if crowd[address] == max(crowd.values()))
        del self._halves[oldest]
        self._end.counts["refused"] += 1
        oldest.transport.abort()

    def answer(self, head: bytes) -> bytes:
        """The whole response to a request's head."""
        line, *fields = head.decode("latin-1").split("\r\n")
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _response("400 Bad Request", "not HTTP/1.1\n")
        if words[0] not in ("GET", "HEAD"):
            return _response("405 Method Not Allowed", "GET /metrics\n", ("Allow: GET, HEAD",))
        if self._listening.secret is not None and not self._knows(fields):
            self._end.counts["refused"] += 1
            return _response("401 Unauthorized", "the secret is missing\n", ("WWW-Authenticate: Bearer",))
        if words[1].partition("?")[0] != "/metrics":
            return _response("404 Not Found", "only /metrics is here\n")
        page = exposition(self._end.status, self._end.age, self._end.all_counts())
        return _response("200 OK", page, bodiless=words[0] == "HEAD")

    def _knows(self, fields: list[str]) -> bool:
        wanted = f"Bearer {self._listening.secret}".encode()
        given = [value.strip() for name, _, value in (f.partition(":") for f in fields) if name.lower() == "authorization"]
        return any(hmac.compare_digest(value.encode("latin-1"), wanted) for value in given)


def _response(state: str, page: str, more: tuple[str, ...] = (), bodiless: bool = False) -> bytes:
    body = page.encode()
    head = [f"HTTP/1.1 {state}", f"Content-Type: {KIND}", f"Content-Length: {len(body)}", "Connection: close", *more, "", ""]
    return "\r\n".join(head).encode("latin-1") + (b"" if bodiless else body)
