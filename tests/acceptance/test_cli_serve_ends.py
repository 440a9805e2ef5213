"""Whatever part of `serve` or `worker` ends by itself, the process ends with it, and says why."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from acceptance.command_line import CommandLine, Finished, finish
from acceptance.installation import Installation

# Each makes one part of the process end as if by a fault of its own.
START = {
    "the application": """
        def start(self): raise RuntimeError("no such luck")
        events.Changes.start = start
    """,
    "the web server": """
        async def startup(self, sockets=None): raise OSError("no such luck")
        uvicorn.Server.startup = startup
    """,
    "the web server, silently": """
        async def startup(self, sockets=None): self.should_exit = True
        uvicorn.Server.startup = startup
    """,
    "a drain loop": """
        def loop(self, number):
            def step(connection): raise SystemExit("no such luck")
            return step
        worker.Worker._drain_loop = loop
    """,
    "the beat": """
        def beat(self, connection): raise SystemExit("no such luck")
        worker.Worker._beat = beat
    """,
}
LATER = {
    "the web server": """
        async def on_tick(self, counter):
            if ASKED: raise RuntimeError("no such luck")
            return self.should_exit
        uvicorn.Server.on_tick = on_tick
    """,
    "the look for changes": """
        def look(connection): raise MemoryError("no such luck")
        events._state = look
    """,
    "a thread of the worker": """
        def beat(self, connection):
            while not ASKED: time.sleep(0.02)
            raise SystemExit("no such luck")
        worker.Worker._beat = beat
    """,
}


@contextmanager
def broken(cli: CommandLine, fault: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program with a fault in it; ASKED turns true with the first request."""
    lines = fault.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    program = "\n".join(
        [
            "import sys, time, uvicorn",
            "from bible_progress.engine import worker",
            "from bible_progress.cli import main",
            "from bible_progress.web import events",
            "ASKED = []",
            *(line[indent:] for line in lines),
            "from bible_progress.web import security",
            "serve_one = security.EveryRequest.__call__",
            "async def noted(self, scope, receive, send):",
            "    if scope['type'] == 'http': ASKED.append(scope['path'])",
            "    await serve_one(self, scope, receive, send)",
            "security.EveryRequest.__call__ = noted",
            "sys.exit(main(sys.argv[1:]))",
        ]
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=cli.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def assert_ended(ended: Finished, *words: str) -> None:
    assert ended.code == 1, ended
    said = [line for line in ended.err.splitlines() if line.startswith("bible-progress: ")]
    assert len(said) == 1, ended
    for word in words:
        assert word in said[0]


@pytest.mark.parametrize("fault", START)
def test_a_part_that_dies_at_the_start_ends_serve(
    cli: CommandLine, site: Installation, fault: str
) -> None:
    site.texts(1)
    with broken(cli, START[fault], "serve", "--port", "0") as process:
        ended = finish(process)
    assert_ended(ended, "ended by itself", *([] if "silently" in fault else ["no such luck"]))


@pytest.mark.parametrize("fault", ["the application", "the web server", "the web server, silently"])
def test_so_it_does_without_a_worker(cli: CommandLine, site: Installation, fault: str) -> None:
    site.texts(1)
    with broken(cli, START[fault], "serve", "--port", "0", "--no-worker") as process:
        ended = finish(process)
    assert_ended(ended, "ended by itself")
    assert ended.out == ""


@pytest.mark.parametrize("flags", [(), ("--no-worker",)])
@pytest.mark.parametrize("fault", LATER)
def test_a_part_that_dies_later_ends_serve(
    cli: CommandLine, site: Installation, fault: str, flags: tuple[str, ...]
) -> None:
    if flags and "worker" in fault:
        pytest.skip("there is no worker that could die")
    site.texts(1)
    with broken(cli, LATER[fault], "serve", "--port", "0", *flags) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        path = "api/v1/events" if "changes" in fault else "healthz"
        try:
            with httpx.stream("GET", address + path, timeout=240) as answer:
                list(answer.iter_lines())
        except httpx.TransportError:
            # It may have ended before it answered.
            pass
        ended = finish(process)
    assert_ended(ended, "ended by itself", "no such luck")


@pytest.mark.parametrize("fault", ["a drain loop", "the beat"])
def test_a_thread_that_dies_ends_a_worker(cli: CommandLine, site: Installation, fault: str) -> None:
    site.texts(1)
    with broken(cli, START[fault], "worker") as process:
        ended = finish(process)
    assert_ended(ended, "ended by itself", "no such luck")


def test_metrics_that_die_end_a_worker(cli: CommandLine, site: Installation) -> None:
    site.texts(1)
    fault = """
        import socketserver
        def serve(self, *_): raise SystemExit
        socketserver.BaseServer.serve_forever = serve
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with broken(cli, fault, "worker", "--metrics-port", str(port)) as process:
        ended = finish(process)
    assert_ended(ended, "metrics", "ended by itself")


def test_a_port_that_is_taken_ends_serve(cli: CommandLine, site: Installation) -> None:
    site.texts(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = cli("serve", "--port", str(taken.getsockname()[1]))
    refused.assert_refused(1, "cannot listen")
