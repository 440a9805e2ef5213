"""The edge holds: no client takes more of the server than its share, in size, time or number."""

from __future__ import annotations

import itertools
import logging
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from psycopg import Connection

from acceptance.command_line import PROGRAM, CommandLine, soon
from acceptance.installation import Installation
from bible_progress.web import downloads
from bible_progress.web.settings import Limits
from support.builders import World
from web.site import SECRET, code, served
from web.wire import (
    FORM,
    GIVE_UP_SECONDS,
    HEAD,
    HELD_BYTES,
    POST,
    answer,
    connection,
    connections,
    drip,
    rest,
    send,
)

V1 = "/api/v1"
# So few, and so short a time, that a test need not be an army, nor wait.
FEW = Limits(connections=20)
HASTY = Limits(head_seconds=0.5, body_seconds=0.5, stall_seconds=0.5, idle_seconds=1)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
EVENTS = f"GET {V1}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.fixture
def hasty(database: str) -> Iterator[httpx.Client]:
    """A server that waits for nobody."""
    with served(database, secret=SECRET, limits=HASTY) as client:
        yield client


@pytest.fixture
def small(database: str) -> Iterator[httpx.Client]:
    """A server of few connections."""
    with served(database, secret=SECRET, limits=FEW) as client:
        yield client


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a client does is an error of the server, or a traceback in its log."""
    yield
    for record in caplog.get_records("call"):
        assert record.levelno < logging.ERROR, record.getMessage()
        assert not record.exc_info, record.getMessage()


def is_served(api: httpx.Client) -> bool:
    """Whether somebody who just came gets an answer, from the probe and from the database."""
    with httpx.Client(base_url=api.base_url, timeout=GIVE_UP_SECONDS) as fresh:
        return [fresh.get(path).status_code for path in ("/healthz", f"{V1}/versions")] == [
            200,
            200,
        ]


# --- Size.

ENDLESS_HEADS = {
    "a line": (b"GET /", b"a" * 65536),
    "a query": (b"GET /?q=", b"a" * 65536),
    "a method": (b"G", b"E" * 65536),
    "a header": (HEAD + b"X-A: ", b"a" * 65536),
    "a name": (HEAD + b"X-", b"a" * 65536),
    "headers": (HEAD, b"".join(b"X-%d: %s\r\n" % (n, b"a" * 90) for n in range(600))),
    "cookies": (HEAD, b"Cookie: a=b\r\n" * 5000),
    "the same header": (HEAD, b"Accept: text/html\r\n" * 5000),
}


@pytest.mark.parametrize("kind", ENDLESS_HEADS)
def test_headers_without_end_are_refused(api: httpx.Client, kind: str) -> None:
    first, piece = ENDLESS_HEADS[kind]
    with connection(api, first) as made:
        assert send(made, itertools.repeat(piece, 1000)) < HELD_BYTES
        found = answer(made)
    # Where the client had more to send than the server waits for, the answer may be lost.
    assert found is None or found.problem == (431, "headers_too_large")
    with connection(api, first + piece) as made:
        found = answer(made)
        assert found is not None
        assert found.problem == (431, "headers_too_large")
    assert is_served(api)


@pytest.mark.parametrize("kind", ["headers", "cookies", "the same header", "a header", "a query"])
def test_headers_that_are_too_large_are_refused_though_they_end(
    api: httpx.Client, kind: str
) -> None:
    first, piece = ENDLESS_HEADS[kind]
    end = b" HTTP/1.1\r\nHost: localhost\r\n\r\n" if kind == "a query" else b"\r\n\r\n"
    with connection(api, first + piece + end) as made:
        found = answer(made)
        assert found is not None
        assert found.problem == (431, "headers_too_large")


def test_headers_as_browsers_and_proxies_send_them_pass(api: httpx.Client) -> None:
    large = {f"X-{n}": "a" * 1000 for n in range(8)} | {"Cookie": "a=" + "b" * 4000}
    assert api.get(f"{V1}/versions?q=" + "x" * 50, headers=large).status_code == 200


BODIES = {
    "as declared": POST + b"Content-Length: 65537\r\n\r\n",
    "declared as no number has digits": POST + b"Content-Length: 9999999999999999999\r\n\r\n",
    "in one piece": CHUNKED + b"10001\r\n" + b"a" * 0x10001 + b"\r\n0\r\n\r\n",
    "for a route that takes none": HEAD + b"Content-Length: 100000\r\n\r\n",
    "with the announcement only": POST + b"Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_too_large_is_refused(api: httpx.Client, kind: str) -> None:
    with connection(api, BODIES[kind]) as made:
        found = answer(made)
        assert found is not None
        assert found.problem == (413, "too_large")
    assert is_served(api)


ENDLESS_BODIES = {
    "pieces": b"8000\r\n" + b"a" * 0x8000 + b"\r\n",
    "tiny pieces": b"1\r\na\r\n" * 8192,
    "a piece's extension": b"1;" + b"a" * 65536,
    "trailers": b"0\r\n" + b"X-A: b\r\n" * 8192,
    "a trailer": b"0\r\nX-A: " + b"a" * 65536,
}


@pytest.mark.parametrize("kind", ENDLESS_BODIES)
def test_a_body_without_end_is_refused(api: httpx.Client, kind: str) -> None:
    with connection(api, CHUNKED) as made:
        assert send(made, itertools.repeat(ENDLESS_BODIES[kind], 1000)) < HELD_BYTES
    with connection(api, CHUNKED + ENDLESS_BODIES[kind] * 8) as made:
        found = answer(made)
        assert found is not None
        assert found.problem[0] in (400, 413, 431)
    assert is_served(api)


def test_a_body_as_hooks_send_it_passes(database: str) -> None:
    with served(database, secret=SECRET) as api:
        for body in (b"x" * 65536, iter([b"x" * 1000] * 60)):
            done = api.post(
                f"{V1}/refresh?seconds=0.1",
                content=body,
                headers={"Authorization": f"Bearer {SECRET}"},
            )
            assert done.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
        CHUNKED + b"no number\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_problem(api: httpx.Client, sent: bytes) -> None:
    with connection(api, sent) as made:
        found = answer(made)
        assert found is not None
        assert found.problem == (400, "bad_request")
    assert is_served(api)


# --- Time.


@pytest.mark.parametrize(
    "begun",
    [b"G", HEAD, HEAD + b"X-A", FORM + b"Content-Length: 9\r\n\r\n", CHUNKED, CHUNKED + b"5\r\nab"],
)
def test_a_request_that_does_not_come_is_refused(hasty: httpx.Client, begun: bytes) -> None:
    with connection(hasty, begun) as made:
        found = answer(made)
        assert found is not None
        assert found.problem == (408, "too_slow")


@pytest.mark.parametrize("begun", [b"", b"\r\n", HEAD + b"\r\n"])
def test_a_connection_without_a_request_is_closed(hasty: httpx.Client, begun: bytes) -> None:
    with connection(hasty, begun) as made:
        got = rest(made)
        assert got.count(b"HTTP/1.1 200 ") == begun.count(b"GET")


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"", b"\r\n"),
        (b"G", b"E"),
        (HEAD + b"X-A: ", b"a"),
        (HEAD, b"X: y\r\n"),
        (HEAD + b"\r\n" + HEAD + b"\r\n" + HEAD, b"X: y\r\n"),
        (FORM + b"Content-Length: 60000\r\n\r\n", b"a"),
        (CHUNKED, b"1\r\na\r\n"),
        (CHUNKED + b"1;", b"a"),
        (CHUNKED + b"0\r\n", b"X: y\r\n"),
    ],
)
def test_a_request_that_drips_is_ended(hasty: httpx.Client, begun: bytes, piece: bytes) -> None:
    with connection(hasty, begun) as made:
        if begun.count(b"GET") > 1:
            # What it asked before is answered.
            assert soon(lambda: made.recv(1 << 16, socket.MSG_PEEK).count(b"200 OK") == 2)
            made.recv(1 << 16)
        drip(made, piece)
    assert is_served(hasty)


@pytest.mark.parametrize("length", [b"Content-Length: 500", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [b"/login", b"/api/v1/refresh", b"/nowhere", b"/logout"])
def test_a_body_that_is_dropped_midway_is_no_error(
    database: str, caplog: pytest.LogCaptureFixture, path: bytes, length: bytes
) -> None:
    caplog.set_level(logging.INFO)
    head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n"
    with served(database, secret=SECRET) as api:
        for _ in range(5):
            with connection(api, head + b"5\r\nhalf") as made:
                # A reset, and not the end that a client who has sent all of it makes.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for _ in range(5):
            with connection(api, head + b"5\r\nhalf") as made:
                made.shutdown(socket.SHUT_WR)
                rest(made)
        assert is_served(api)
    assert all(record.levelno < logging.WARNING for record in caplog.records)


# --- Number.

UNFINISHED = {
    "nothing": b"",
    "a head": HEAD,
    "a body": FORM + b"Content-Length: 60000\r\n\r\nsecret=",
    "the next request": HEAD + b"\r\n",
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_connections_without_a_request_lock_nobody_out(small: httpx.Client, kind: str) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            opened = connections(stack, small, FEW.connections, UNFINISHED[kind])
            if kind == "the next request":
                # Until that has come they wait for the server.
                for one in opened:
                    with suppress(ConnectionError):
                        one.recv(1000)
            assert is_served(small)


def test_who_came_first_is_let_go_first(small: httpx.Client) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(connection(small, HEAD))
        others = connections(stack, small, FEW.connections, HEAD)
        assert rest(first) == b""
        others[-1].sendall(b"\r\n")
        assert others[-1].recv(100).startswith(b"HTTP/1.1 200")


def test_a_server_of_few_files_takes_no_more_connections_than_it_can(
    cli: CommandLine, tmp_path: Any
) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (340, 340))

    log = tmp_path / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--no-worker"],
            env=cli.environment(),
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            preexec_fn=few_files,
        ) as process,
        ExitStack() as stack,
    ):
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip()) as api:
                connections(stack, api, 400, HEAD)
                assert is_served(api)
        finally:
            process.terminate()
    assert "Traceback" not in log.read_text()


@contextmanager
def locked(connect: Callable[..., Connection[Any]]) -> Iterator[None]:
    """Let every read of versions wait."""
    holder = connect(autocommit=False)
    holder.execute("lock table progress.version_rollup in access exclusive mode")
    try:
        yield
    finally:
        holder.rollback()


def test_requests_past_what_is_worked_on_are_told_to_come_back(
    small: httpx.Client, site: Installation, connect: Callable[..., Connection[Any]]
) -> None:
    site.texts(1)
    read = f"GET {V1}/versions HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with ExitStack() as stack:
        with locked(connect):
            held = connections(stack, small, FEW.requests, read)
            refused: list[httpx.Response] = []

            def is_refused() -> bool:
                # Some of those before may not have been taken yet.
                try:
                    refused.append(small.get(f"{V1}/languages", timeout=2))
                except httpx.TimeoutException:
                    return False
                return refused[-1].status_code == 503

            assert soon(is_refused, 60)
            assert code(refused[-1]) == (503, "server_busy")
            assert refused[-1].headers["retry-after"]
            assert small.get("/healthz").status_code == 200
        for one in held:
            assert one.recv(100).startswith(b"HTTP/1.1 200")
    assert soon(lambda: is_served(small))


# --- Readers.


@pytest.fixture
def large(library: World) -> None:
    """A list that no socket holds."""
    library.canon()
    language = library.language()
    for number in range(12):
        library.text_version(name=f"{number:02}" + "\u00e9" * 500_000, language=language)


READ = f"GET {V1}/versions HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
DOWNLOAD = f"GET {V1}/versions?format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.mark.parametrize("asked", [READ, DOWNLOAD], ids=["list", "download"])
def test_an_answer_that_is_not_read_is_broken_off(database: str, large: None, asked: bytes) -> None:
    with (
        served(database, limits=HASTY) as api,
        connection(api, asked, receive_bytes=4096) as made,
    ):
        assert made.recv(13) == b"HTTP/1.1 200 "
        # But for the one that asks.
        alone = "bible_progress_http_connections 1.0"
        assert soon(lambda: alone in api.get("/metrics").text)
        assert len(rest(made)) < 12_000_000


def test_an_answer_that_is_read_slowly_is_read_whole(database: str, large: None) -> None:
    patience = Limits(stall_seconds=2, idle_seconds=1)
    with (
        served(database, limits=patience) as api,
        connection(api, READ, receive_bytes=1 << 17) as made,
    ):
        got = 0
        until = time.monotonic() + 2.5 * patience.stall_seconds
        while got < 12_000_000:
            piece = made.recv(1 << 17)
            assert piece, f"cut off after {got} bytes"
            got += len(piece)
            if time.monotonic() < until:
                # Not all of it in the time that a reader may take nothing.
                time.sleep(0.1)


def test_readers_that_stall_make_room_for_others(database: str, large: None) -> None:
    with served(database, limits=FEW) as api, ExitStack() as stack:
        for _ in range(FEW.requests * 2):
            made = stack.enter_context(connection(api, READ, receive_bytes=4096))
            assert made.recv(20).startswith(b"HTTP/1.1 ")
        assert is_served(api)


def test_a_download_that_takes_for_ever_gives_its_connection_back(
    database: str,
    large: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(downloads, "ROWS_AT_ONCE", 2)
    patient = Limits(stall_seconds=GIVE_UP_SECONDS * 2, download_seconds=0.5)
    with (
        served(database, limits=patient, pool_size=2) as api,
        connection(api, DOWNLOAD, receive_bytes=4096) as made,
    ):
        assert made.recv(20).startswith(b"HTTP/1.1 200")
        # The only turn is taken until then.
        assert soon(lambda: api.get(f"{V1}/versions?format=csv&limit=1").status_code == 200)
        # A part is never taken for the whole.
        assert not rest(made).endswith(b"\r\n0\r\n\r\n")
        assert any("too slowly" in record.getMessage() for record in caplog.records)
        assert not any(record.exc_info for record in caplog.records)
    # That an answer was left unfinished is an error for the server below.
    caplog.clear()


@dataclass(frozen=True, kw_only=True)
class Generous(Limits):
    """Lets all connections listen, so that none waits for its client."""

    @property
    def listeners(self) -> int:
        return self.connections


def test_where_no_connection_waits_for_its_client_one_more_is_told_to_come_back(
    database: str,
) -> None:
    with served(database, limits=Generous(connections=20)) as api, ExitStack() as stack:
        for one in connections(stack, api, 20, EVENTS):
            assert one.recv(13) == b"HTTP/1.1 200 "
        with connection(api) as made:
            found = answer(made)
            assert found is not None
            assert found.problem == (503, "server_busy")
            assert found.headers["retry-after"]


def is_free(api: httpx.Client) -> bool:
    """Whether one more may listen."""
    with api.stream("GET", f"{V1}/events") as found:
        return found.status_code == 200


@pytest.mark.parametrize("again", range(3))
def test_no_more_listen_than_may_though_they_come_at_the_same_moment(
    small: httpx.Client, again: int
) -> None:
    count = FEW.connections - 2
    assert FEW.listeners < count
    start = threading.Barrier(count)
    with ExitStack() as stack:
        made = [stack.enter_context(connection(small)) for _ in range(count)]

        def ask(one: socket.socket) -> None:
            start.wait()
            one.sendall(EVENTS)

        threads = [threading.Thread(target=ask, args=[one]) for one in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = sorted(one.recv(13) for one in made)
        assert found.count(b"HTTP/1.1 200 ") == FEW.listeners
        assert found.count(b"HTTP/1.1 503 ") == count - FEW.listeners
        assert code(small.get(f"{V1}/events")) == (503, "too_many_listeners")
        assert is_served(small)
    # Those who went leave their places.
    assert soon(lambda: is_free(small))


def test_a_listener_who_leaves_at_once_leaves_the_place(small: httpx.Client) -> None:
    for _ in range(FEW.listeners * 3):
        with connection(small, EVENTS) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert soon(lambda: is_free(small))
