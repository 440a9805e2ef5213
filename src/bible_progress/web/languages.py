"""Languages and the best versions of each, with the reason."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ..reading import documents as d
from .problems import responses
from .reads import LANGUAGE_CURSOR, ReadsOf, cursor_in, send, with_cursor
from .versions import CURSOR, ONE, READ_PROBLEMS, Limit, Search, cursor_of

router = APIRouter(tags=["languages"])

LanguageCursor = Annotated[
    Annotated[str, cursor_of(LANGUAGE_CURSOR)] | None, Query(description=CURSOR)
]
Descendants = Annotated[
    bool,
    Query(description="Of a region the languages in it, of a language its dialects count too."),
]


@router.get("/languages", response_model=d.LanguageList, responses=responses(*READ_PROBLEMS))
def list_languages(
    request: Request,
    reads: ReadsOf,
    q: Annotated[Search, Query(description="In the name, accents and case aside.")] = None,
    with_versions: Annotated[
        bool, Query(description="Only those that have any; with descendants, in them.")
    ] = False,
    descendants: Descendants = True,
    limit: Limit = 50,
    cursor: LanguageCursor = None,
) -> Response:
    """Languages and regions by name, with the best recording and the best text of each."""
    found = reads.get(
        "languages",
        search=q or None,
        descendants=descendants,
        with_versions=with_versions,
        at_most=limit,
        after=cursor_in(cursor, LANGUAGE_CURSOR),
    )
    return send(request, found, body=with_cursor(found))


@router.get("/languages/{language_id}", response_model=d.LanguageDetail, responses=ONE)
def get_language(
    request: Request,
    reads: ReadsOf,
    language_id: Annotated[UUID, Path()],
    descendants: Descendants = True,
) -> Response:
    """A language with its best recording and its best text, and why they are."""
    return send(request, reads.get("language", id=language_id, descendants=descendants))
