"""The typed client beside a server that is newer, slower or silent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from bible_progress.client import ApiError, Client

NOWHERE = UUID(int=0)
EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "src/bible_progress/web/examples.json").read_text("utf-8")
)


def newer(value: Any) -> Any:
    """Return a document of a server that says more of everything."""
    if isinstance(value, dict):
        return {**{key: newer(part) for key, part in value.items()}, "of_tomorrow": {"a": [1]}}
    return [newer(part) for part in value] if isinstance(value, list) else value


class Newer(BaseHTTPRequestHandler):
    """Answers every path with what `answers` has for its end."""

    answers: dict[str, Any] = {}  # noqa: RUF012
    pause: threading.Event | None = None

    def do_GET(self) -> None:
        status, body = 200, self.answers.get(self.path.partition("?")[0].rpartition("/")[2])
        if body is None:
            status, body = 404, {
                "type": "about:blank", "title": "None", "status": 404, "code": "of_tomorrow",
                "detail": "none", "request_id": "1",
            }  # fmt: skip
        text = json.dumps(newer(body)).encode()
        self.send_response(status)
        kind = "application/json" if status == 200 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    last = {**EXAMPLES["GapList"], "next_cursor": None}
    Newer.answers = {
        "versions": {**EXAMPLES["VersionList"], "next_cursor": None},
        str(NOWHERE): EXAMPLES["Tree"],
        "tree": EXAMPLES["Tree"],
        "chapter": EXAMPLES["ChapterDetail"],
        "gaps": last,
        "history": EXAMPLES["History"],
        "compare": EXAMPLES["Comparison"],
        "languages": {**EXAMPLES["LanguageList"], "next_cursor": None},
        "refresh": EXAMPLES["Refreshed"],
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), Newer) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_what_a_newer_server_says_more_is_passed_over(server: str) -> None:
    with Client(server) as client:
        assert list(client.versions())
        assert client.version("text", NOWHERE).books
        assert client.tree("text", NOWHERE).books
        assert client.chapter("text", NOWHERE, "x").verses
        assert list(client.gaps("text", NOWHERE))
        assert client.next_gap("text", NOWHERE)
        assert client.history("text", NOWHERE).items
        assert client.compare([("text", NOWHERE)]).items
        assert list(client.languages())
        assert client.refresh().seconds >= 0
        with pytest.raises(ApiError) as refused:
            client.language(UUID(int=1))
        assert refused.value.problem.code == "of_tomorrow"


def test_a_call_waits_as_long_as_it_asks_the_server_to_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[dict[str, float]] = []

    def send(_: httpx.Client, request: httpx.Request, **__: Any) -> httpx.Response:
        waits.append(request.extensions["timeout"])
        body = EXAMPLES["Refreshed"]
        return httpx.Response(200, json=body, request=request)

    monkeypatch.setattr(httpx.Client, "send", send)
    with Client("http://127.0.0.1:1", timeout_seconds=3) as client:
        for seconds in (0.5, 5, 45, 50):
            client.refresh(seconds=seconds)
    assert [wait["read"] for wait in waits] == [3.5, 8, 48, 53]
    assert {wait["connect"] for wait in waits} == {3}


def test_a_slow_drain_is_waited_for(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def slow(self: Newer) -> None:
        # Until after the client would have given up had it not asked for longer.
        released.wait(2)
        Newer.do_GET(self)

    monkeypatch.setattr(Newer, "do_POST", slow)
    with Client(server, timeout_seconds=0.5) as client:
        assert client.refresh(seconds=45).seconds >= 0
        with pytest.raises(httpx.ReadTimeout):
            client.refresh(seconds=0.1)
    released.set()
