"""The served program over a database: what its clients see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bible_progress.engine.worker import Worker
from bible_progress.web.server import serving
from bible_progress.web.settings import WebSettings

SECRET = "a secret of more than sixteen characters"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@contextmanager
def served(
    database: str, *, worker: Worker | None = None, **settings: Any
) -> Iterator[httpx.Client]:
    """Serve a database on a free port; gives a client of it."""
    wanted = WebSettings(database_url=database, **{"port": 0, **settings})
    with (
        serving(wanted, worker=worker) as address,
        httpx.Client(base_url=address.rstrip("/"), timeout=240) as client,
    ):
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and code of a problem, and assert that it is a whole one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]
