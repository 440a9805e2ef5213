"""The pages: the same documents as the API's, for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from ..errors import DatabaseRefused
from ..reading import insights
from ..reading.remarks import all_is_well, remarks
from . import login, problems
from .comparing import Address, chapters_of, ordered, refusals_of, versions_named
from .operations import change_dead_letter
from .problems import PROBLEMS, ProblemError
from .reads import LANGUAGE_CURSOR, VERSION_CURSOR, Reads, Snapshot, cursor_in, cursor_out
from .rendering import form, graph, linker, page, whole_number
from .renders import reading, shared
from .sections import sections
from .security import (
    may_operate,
    operator,
)
from .versions import Cursor, Id, Kind, Search, Sort, VersionId

router = APIRouter(include_in_schema=False)

Rows = TypeVar("Rows")

_SHOWN_SIBLINGS = 20
# As many as are looked through for versions of one canon, and as many as a form holds.
_SEARCHED = 200
_MOST_CHOSEN = 20
_SHOWN_LANGUAGES = 6
_SHOWN_CHANGES = 5
# The overview as nobody has asked for anything.
_UNASKED: dict[str, Any] = {
    "q": None, "kind": None, "status": None, "min_percent": None, "sort": "name", "cursor": None,
}  # fmt: skip


def install(app: FastAPI) -> None:
    """Add the pages, what they load, and errors as pages where a browser asks."""
    app.include_router(router)
    app.include_router(login.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).with_name("static")))

    def show_problem(request: Request, problem: ProblemError) -> Response:
        path: str = request.scope["path"]
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or path.startswith("/api/"):
            return problems.answer(request, problem)
        if problem.code == "secret_needed":
            return RedirectResponse("/login", status_code=303)
        status, title = PROBLEMS[problem.code]
        return page(
            request,
            "problem.html",
            code=status,
            title=title,
            problem=problem.code,
            detail=problem.detail,
            hint=problem.hint,
            request_id=request.state.request_id,
            headers=problems.headers_of(problem),
        )

    app.state.show_problem = show_problem


@router.get("/")
@shared()
def overview(
    request: Request,
    q: Search = None,
    kind: str = "",
    status: str = "",
    min_percent: str = "",
    sort: Sort = "name",
    cursor: Cursor = None,
    first: bool | None = None,
) -> Response:
    """Totals, what changed, what is nearly complete, and every version.

    What was looked for comes first, unless `first` says where it stands on the page already.
    """
    query: dict[str, Any] = {
        "q": q or None,
        "kind": kind if kind in ("text", "audio") else None,
        "status": status if status in ("not started", "in progress", "complete") else None,
        "min_percent": whole_number(min_percent, 100),
        "sort": sort,
        "cursor": cursor,
    }
    with reading(request) as snapshot:
        listed = _versions(snapshot, **query)
        found = snapshot.get("overview", at_most=_SHOWN_CHANGES).shown()
        languages = snapshot.get(
            "languages",
            search=None,
            descendants=False,
            with_versions=True,
            at_most=_SHOWN_LANGUAGES,
            after=None,
        ).shown()
    return page(
        request,
        "overview.html",
        page="overview",
        listed=listed,
        found=found,
        languages=languages,
        query=query,
        is_filtered=any(query[name] is not None for name in ("q", "kind", "status", "min_percent")),
        list_first=first if first is not None else query != _UNASKED,
        link=linker("/", query),
        download=linker("/api/v1/versions", {**query, "cursor": None}),
    )


@router.get("/versions/{kind}/{version_id}")
@shared()
def version(
    request: Request,
    kind: Kind,
    version_id: VersionId,
    chapter: Id = None,
) -> Response:
    """A version as a map of its chapters, with what is missing and what there is beside it."""
    one = {"kind": kind, "id": version_id}
    with reading(request) as snapshot:
        # A tree of chapters would write out their verses, which no cell shows.
        tree = snapshot.get("tree", **one, depth="book", book=None).shown()
        chapters = snapshot.get("chapters", **one, book=None).shown()["items"]
        opened = None if chapter is None else snapshot.find("chapter", **one, chapter=chapter)
        history = snapshot.get("history", **one, at_most=366).shown()
        gaps = snapshot.get("gaps", **one, at_most=1, after=None).shown()
        siblings = _siblings(snapshot, [tree])
    return page(
        request,
        "version.html",
        page="version",
        tree=tree,
        gaps=gaps,
        chapter=opened.shown() if opened else None,
        history=history,
        graph=graph(
            [
                (datetime.fromisoformat(day["day"]).timestamp(), day["covered_verses"])
                for day in history["items"]
            ],
            top=tree["total_verses"],
        ),
        siblings=siblings,
        sections=sections(tree["books"], chapters),
        here=f"/versions/{kind}/{version_id}",
        api=f"/api/v1/versions/{kind}/{version_id}",
        origin=str(request.base_url).rstrip("/"),
    )


@router.get("/compare")
@shared()
def compare(
    request: Request,
    version: Annotated[list[str] | None, Query()] = None,
    q: Search = None,
    order: str = "",
    book: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """Two to eight versions beside each other, book by book; without them, what to choose from."""
    named, odd = versions_named(version or [])
    named = list(dict.fromkeys(named))[:_MOST_CHOSEN]
    with reading(request) as snapshot:
        chosen = [
            found.shown()
            for kind, id_ in named
            if (found := snapshot.find("tree", kind=kind, id=id_, depth="version", book=None))
        ]
        status, refusals = refusals_of(chosen, missing=odd + len(named) - len(chosen))
        compared = opened = None
        if status == 200 and len(chosen) > 1:
            kinds, ids = [one["kind"] for one in chosen], [UUID(one["id"]) for one in chosen]
            compared = snapshot.get("compare", kinds=kinds, ids=ids).shown()
            books = {one["book_id"] for one in compared["books"]}
            opened = {
                one: chapters_of(snapshot, compared, one) for one in book or [] if one in books
            }
        offered = _offered(snapshot, chosen, q) if q or not chosen else _siblings(snapshot, chosen)
    address = Address(
        versions=[f"{one['kind']}:{one['id']}" for one in chosen],
        by_canon=order == "canon",
        books=list(opened or {}),
    )
    return page(
        request,
        "compare.html",
        code=status,
        page="compare",
        chosen=chosen,
        has_canons=len({one["bible_version_id"] for one in chosen}) > 1,
        languages=len({one["language_entity_id"] for one in chosen}),
        refusals=refusals,
        compared=compared,
        books=ordered(compared["books"], by_canon=address.by_canon) if compared else [],
        opened=opened or {},
        offered=offered,
        query={"q": q},
        address=address,
    )


@router.get("/languages")
@shared()
def languages(
    request: Request,
    q: Search = None,
    descendants: bool = True,
    with_versions: bool = False,
    cursor: Cursor = None,
) -> Response:
    """Languages and regions with their best versions."""
    query = {
        "q": q or None,
        "descendants": None if descendants else "false",
        "with_versions": with_versions,
        "cursor": cursor,
    }
    with reading(request) as snapshot:
        listed = snapshot.get(
            "languages",
            search=q or None,
            descendants=descendants,
            with_versions=with_versions,
            at_most=50,
            after=cursor_in(cursor, LANGUAGE_CURSOR),
        ).shown()
    listed["next_cursor"] = cursor_out(listed["next_cursor"])
    return page(
        request,
        "languages.html",
        page="languages",
        listed=listed,
        query=query,
        link=linker("/languages", query),
    )


@router.get("/languages/{language_id}")
@shared()
def language(
    request: Request,
    language_id: UUID,
    descendants: bool = True,
    sort: Sort = "-percent",
    cursor: Cursor = None,
) -> Response:
    """A language or region, its versions, and which is best and why."""
    query = {"descendants": None if descendants else "false", "sort": sort, "cursor": cursor}
    with reading(request) as snapshot:
        found = snapshot.get("language", id=language_id, descendants=descendants).shown()
        listed = _versions(
            snapshot, language_id=language_id, descendants=descendants, sort=sort, cursor=cursor
        )
    return page(
        request,
        "language.html",
        page="languages",
        language=found["language"],
        descendants=descendants,
        listed=listed,
        query=query,
        link=linker(f"/languages/{language_id}", query),
        download=linker("/api/v1/versions", {"language": language_id, **query, "cursor": None}),
    )


@router.get("/operations")
@shared(may_operate, follows_events=False)
def operations(request: Request, message: str | None = None) -> Response:
    """Queue, failures, dead letters, drift, strategy and measurements."""
    has_secret = request.app.state.settings.secret is not None
    can_operate = has_secret and may_operate(request)
    if has_secret and not can_operate:
        return RedirectResponse("/login", status_code=303)
    with Reads(request.app.state.pool).snapshot() as snapshot:
        connection = snapshot.connection
        status = insights.status(connection)
        hindrances = insights.hindrances(connection)
        queue = insights.queue(connection, 20)
        failures = insights.failures(connection, 50)
        letters = _if_allowed(lambda c: insights.dead_letters(c, 100), connection)
        measured = _if_allowed(insights.measurements, connection)
    metrics = request.app.state.metrics
    recent = list(metrics.recent)
    return page(
        request,
        "operations.html",
        page="operations",
        status=status,
        hindrances=hindrances,
        remarks=list(remarks(status, hindrances)),
        well=all_is_well(status, hindrances),
        queue=queue,
        failures=failures,
        letters=letters,
        measured=measured,
        recent=recent,
        span=[at.strftime("%H:%M:%S UTC") for at, _ in (*recent[:1], *recent[-1:])],
        depth=graph([(at.timestamp(), state.queue_depth) for at, state in recent]),
        oldest=graph([(at.timestamp(), state.oldest_signal_seconds) for at, state in recent]),
        counted=metrics.counted(),
        can_operate=can_operate,
        has_secret=has_secret,
        message={"done": "Done.", "gone": "That dead letter is gone."}.get(message or ""),
    )


@router.post("/operations/dead-letters/{letter_id}")
async def operate(request: Request, letter_id: UUID) -> Response:
    """Retry or discard a dead letter."""
    await operator(request)
    action = (await form(request)).get("action")
    if action not in ("retry", "discard"):
        raise ProblemError("invalid_request", "action is neither retry nor discard")
    try:
        await run_in_threadpool(change_dead_letter, request, letter_id, action)
    except ProblemError as problem:
        if problem.code != "not_found":
            raise
        return RedirectResponse("/operations?message=gone", status_code=303)
    return RedirectResponse("/operations?message=done", status_code=303)


def _versions(reads: Snapshot, *, limit: int = 50, **filters: Any) -> Any:
    cursor = filters.get("cursor")
    listed = reads.get(
        "versions",
        kind=filters.get("kind"),
        language_id=filters.get("language_id"),
        descendants=filters.get("descendants", False),
        search=filters.get("q"),
        status=filters.get("status"),
        min_percent=filters.get("min_percent"),
        sort=filters.get("sort", "name"),
        at_most=limit,
        after=cursor_in(cursor, VERSION_CURSOR),
    ).shown()
    return {**listed, "next_cursor": cursor_out(listed["next_cursor"])}


def _offered(reads: Snapshot, chosen: list[Any], search: str | None) -> list[Any]:
    """Return versions that a search finds and that can be compared with those that are chosen."""
    found = _versions(reads, limit=_SEARCHED if chosen else _SHOWN_SIBLINGS, q=search or None)
    these = {(one["kind"], one["id"]) for one in chosen}
    return [
        one
        for one in found["items"]
        if (one["kind"], one["id"]) not in these
        and (not chosen or one["bible_version_id"] == chosen[0]["bible_version_id"])
    ][:_SHOWN_SIBLINGS]


def _siblings(reads: Snapshot, versions: list[Any]) -> list[Any]:
    """Return others of the languages and the canon of these versions."""
    kinds, ids = [one["kind"] for one in versions], [UUID(one["id"]) for one in versions]
    found = reads.get("siblings", kinds=kinds, ids=ids, at_most=_SHOWN_SIBLINGS)
    return found.shown()["items"]


def _if_allowed(
    read: Callable[[Connection[Any]], Rows], connection: Connection[Any]
) -> Rows | None:
    """Return what `read` does, None where the role that this serves as may not read it."""
    try:
        # A savepoint, so that others can still be asked.
        with connection.transaction():
            return read(connection)
    except DatabaseRefused as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            return None
        raise
