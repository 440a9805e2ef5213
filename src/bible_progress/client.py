"""A typed client of the HTTP API.

from bible_progress.client import Client

with Client("http://127.0.0.1:8080") as progress:
    for version in progress.versions(kind="text", status="in progress"):
        print(version.name, version.percent, progress.next_gap("text", version.id))
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from uuid import UUID

import httpx

from .reading import documents as d

__all__ = ["ApiError", "Client"]

Kind = Literal["audio", "text"]

# Live updates come with a sign of life every 15 seconds.
SILENCE_SECONDS = 60.0
_Model = TypeVar("_Model", bound=d.Shape)


class ApiError(Exception):
    """The server refused or failed; `problem` says why, `problem.code` is stable."""

    def __init__(self, problem: d.Problem) -> None:
        super().__init__(f"{problem.title}: {problem.detail}")
        self.problem = problem


class Client:
    """Reads the API at `base_url`; `secret` opens operations.

    Every method raises ApiError for a problem that the server names, httpx.HTTPError where there
    was no answer.
    """

    def __init__(
        self, base_url: str, *, secret: str | None = None, timeout_seconds: float = 30.0
    ) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._timeout = timeout_seconds
        self._http = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1/", headers=headers, timeout=timeout_seconds
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def versions(
        self,
        *,
        kind: Kind | None = None,
        language: UUID | None = None,
        descendants: bool = True,
        q: str | None = None,
        status: d.CoverageStatus | None = None,
        min_percent: int | None = None,
        sort: str = "name",
    ) -> Iterator[d.VersionSummary]:
        """Yield every version that matches, a page of the server at a time."""
        query = {
            "kind": kind,
            "language": language,
            "descendants": descendants,
            "q": q,
            "status": status,
            "min_percent": min_percent,
            "sort": sort,
            "limit": 200,
        }
        cursor: str | None = None
        while True:
            page = self._get(d.VersionList, "versions", **query, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def version(self, kind: Kind, version_id: UUID) -> d.Tree:
        """Return one version's numbers."""
        return self._get(d.Tree, f"versions/{kind}/{version_id}")

    def tree(
        self,
        kind: Kind,
        version_id: UUID,
        *,
        depth: Literal["version", "book", "chapter"] = "chapter",
        book: str | None = None,
    ) -> d.Tree:
        """Return a version with its books and chapters."""
        return self._get(d.Tree, f"versions/{kind}/{version_id}/tree", depth=depth, book=book)

    def chapter(self, kind: Kind, version_id: UUID, chapter_id: str) -> d.ChapterDetail:
        """Return a chapter with its verses."""
        # Not in the path, of which `..` and the like would not arrive.
        path = f"versions/{kind}/{version_id}/chapter"
        return self._get(d.ChapterDetail, path, id=chapter_id)

    def gaps(self, kind: Kind, version_id: UUID) -> Iterator[d.Gap]:
        """Yield what is missing, in canon order, one chapter at a time."""
        cursor: str | None = None
        while True:
            page = self._get(d.GapList, f"versions/{kind}/{version_id}/gaps", cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def next_gap(self, kind: Kind, version_id: UUID) -> d.Gap | None:
        """Return the first thing to do, None for a complete version."""
        return self._get(d.GapList, f"versions/{kind}/{version_id}/gaps", limit=1).next

    def history(self, kind: Kind, version_id: UUID, *, days: int = 366) -> d.History:
        """Return the state at the end of each day on which something changed."""
        return self._get(d.History, f"versions/{kind}/{version_id}/history", days=days)

    def compare(self, versions: Sequence[tuple[Kind, UUID]]) -> d.Comparison:
        """Return what each of two or more versions has alone, and what it lacks."""
        return self._get(
            d.Comparison, "compare", version=[f"{kind}:{id_}" for kind, id_ in versions]
        )

    def languages(
        self, *, q: str | None = None, with_versions: bool = False, descendants: bool = True
    ) -> Iterator[d.Language]:
        """Yield every language that matches, with its best versions."""
        cursor: str | None = None
        while True:
            page = self._get(
                d.LanguageList,
                "languages",
                q=q,
                with_versions=with_versions,
                descendants=descendants,
                limit=200,
                cursor=cursor,
            )
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def language(self, language_id: UUID, *, descendants: bool = True) -> d.Language:
        """Return a language with its best versions and why they are."""
        path = f"languages/{language_id}"
        return self._get(d.LanguageDetail, path, descendants=descendants).language

    def refresh(self, *, seconds: float = 5.0) -> d.Refreshed:
        """Drain what waits for up to `seconds`; needs the secret.

        Waits for the answer as long as it may take: `seconds` beside the timeout of the client.
        """
        answer = self._http.post(
            "refresh",
            params={"seconds": seconds},
            timeout=httpx.Timeout(self._timeout, read=self._timeout + seconds),
        )
        return self._read(d.Refreshed, answer)

    def changes(self, *, last_event_id: str | None = None) -> Iterator[list[tuple[Kind, UUID]]]:
        """Yield the versions that changed, as they change; an empty list means many.

        Ends when the server ends; httpx.HTTPError where the connection is lost.
        """
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        # The server says something at least that often, and be it that nothing changed.
        timeout = httpx.Timeout(self._timeout, read=max(self._timeout, SILENCE_SECONDS))
        with self._http.stream("GET", "events", headers=headers, timeout=timeout) as answer:
            if answer.status_code != 200:
                answer.read()
                self._read(d.Shape, answer)
            event = ""
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event in ("changed", "reset"):
                    versions: list[Any] = json.loads(value)["versions"]
                    yield [(version["kind"], UUID(version["id"])) for version in versions]

    def _get(self, model: type[_Model], path: str, **query: Any) -> _Model:
        parameters = {name: value for name, value in query.items() if value is not None}
        return self._read(model, self._http.get(path, params=parameters))

    def _read(self, model: type[_Model], answer: httpx.Response) -> _Model:
        if answer.is_success:
            # A newer server may say more than this client knows.
            return model.model_validate_json(answer.content, extra="ignore")
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            raise ApiError(d.Problem.model_validate_json(answer.content, extra="ignore"))
        answer.raise_for_status()
        raise httpx.HTTPError(f"unexpected answer {answer.status_code}")
