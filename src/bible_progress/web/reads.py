"""Documents from the database: pooled connections, how fresh they must be, how they are sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Query, Request
from psycopg import Connection
from psycopg.rows import class_row, scalar_row
from psycopg_pool import ConnectionPool
from starlette.responses import Response

from .. import sql
from ..db import translated
from .problems import ProblemError

_QUERIES = sql.queries("documents")
# Inside of a JSON text quotes are escaped, so this matches the key only.
_AS_OF = re.compile(r'"as_of" ?: ?"[^"]*"')

NO_NAME = "(no name)"
LONGEST_NAME = 100
# What hosts name as they like.
_NAMES = {"name", "book", "language", "parent", "canon", "testament", "level"}

_NEXT = '"next_cursor" : '

Consistency = Literal["exact", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A JSON document and how fresh it is."""

    body: str
    as_of: datetime
    pending: bool
    stale_seconds: float | None

    @property
    def etag(self) -> str:
        """Of what it says but for the time of asking."""
        found = _AS_OF.search(self.body)
        start, end = found.span() if found else (0, 0)
        digest = hashlib.sha256(self.body[:start].encode())
        digest.update(self.body[end:].encode())
        return f'W/"{digest.hexdigest()[:32]}"'

    def parsed(self) -> Any:
        """Return the document as Python values."""
        return json.loads(self.body)

    def shown(self) -> Any:
        """Return the document as people see it: what has no name or number is said to have none,
        and names are cut where nobody would read on.
        """
        return json.loads(self.body, object_hook=_filled)


def _filled(part: dict[str, Any]) -> dict[str, Any]:
    for key, instead in (("name", NO_NAME), ("book", NO_NAME), ("number", "?")):
        if part.get(key, instead) in (None, ""):
            part[key] = instead
    for key in _NAMES & part.keys():
        if isinstance(part[key], str):
            part[key] = cut(part[key])
    return part


def cut(name: str) -> str:
    """Return a name as it is shown: at most LONGEST_NAME characters."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


class Snapshot:
    """Documents as one moment of the database has them."""

    def __init__(
        self, connection: Connection[Any], *, stored: bool, max_staleness: float | None
    ) -> None:
        self.connection = connection
        self._stored = stored
        self._max_staleness = max_staleness

    def moment(self) -> str:
        """Return what stays the same as long as nothing that can be read here changes."""
        with translated(), self.connection.cursor(row_factory=scalar_row) as cursor:
            return cursor.execute(_QUERIES["moment"]).fetchone() or ""

    def find(self, name: str, **parameters: object) -> Answer | None:
        """Return a document of queries/documents.sql, None where there is no such thing.

        Raises ProblemError `too_stale` for stored numbers that lack older changes than allowed.
        """
        with translated(), self.connection.cursor(row_factory=class_row(Answer)) as cursor:
            found = cursor.execute(
                _QUERIES[name], {**parameters, "stored": self._stored}
            ).fetchone()
        # Pydantic documents are not needed here: the database wrote the whole answer.
        if found is None or not found.body:
            return None
        self._refuse_stale(found)
        return found

    def get(self, name: str, **parameters: object) -> Answer:
        """Return a document; raises ProblemError `not_found` where there is none."""
        found = self.find(name, **parameters)
        if found is None:
            raise ProblemError(
                "not_found", "there is no such version, book, chapter or language, or it is deleted"
            )
        return found

    def _refuse_stale(self, found: Answer) -> None:
        if self._max_staleness is None:
            return
        if found.stale_seconds is None or found.stale_seconds > self._max_staleness:
            age = (
                "an unknown time" if found.stale_seconds is None else f"{found.stale_seconds:.1f} s"
            )
            raise ProblemError(
                "too_stale",
                f"the oldest change that is not drained waits since {age}, "
                f"more than the {self._max_staleness:g} s asked for",
                hint="Read with consistency=exact, or see whether a worker runs.",
            )


class Reads:
    """Reads documents as consistent as a request wants them."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        consistency: Consistency = "exact",
        max_staleness: float | None = None,
    ) -> None:
        self._pool = pool
        self._stored = consistency == "stored" or max_staleness is not None
        self._max_staleness = max_staleness

    @contextmanager
    def snapshot(self) -> Generator[Snapshot]:
        """Give what the database says at one moment, however often it is asked in the block."""
        with translated(), self._pool.connection() as connection, connection.transaction():
            yield Snapshot(connection, stored=self._stored, max_staleness=self._max_staleness)

    def get(self, name: str, **parameters: object) -> Answer:
        """Return one document; raises ProblemError `not_found` where there is none."""
        with self.snapshot() as snapshot:
            return snapshot.get(name, **parameters)


async def reads(
    request: Request,
    consistency: Annotated[
        Consistency,
        Query(description="exact counts what is not drained now; stored is as last drained."),
    ] = "exact",
    max_staleness: Annotated[
        float | None,
        Query(
            ge=0,
            le=31_536_000,
            allow_inf_nan=False,
            description="Seconds. Answers from what is stored, or with too_stale where that lacks "
            "older changes.",
        ),
    ] = None,
) -> Reads:
    """Give a request its reads; async, so that it takes no thread."""
    return Reads(request.app.state.pool, consistency, max_staleness)


ReadsOf = Annotated[Reads, Depends(reads)]


def send(request: Request, found: Answer, *, body: str | None = None) -> Response:
    """Answer with a document, or with 304 where the client has it already."""
    headers = freshness(found)
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body or found.body, media_type="application/json", headers=headers)


# What the cursor of a list is made of, as the description says: what it is ordered by, then what no
# two rows share. Whatever is of this form is one, even where nothing of that key was ever listed.
_TEXT = r"(?:[A-Za-z0-9_-]|\.[0-9A-F]{2})*"
_NUMBER = r"-?(?:[0-9]{1,20}(?:\.2E[0-9]{1,40})?|Infinity)"
_UUID = "-".join(f"[0-9a-f]{{{length}}}" for length in (8, 4, 4, 4, 12))
UUID_FORM = _UUID.replace("a-f", "a-fA-F")
VERSION_CURSOR = f"^{_TEXT}~{_NUMBER}~(?:audio|text)~{_UUID}$"
LANGUAGE_CURSOR = f"^{_TEXT}~{_UUID}$"
# Microseconds since 1970, of three centuries before and after.
LETTER_CURSOR = f"^-?[0-9]{{1,16}}~{_UUID}$"
_ESCAPED = re.compile(rb"\.([0-9A-F]{2})")
_TO_ESCAPE = re.compile(rb"[^A-Za-z0-9_-]")


def cursor_out(key: Any) -> str | None:
    """Return the cursor of the page behind a key, None where there is none; opaque to clients."""
    # Gaps go on behind a chapter, whose id is a cursor as it is.
    if key is None or isinstance(key, str):
        return key
    return b"~".join(
        _TO_ESCAPE.sub(lambda found: b".%02X" % found[0][0], part.encode())
        for part in cast("list[str]", key)
    ).decode()


def cursor_in(cursor: str | None, form: str) -> str | None:
    """Return the key of a cursor as JSON; raises ProblemError for one that is not of this form."""
    if cursor is None:
        return None
    if not re.fullmatch(form, cursor):
        raise ProblemError(
            "invalid_request",
            "query cursor: this is not a cursor that a list gave",
            hint="Leave it out to begin with the first page.",
        )
    key = (
        _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), part.encode())
        for part in cursor.split("~")
    )
    # What no text of the database can be is none that anything is ordered by.
    return json.dumps([part.decode("utf-8", "replace").replace("\0", "\ufffd") for part in key])


def with_cursor(found: Answer) -> str:
    """Return a list document with a cursor as its last key; the rest stays unparsed."""
    items, key, last = found.body.rpartition(_NEXT)
    return f"{items}{key}{json.dumps(cursor_out(json.loads(last[:-1])))}}}"


def freshness(found: Answer) -> dict[str, str]:
    """Return the headers that say how fresh a document is."""
    return {
        "ETag": found.etag,
        "Cache-Control": "no-cache",
        "X-As-Of": found.as_of.isoformat(),
        "X-Pending": "true" if found.pending else "false",
    }


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has this already."""
    known = request.headers.get("if-none-match", "").split(",")
    return any(one.strip() in (tag, "*") for one in known)
