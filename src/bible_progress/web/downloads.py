"""Whole lists as files: every row of one snapshot, sent as read, a page in memory at a time."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode

import anyio
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..errors import BibleProgressError
from ..reading import documents as d
from .problems import ProblemError
from .reads import Answer, Reads, Snapshot, cursor_out, freshness, is_known
from .settings import Limits

log = logging.getLogger("bible_progress.web")

Format = Literal["json", "csv", "ndjson"]
Page = Callable[[Snapshot, int, Any], Answer]

ROWS_AT_ONCE = 1000
WAIT_SECONDS = 5.0

_MEDIA = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
# What tables show of the testaments, each in columns of its own: old_percent and the like.
_TESTAMENTS = ("old", "new")
_SHARE = ("covered_verses", "total_verses", "percent", "books_complete", "total_books")
# Of the OpenAPI document.
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}, "application/x-ndjson": {}}}
}


def send_download(
    request: Request,
    reads: Reads,
    page: Page,
    name: str,
    model: type[d.Shape],
    wanted: Format,
    *,
    limit: int | None = None,
    after: Any = None,
) -> Response:
    """Answer with the rows of a list as a file: all of them, or `limit` and a link to the next.

    `page` reads so many rows behind a key; `model` says which columns they have. Raises what it
    does as long as nothing is sent; afterwards a failure breaks the connection, so that nobody
    takes a part for the whole.
    """
    write = partial(_csv, model) if wanted == "csv" else _ndjson
    headers = {"Content-Disposition": f'attachment; filename="{name}.{wanted}"'}
    with ExitStack() as stack:
        stack.enter_context(_turn(request))
        snapshot = stack.enter_context(reads.snapshot())
        first = page(snapshot, limit or ROWS_AT_ONCE, after)
        rows = first.parsed()
        headers |= freshness(first)
        key = rows.get("next_cursor")
        if key is None or limit is not None:
            if key is not None:
                asked = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
                follows = urlencode([*asked, ("cursor", cursor_out(rows["next_cursor"]))])
                headers["Link"] = f'<?{follows}>; rel="next"'
            if is_known(request, headers["ETag"]):
                return Response(status_code=304, headers=headers)
            text = write(rows["items"], with_head=True)
            return Response(text, media_type=_MEDIA[wanted], headers=headers)
        # Its rows are not known before they are sent.
        del headers["ETag"]
        held = stack.pop_all()

    async def body() -> AsyncGenerator[str]:
        found, with_head = rows, True
        try:
            while True:
                yield write(found["items"], with_head=with_head)
                after = found["next_cursor"]
                if after is None:
                    return
                if not isinstance(after, str):
                    after = json.dumps(after)
                document = await run_in_threadpool(page, snapshot, ROWS_AT_ONCE, after)
                found, with_head = document.parsed(), False
        except Exception as error:
            log.error(
                "a download broke off",
                extra={
                    "action": "download",
                    "request_id": request.state.request_id,
                    "error": " ".join(str(error).split()),
                },
            )
            raise

    return _Download(held, body(), media_type=_MEDIA[wanted], headers=headers)


class _Download(StreamingResponse):
    """Lets go of what it holds when it ends, however it does."""

    def __init__(self, held: ExitStack, body: AsyncGenerator[str], **options: Any) -> None:
        super().__init__(body, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits: Limits = scope["app"].state.settings.limits
        try:
            # Whoever reads too slowly finds the connection broken: others wait for what it holds.
            with anyio.move_on_after(limits.download_seconds) as turn:
                await super().__call__(scope, receive, send)
            if turn.cancelled_caught:
                log.warning(
                    "a download was read too slowly",
                    extra={"action": "download", "request_id": scope["state"]["request_id"]},
                )
        finally:
            # What was sent is sent, and a connection that is lost already was told of.
            with anyio.CancelScope(shield=True), suppress(BibleProgressError):
                await run_in_threadpool(self._held.close)


def _turn(request: Request) -> ExitStack:
    """Wait for one of the downloads at once, which leave connections to all other requests."""
    turns = request.app.state.downloads
    if not turns.acquire(timeout=WAIT_SECONDS):
        raise ProblemError(
            "database_busy",
            "others download as much as this server sends at once",
            hint="Try again, or read pages of JSON.",
        )
    stack = ExitStack()
    stack.callback(turns.release)
    return stack


def _csv(model: type[d.Shape], items: Iterable[dict[str, Any]], *, with_head: bool) -> str:
    columns = [name for name, field in model.model_fields.items() if not _nests(field.annotation)]
    has_testaments = "testaments" in model.model_fields
    text = io.StringIO()
    writer = csv.writer(text)
    if with_head:
        shares = [f"{of}_{name}" for of in _TESTAMENTS for name in _SHARE if has_testaments]
        writer.writerow([*columns, *shares])
    for item in items:
        found = {part["testament"]: part for part in item["testaments"]} if has_testaments else {}
        shares = [found.get(of, {}).get(name) for of in _TESTAMENTS for name in _SHARE]
        cells = [_cell(item[column]) for column in columns]
        writer.writerow([*cells, *shares] if has_testaments else cells)
    return text.getvalue()


def _ndjson(items: Iterable[dict[str, Any]], *, with_head: bool) -> str:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def _nests(annotation: Any) -> bool:
    """Whether a field holds lists or parts of their own, which are no cell of a table."""
    return get_origin(annotation) is list or any(_nests(part) for part in get_args(annotation))


def _cell(value: object) -> object:
    """Keep spreadsheets from taking a name for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
