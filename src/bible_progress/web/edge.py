"""The edge of the server: how much, how long and how many clients may take of it.

A request goes through phases: its head (request line and headers), its body, its answer. Each has a
limit of size or time, and a connection that waits for its client can always be let go for another.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from itertools import chain
from typing import ClassVar
from uuid import uuid4

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from ..engine.metrics import HttpMetrics
from .problems import PROBLEMS, RETRY_SECONDS, ProblemError, document_of
from .security import HEADERS
from .settings import Limits

log = logging.getLogger("bible_progress.web")

# How long, and how much, a client that was refused may still send before it reads why.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1 << 20

# What a client has to read of its answer to be one that reads.
_READ_BYTES = 48 * 1024

_HINTS = {
    "bad_request": "Speak HTTP/1.1.",
    "too_slow": "Send a request at once and as a whole.",
    "headers_too_large": "Send shorter addresses, cookies and headers.",
    "too_large": "Nothing here takes a body that large.",
    "server_busy": "Try again in a moment.",
}


class Edge:
    """The connections of one server that can be let go, the one that waited longest first."""

    def __init__(self, limits: Limits, counted: HttpMetrics) -> None:
        self.limits = limits
        self.counted = counted
        # How many requests are in the works, those of listeners and probes left out.
        self.requests = 0
        # Those that wait for their client to send, and those that wait for it to read.
        self.waiting: dict[BoundedConnection, None] = {}
        self.stalled: dict[BoundedConnection, None] = {}

    def make_room(self) -> bool:
        """Let go of a connection that waits for its client; whether there was one."""
        for connection in chain(self.waiting, self.stalled):
            connection.let_go()
            return True
        return False

    def hurry(self) -> bool:
        """Let go of a request whose client does not read its answer; whether there was one."""
        for connection in self.stalled:
            if not connection.cycle.response_complete:
                connection.let_go()
                return True
        return False


def connections_of(edge: Edge) -> type[BoundedConnection]:
    """Return the class of a server's connections."""
    return type("Connection", (BoundedConnection,), {"edge": edge})


class BoundedConnection(H11Protocol):
    """A connection that knows how long it has been waiting for its client, and ends it in time."""

    edge: ClassVar[Edge]

    _phase: str = "answer"
    _timer: asyncio.TimerHandle | None = None
    _received: int = 0
    _unread: int = 0
    _is_refused: bool = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, in the place of another connection where there are too many."""
        super().connection_made(transport)
        edge = self.edge
        edge.counted.connections.inc()
        if len(self.connections) > edge.limits.connections and not edge.make_room():
            self._refuse("server_busy")
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._enter("lost", None)
        self.edge.counted.connections.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what was sent, within limits."""
        if self._is_refused:
            self._received += len(data)
            if self._received > _LINGER_BYTES:
                self.transport.abort()
            return
        before = self.cycle
        super().data_received(data)
        if self.cycle:
            if self.cycle is not before:
                self._received = 0
            elif self.conn.their_state is h11.SEND_BODY:
                self._received += len(data)
            if self.conn.their_state is not h11.SEND_BODY:
                # It has gone on by itself.
                self.cycle.waiting_for_100_continue = False
            if not self.cycle.response_complete:
                self._check()
        self._look()

    def _check(self) -> None:
        """Refuse a request that is too large."""
        limits = self.edge.limits
        head = len(self.scope["raw_path"]) + len(self.scope["query_string"])
        head += sum(len(name) + len(value) + 4 for name, value in self.headers)
        declared = next((int(v) for n, v in self.headers if n == b"content-length"), 0)
        if head > limits.head_bytes:
            self._refuse("headers_too_large")
        elif (
            max(declared, len(self.cycle.body)) > limits.body_bytes
            # What frames the pieces of a body comes in addition.
            or self._received > 2 * limits.body_bytes + limits.head_bytes
        ):
            self._refuse("too_large")

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """Go on when it has."""
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with the request."""
        reason = getattr(sys.exception(), "error_status_hint", 400)
        self._refuse("headers_too_large" if reason == 431 else "bad_request")

    def let_go(self) -> None:
        """End, since others need the room."""
        self._enter("lost", None)
        self.transport.abort()

    def _look(self) -> None:
        """See which phase this is in; a timer begins where it is another than before."""
        limits = self.edge.limits
        if self._is_refused or self.transport.is_closing():
            # The timer of the phase before ends what the client does not let end.
            return
        if self.flow.write_paused:
            self._enter("stalled", limits.stall_seconds)
        elif self.conn.their_state is h11.SEND_BODY:
            self._enter("body", limits.body_seconds)
        elif self.conn.their_state is h11.IDLE:
            self._enter("head", limits.head_seconds)
        else:
            self._enter("answer", None)

    def _enter(self, phase: str, seconds: float | None) -> None:
        if phase == self._phase:
            return
        self._phase = phase
        self.edge.waiting.pop(self, None)
        self.edge.stalled.pop(self, None)
        if phase in ("head", "body", "refused"):
            self.edge.waiting[self] = None
        elif phase == "stalled":
            self.edge.stalled[self] = None
            self._unread = self.transport.get_write_buffer_size()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        unread = self.transport.get_write_buffer_size()
        if self._phase == "stalled" and self._unread - unread >= _READ_BYTES:
            self._unread = unread
            self._timer = self.loop.call_later(self.edge.limits.stall_seconds, self._expire)
            return
        is_begun = self._phase == "body" or bool(self.conn.trailing_data[0])
        if self._phase in ("head", "body") and is_begun and not self.transport.is_closing():
            self._refuse("too_slow")
        else:
            self.transport.abort()

    def _refuse(self, code: str) -> None:
        """Answer with a problem in place of the application, and end."""
        if self._is_refused or self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle and not cycle.response_complete:
            if cycle.response_started:
                self.transport.abort()
                return
            # Whoever waits for the rest of the request is told that none comes.
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()
        self._is_refused = True
        request_id = uuid4().hex
        self.edge.counted.refused(code)
        is_known = cycle and not cycle.response_complete
        log.info(
            "request",
            extra={
                "action": "request",
                "request_id": request_id,
                "method": self.scope["method"] if is_known else None,
                "path": self.scope["path"] if is_known else None,
                "status": PROBLEMS[code][0],
                "refused": code,
                "client": self.client[0] if self.client else None,
            },
        )
        self.transport.write(_answer(code, request_id))
        # A connection that is closed while its client sends loses the answer.
        if not self.transport.get_write_buffer_size():
            with suppress(OSError):
                self.transport.write_eof()
        self._received = 0
        self.flow.resume_reading()
        self._enter("refused", _LINGER_SECONDS)


def _answer(code: str, request_id: str) -> bytes:
    status, title = PROBLEMS[code]
    problem = ProblemError(code, title, hint=_HINTS[code])
    body = document_of(problem, request_id).model_dump_json()
    headers = {
        **HEADERS,
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body.encode())),
        "X-Request-Id": request_id,
        "Connection": "close",
    }
    if status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    lines = [f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


class Whole:
    """Hands a request to the application when all of it has come, and drops one that does not.

    How long and how large it may be is the matter of its connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        is_whole = False
        while not is_whole:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            is_whole = not message.get("more_body", False)
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

        async def again() -> Message:
            nonlocal whole
            if whole is None:
                return await receive()
            message, whole = whole, None
            return message

        await self._app(scope, again, send)


class Room:
    """Works on so many requests at once; those past them are told to come back.

    `beside` are paths that do not count, since they have a limit of their own or must answer.
    Raises ProblemError.
    """

    def __init__(self, app: ASGIApp, *, beside: tuple[str, ...]) -> None:
        self._app = app
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._beside:
            await self._app(scope, receive, send)
            return
        edge: Edge = scope["app"].state.edge
        if edge.requests >= edge.limits.requests and not edge.hurry():
            raise ProblemError(
                "server_busy",
                f"{edge.requests} requests are being answered already",
                hint=_HINTS["server_busy"],
            )
        edge.requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            edge.requests -= 1
