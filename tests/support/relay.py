"""A TCP port in front of a server that listens on a socket file, for programs that need one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import psycopg


@contextmanager
def tcp_address(url: str) -> Iterator[tuple[str, int]]:
    """Give a host and a port at which the server of `url` answers, while the block runs."""
    with psycopg.connect(url) as connection:
        host, port = connection.info.host, connection.info.port
    if not host.startswith("/"):
        yield host, port
        return

    class Relay(BaseRequestHandler):
        def handle(self) -> None:
            with closing(socket.socket(socket.AF_UNIX)) as server:
                server.connect(f"{host}/.s.PGSQL.{port}")
                back = threading.Thread(target=_pump, args=(server, self.request), daemon=True)
                back.start()
                _pump(self.request, server)
                back.join()

    class Relays(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Relays(("127.0.0.1", 0), Relay) as relays:
        thread = threading.Thread(target=relays.serve_forever, daemon=True)
        thread.start()
        try:
            yield "127.0.0.1", relays.server_address[1]
        finally:
            relays.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
