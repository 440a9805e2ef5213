"""Versions: lists, summaries, trees, gaps, comparisons, history, badges."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from ..errors import InputError
from ..reading import documents as d
from .badge import badge
from .comparing import MOST, as_rows, versions_named
from .downloads import CONTENT, Format, send_download
from .problems import ProblemError, responses
from .reads import (
    UUID_FORM,
    VERSION_CURSOR,
    Answer,
    ReadsOf,
    Snapshot,
    cursor_in,
    send,
    with_cursor,
)

router = APIRouter(tags=["versions"])

Kind = Annotated[d.Kind, Path(description="audio or text")]
VersionId = Annotated[UUID, Path(description="Of a row of audio_versions or text_versions.")]
# Ids are the host's, so they may be anything that PostgreSQL indexes.
LONGEST_ID = 10_000
NO_NUL = r"^[^\x00]*$"
Key = Annotated[str, Path(max_length=LONGEST_ID, pattern=NO_NUL)]
Id = Annotated[str | None, Query(max_length=LONGEST_ID, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]
CURSOR = "`next_cursor` of the page before."
# 200 characters of a name, each of four bytes that are escaped, and what follows them.
LONGEST_CURSOR = 2600
# Pages take any and tell of those that are none.
Cursor = Annotated[str | None, Query(max_length=LONGEST_CURSOR, description=CURSOR)]


def cursor_of(form: str) -> Any:
    """Return what describes the text of a cursor: its length, and which ones there are."""
    return Field(max_length=LONGEST_CURSOR, json_schema_extra={"pattern": form})


VersionCursor = Annotated[
    Annotated[str, cursor_of(VERSION_CURSOR)] | None, Query(description=CURSOR)
]
As = Annotated[
    Format,
    Query(description="csv and ndjson, one JSON object a line, are downloads of all rows."),
]
Search = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]
Sort = Literal[
    "name", "-name", "kind", "-kind", "language", "-language", "status", "-status",
    "percent", "-percent", "covered", "-covered", "books", "-books", "old", "-old", "new", "-new",
    "updated", "-updated", "created", "-created",
]  # fmt: skip

READ_PROBLEMS = (
    "invalid_request", "nothing_stored", "too_stale", "database_unavailable", "database_busy",
    "not_installed",
)  # fmt: skip
ONE = responses("not_found", *READ_PROBLEMS)
PATH = "/versions/{kind}/{version_id}"
_SEARCHED = "In the name, or that of its language or of a region above; accents and case aside."
_SORTED = "With a minus, the greatest first; old and new: the share of a testament. Then by name."
_AT_MOST = "a download has all rows unless it is given, then a Link names the rest."


@router.get(
    "/versions", response_model=d.VersionList, responses={**CONTENT, **responses(*READ_PROBLEMS)}
)
def list_versions(
    request: Request,
    reads: ReadsOf,
    kind: d.Kind | None = None,
    language: Annotated[UUID | None, Query(description="Of a language_entities row.")] = None,
    descendants: Annotated[bool, Query(description="The languages in it too.")] = True,
    q: Annotated[Search, Query(description=_SEARCHED)] = None,
    status: d.CoverageStatus | None = None,
    min_percent: Annotated[int | None, Query(ge=0, le=100)] = None,
    sort: Annotated[Sort, Query(description=_SORTED)] = "name",
    limit: Annotated[int | None, Query(ge=1, le=200, description=f"50; {_AT_MOST}")] = None,
    cursor: VersionCursor = None,
    format: As = "json",
) -> Response:
    """The versions with their numbers, a page at a time, or all of them as a download."""

    def page(snapshot: Snapshot, rows: int, after: str | None) -> Answer:
        return snapshot.get(
            "versions",
            kind=kind,
            language_id=language,
            descendants=descendants,
            search=q or None,
            status=status,
            min_percent=min_percent,
            sort=sort,
            at_most=rows,
            after=after,
        )

    after = cursor_in(cursor, VERSION_CURSOR)
    if format != "json":
        return send_download(
            request, reads, page, "versions", d.VersionSummary, format, limit=limit, after=after
        )
    with reads.snapshot() as snapshot:
        found = page(snapshot, limit or 50, after)
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


@router.get(f"{PATH}/books", response_model=d.BookList, responses={**CONTENT, **ONE})
def list_books(
    request: Request, reads: ReadsOf, kind: Kind, version_id: VersionId, format: As = "json"
) -> Response:
    """The books of a version in canon order."""

    def page(snapshot: Snapshot, *_: object) -> Answer:
        return snapshot.get("books", kind=kind, id=version_id)

    if format != "json":
        return send_download(request, reads, page, "books", d.Book, format)
    with reads.snapshot() as snapshot:
        return send(request, page(snapshot))


@router.get(f"{PATH}/chapters", response_model=d.ChapterList, responses={**CONTENT, **ONE})
def list_chapters(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    book: Annotated[Id, Query(description="The id of one book.")] = None,
    format: As = "json",
) -> Response:
    """The chapters of a version, or of one book, in canon order."""

    def page(snapshot: Snapshot, *_: object) -> Answer:
        return snapshot.get("chapters", kind=kind, id=version_id, book=book)

    if format != "json":
        return send_download(request, reads, page, "chapters", d.ChapterSummary, format)
    with reads.snapshot() as snapshot:
        return send(request, page(snapshot))


@router.get(f"{PATH}/chapters/{{chapter_id:path}}", response_model=d.ChapterDetail, responses=ONE)
def get_chapter(
    request: Request, reads: ReadsOf, kind: Kind, version_id: VersionId, chapter_id: Key
) -> Response:
    """A chapter with its verses. Ids that are no part of a path, such as `..`, which clients take
    for the folder above, go to `/chapter?id=` instead.
    """
    return send(request, reads.get("chapter", kind=kind, id=version_id, chapter=chapter_id))


@router.get(f"{PATH}/chapter", response_model=d.ChapterDetail, responses=ONE)
def get_chapter_by_id(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    id: Annotated[
        str,
        Query(max_length=LONGEST_ID, pattern=NO_NUL, description="Of the chapter, any id at all."),
    ],
) -> Response:
    """A chapter with its verses, for ids of whatever characters."""
    return send(request, reads.get("chapter", kind=kind, id=version_id, chapter=id))


@router.get(f"{PATH}/gaps", response_model=d.GapList, responses={**CONTENT, **ONE})
def list_gaps(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    limit: Annotated[int | None, Query(ge=1, le=1500, description=f"200; {_AT_MOST}")] = None,
    cursor: Annotated[Id, Query(description=CURSOR)] = None,
    format: As = "json",
) -> Response:
    """What is missing, in canon order, one item a chapter; `next` is the first thing to do."""

    def page(snapshot: Snapshot, rows: int, after: str | None) -> Answer:
        try:
            return snapshot.get("gaps", kind=kind, id=version_id, at_most=rows, after=after)
        except InputError as error:
            # Any text may be the id of a chapter; this one is that of none, or of none any more.
            raise ProblemError("not_found", str(error), hint=error.hint) from error

    if format != "json":
        return send_download(request, reads, page, "gaps", d.Gap, format, limit=limit, after=cursor)
    with reads.snapshot() as snapshot:
        return send(request, page(snapshot, limit or 200, cursor))


@router.get(f"{PATH}/history", response_model=d.History, responses={**CONTENT, **ONE})
def get_history(
    request: Request,
    reads: ReadsOf,
    kind: Kind,
    version_id: VersionId,
    days: Annotated[
        int | None,
        Query(
            ge=1, le=3660, description="The latest of them: 366; of a download all unless given."
        ),
    ] = None,
    format: As = "json",
) -> Response:
    """The state at the end of each UTC day on which something changed, as drained."""

    def page(snapshot: Snapshot, *_: object) -> Answer:
        shown = days if format != "json" else days or 366
        return snapshot.get("history", kind=kind, id=version_id, at_most=shown)

    if format != "json":
        return send_download(request, reads, page, "history", d.Day, format)
    with reads.snapshot() as snapshot:
        return send(request, page(snapshot))


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
    responses={**CONTENT, **responses("not_found", "not_comparable", *READ_PROBLEMS)},
)
def compare(
    request: Request,
    reads: ReadsOf,
    version: Annotated[
        list[Annotated[str, Query(pattern=f"^(audio|text):{UUID_FORM}$")]],
        Query(min_length=2, max_length=MOST, description="kind:id, two to eight times"),
    ],
    format: As = "json",
) -> Response:
    """What each of some versions of one canon has alone, and what it lacks that another has, by
    book and chapter. A download has a row for each book of each version.
    """
    wanted, _ = versions_named(version)
    kinds, ids = [kind for kind, _ in wanted], [id_ for _, id_ in wanted]

    def page(snapshot: Snapshot, *_: object) -> Answer:
        return snapshot.get("compare", kinds=kinds, ids=ids)

    def rows(snapshot: Snapshot, *_: object) -> Answer:
        return as_rows(page(snapshot))

    try:
        if format != "json":
            return send_download(request, reads, rows, "comparison", d.ComparedBook, format)
        with reads.snapshot() as snapshot:
            return send(request, page(snapshot))
    except InputError as error:
        raise ProblemError("not_comparable", str(error), hint=error.hint) from error
