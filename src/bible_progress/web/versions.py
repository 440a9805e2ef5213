"""Versions: lists, summaries, trees, gaps, comparisons, history, badges."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from .. import documents as d
from ..errors import InputError
from .badge import badge
from .problems import ProblemError, responses
from .reads import VERSION_CURSOR, ReadsOf, cursor_in, send, send_csv, with_cursor

router = APIRouter(tags=["versions"])

Kind = Annotated[d.Kind, Path(description="audio or text")]
VersionId = Annotated[UUID, Path(description="Of a row of audio_versions or text_versions.")]
# Ids are the host's, so they may be anything that PostgreSQL indexes.
LONGEST_ID = 10_000
Key = Annotated[str, Path(max_length=LONGEST_ID, pattern=r"^[^\x00]*$")]
Id = Annotated[str | None, Query(max_length=LONGEST_ID, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=2000, description="`next_cursor` of the page before.")
]
Format = Annotated[Literal["json", "csv"], Query(description="csv is sent as a download.")]
Search = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Sort = Literal[
    "name", "-name", "percent", "-percent", "covered", "-covered",
    "updated", "-updated", "created", "-created",
]  # fmt: skip

READ_PROBLEMS = (
    "invalid_request", "nothing_stored", "too_stale", "database_unavailable", "database_busy",
    "not_installed",
)  # fmt: skip
ONE = responses("not_found", *READ_PROBLEMS)
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
PATH = "/versions/{kind}/{version_id}"


@router.get(
    "/versions", response_model=d.VersionList, responses={**_CSV, **responses(*READ_PROBLEMS)}
)
def list_versions(
    request: Request,
    reads: ReadsOf,
    kind: d.Kind | None = None,
    language: Annotated[UUID | None, Query(description="Of a language_entities row.")] = None,
    descendants: Annotated[bool, Query(description="Languages below it too.")] = False,
    q: Annotated[Search, Query(description="In the name or the language's name.")] = None,
    status: d.CoverageStatus | None = None,
    min_percent: Annotated[int | None, Query(ge=0, le=100)] = None,
    sort: Annotated[Sort, Query(description="With a minus, the greatest first.")] = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
    format: Format = "json",
) -> Response:
    """The versions with their numbers, a page at a time."""
    found = reads.get(
        "versions",
        kind=kind,
        language_id=language,
        descendants=descendants,
        search=q or None,
        status=status,
        min_percent=min_percent,
        sort=sort,
        at_most=limit,
        after=cursor_in(cursor, VERSION_CURSOR),
    )
    if format == "csv":
        return send_csv(request, found, "versions")
    return send(request, found, body=with_cursor(found))


@router.get(PATH, response_model=d.Tree, responses=ONE)
def get_version(request: Request, reads: ReadsOf, kind: Kind, version_id: VersionId) -> Response:
    """One version's numbers; `books` is null."""
    return send(request, reads.get("tree", kind=kind, id=version_id, depth="version", book=None))


@router.get(f"{PATH}/tree", response_model=d.Tree, responses=ONE)
def get_tree(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    depth: Literal["version", "book", "chapter"] = "chapter",
    book: Annotated[Id, Query(description="The id of one book.")] = None,
) -> Response:
    """A version with its books and chapters, covered and missing ranges, in one call."""
    return send(request, reads.get("tree", kind=kind, id=version_id, depth=depth, book=book))


@router.get(f"{PATH}/books", response_model=d.BookList, responses={**_CSV, **ONE})
def list_books(
    request: Request, reads: ReadsOf, kind: Kind, version_id: VersionId, format: Format = "json"
) -> Response:
    """The books of a version in canon order."""
    found = reads.get("books", kind=kind, id=version_id)
    return send_csv(request, found, "books") if format == "csv" else send(request, found)


@router.get(f"{PATH}/chapters", response_model=d.ChapterList, responses={**_CSV, **ONE})
def list_chapters(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    book: Annotated[Id, Query(description="The id of one book.")] = None,
    format: Format = "json",
) -> Response:
    """The chapters of a version, or of one book, in canon order."""
    found = reads.get("chapters", kind=kind, id=version_id, book=book)
    return send_csv(request, found, "chapters") if format == "csv" else send(request, found)


@router.get(f"{PATH}/chapters/{{chapter_id}}", response_model=d.ChapterDetail, responses=ONE)
def get_chapter(
    request: Request, reads: ReadsOf, kind: Kind, version_id: VersionId, chapter_id: Key
) -> Response:
    """A chapter with its verses."""
    return send(request, reads.get("chapter", kind=kind, id=version_id, chapter=chapter_id))


@router.get(f"{PATH}/gaps", response_model=d.GapList, responses={**_CSV, **ONE})
def list_gaps(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    limit: Annotated[int, Query(ge=1, le=1500)] = 200,
    cursor: Annotated[Id, Query(description="`next_cursor` of the page before.")] = None,
    format: Format = "json",
) -> Response:
    """What is missing, in canon order, one item a chapter; `next` is the first thing to do."""
    found = reads.get("gaps", kind=kind, id=version_id, at_most=limit, after=cursor)
    return send_csv(request, found, "gaps") if format == "csv" else send(request, found)


@router.get(f"{PATH}/history", response_model=d.History, responses={**_CSV, **ONE})
def get_history(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    days: Annotated[int, Query(ge=1, le=3660, description="The latest of them.")] = 366,
    format: Format = "json",
) -> Response:
    """The state at the end of each UTC day on which something changed, as drained."""
    found = reads.get("history", kind=kind, id=version_id, at_most=days)
    return send_csv(request, found, "history") if format == "csv" else send(request, found)


@router.get(
    f"{PATH}/badge.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}, **ONE},
)
def get_badge(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    label: Annotated[Search, Query(description="Instead of the version's name.")] = None,
) -> Response:
    """A picture of the percentage to embed; it says 100 % when nothing is missing."""
    found = reads.get("tree", kind=kind, id=version_id, depth="version", book=None)
    answer = send(request, found, body=badge(found.shown(), label))
    if answer.status_code == 200:
        answer.headers["Content-Type"] = "image/svg+xml; charset=utf-8"
    return answer


@router.get(
    "/compare",
    response_model=d.Comparison,
    responses=responses("not_found", "not_comparable", *READ_PROBLEMS),
)
def compare(
    request: Request,
    reads: ReadsOf,
    version: Annotated[
        list[Annotated[str, Query(pattern=r"^(audio|text):[0-9a-fA-F-]{36}$")]],
        Query(min_length=2, max_length=8, description="kind:id, two to eight times"),
    ],
) -> Response:
    """What each of some versions of one canon has alone, and what it lacks that another has."""
    kinds, ids = zip(*(one.split(":") for one in version), strict=True)
    try:
        wanted = [UUID(id_) for id_ in ids]
    except ValueError:
        raise ProblemError("invalid_request", "query version: an id is not a UUID") from None
    try:
        return send(request, reads.get("compare", kinds=list(kinds), ids=wanted))
    except InputError as error:
        raise ProblemError("not_comparable", str(error), hint=error.hint) from error
