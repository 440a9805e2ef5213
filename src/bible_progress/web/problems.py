"""Errors as application/problem+json (RFC 9457), each with a code that stays."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import errors
from ..reading.documents import Problem

log = logging.getLogger("bible_progress.web")

# code: (HTTP status, title). The reference page lists them.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request is malformed"),
    "wrong_host": (400, "The request names another server"),
    "invalid_request": (422, "The request cannot be understood"),
    "too_large": (413, "The request is too large"),
    "not_a_form": (415, "This is not a form"),
    "no_such_range": (416, "The range asked for is not there"),
    "not_comparable": (409, "These versions cannot be compared"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "Not with this method"),
    "secret_needed": (401, "This needs the secret"),
    "too_many_guesses": (429, "Too many wrong secrets were given"),
    "no_secret_set": (403, "This server was started without a secret"),
    "forbidden": (403, "This is not allowed"),
    "refused": (409, "The database refused"),
    "guarded": (409, "The production guard refused"),
    "nothing_stored": (409, "Nothing is stored"),
    "too_stale": (503, "What is stored is too old"),
    "too_slow": (408, "The request did not come in time"),
    "headers_too_large": (431, "The headers of the request are too large"),
    "server_busy": (503, "The server has too much to do"),
    "too_many_listeners": (503, "Too many listen already"),
    "database_unavailable": (503, "The database does not answer"),
    "database_busy": (503, "The database is busy"),
    "not_installed": (503, "Bible Progress is not installed in the database"),
    "wrong_schema": (503, "The database has the schema of another version"),
    "internal": (500, "Something went wrong"),
}
RETRY_SECONDS = 1
# SQLSTATEs that clients meet by name.
NOTHING_STORED, TIMED_OUT, NO_RIGHT = "BP005", "57014", "42501"
# The class of what another transaction caused, or the recovery of a standby.
ROLLED_BACK = "40"
_OF_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    416: "no_such_range",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What an answer in plain words may say before nobody reads on.
_LONGEST_DETAIL = 1000


class ProblemError(Exception):
    """Ends a request with a problem; `code` is one of PROBLEMS, `headers` go with the answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint = code, detail, hint
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}


def of_error(error: Exception) -> ProblemError:
    """Return the problem that an error stands for."""
    if isinstance(error, psycopg.Error) and not isinstance(error, PoolTimeout):
        error = _translated(error)
    detail, hint = str(error), getattr(error, "hint", None)
    match error:
        case ProblemError():
            return error
        case PoolTimeout():
            return ProblemError("database_unavailable", "no database connection became free")
        case errors.ConnectionFailed():
            return ProblemError("database_unavailable", detail, hint=hint)
        case errors.NotInstalled():
            return ProblemError("not_installed", detail, hint=hint)
        case errors.SchemaMismatch():
            return ProblemError("wrong_schema", detail, hint=hint)
        case errors.DatabaseRefused() if _sqlstate(error) == NOTHING_STORED:
            return ProblemError("nothing_stored", detail, hint=hint)
        case errors.DatabaseRefused() if _sqlstate(error) == TIMED_OUT:
            return ProblemError("database_busy", "the database took too long", hint=hint)
        case errors.DatabaseRefused() if (_sqlstate(error) or "")[:2] == ROLLED_BACK:
            return ProblemError("database_busy", detail, hint=hint)
        case errors.DatabaseRefused() if _sqlstate(error) == NO_RIGHT:
            return ProblemError("forbidden", detail, hint=hint)
        case errors.GuardRefused():
            return ProblemError("guarded", detail, hint=hint)
        case errors.InputError():
            return ProblemError("invalid_request", detail, hint=hint)
        case errors.BibleProgressError():
            return ProblemError("refused", detail, hint=hint)
        case HTTPException():
            code = _OF_STATUS.get(error.status_code, "invalid_request")
            return ProblemError(code, error.detail, headers=error.headers)
        case RequestValidationError():
            return ProblemError("invalid_request", _told(error))
        case _:
            return ProblemError("internal", "This is a fault of the server; its log has more.")


def _translated(error: psycopg.Error) -> errors.BibleProgressError:
    found = errors.from_database(error)
    found.__cause__ = error
    return found


def _sqlstate(error: Exception) -> str | None:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def _told(error: RequestValidationError) -> str:
    """Say which part of the request is wrong, and why, without repeating what was sent."""
    return "; ".join(
        f"{' '.join(str(part) for part in found['loc'])}: {found['msg']}"
        for found in error.errors()
    )


def status_of(problem: ProblemError) -> int:
    """Return the HTTP status of a problem."""
    return PROBLEMS[problem.code][0]


def headers_of(problem: ProblemError) -> dict[str, str]:
    """Return what the headers of an answer say of a problem, whatever its body is."""
    status = status_of(problem)
    headers = {"cache-control": "no-store", **problem.headers}
    if status == 503:
        headers["retry-after"] = str(RETRY_SECONDS)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers


def document_of(problem: ProblemError, request_id: str) -> Problem:
    """Return the problem of a request as the document that clients get."""
    status, title = PROBLEMS[problem.code]
    return Problem(
        type="about:blank",
        title=title,
        status=status,
        code=problem.code,
        detail=problem.detail,
        hint=problem.hint,
        request_id=request_id,
    )


def answer(request: Request, problem: ProblemError) -> Response:
    """Return the problem as a response."""
    return JSONResponse(
        document_of(problem, request.state.request_id).model_dump(mode="json"),
        status_code=status_of(problem),
        headers=headers_of(problem),
        media_type="application/problem+json",
    )


def responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Describe these problems for the OpenAPI document."""
    described: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, title = PROBLEMS[code]
        entry = described.setdefault(
            status,
            {"description": "", "content": {"application/problem+json": {"schema": _SCHEMA}}},
        )
        entry["description"] = f"{entry['description']}, `{code}`: {title}".lstrip(", ")
    return described


_SCHEMA = {"$ref": "#/components/schemas/Problem"}


def _shown(request: Request, error: Exception) -> Response:
    """Return what is answered instead of an error: a problem, as a page where one is wanted."""
    problem = of_error(error)
    if problem.code == "method_not_allowed":
        allowed = _allowed(request.scope)
        if allowed:
            problem.headers["allow"] = allowed
    if problem.code == "internal":
        log.error(
            "request failed",
            exc_info=error,
            extra={"action": "error", "request_id": request.state.request_id},
        )
    try:
        return request.app.state.show_problem(request, problem)
    except Exception:
        log.exception("cannot show a problem", extra={"action": "error"})
        return answer(request, problem)


def _allowed(scope: Scope) -> str:
    """Return the methods of all routes of a path; a route knows only its own."""
    routes = [route for route in scope["app"].routes if not isinstance(route, Mount)]
    return ", ".join(
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    )


class Problems:
    """Makes a problem of every error, and of every one that is told in plain words.

    An answer that has begun cannot become another: its error goes on to whoever is outside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False
        plain: Message | None = None
        words = b""

        async def out(message: Message) -> None:
            nonlocal has_begun, plain, words
            if message["type"] == "http.response.start" and message["status"] >= 400:
                kind = Headers(raw=message["headers"]).get("content-type", "text/plain")
                plain = message if kind.startswith("text/plain") else None
            if plain is None:
                has_begun = True
                await send(message)
            elif message["type"] == "http.response.body":
                words = (words + message.get("body", b""))[:_LONGEST_DETAIL]

        try:
            await self._app(scope, receive, out)
        except ClientDisconnect:
            # Nobody is left to be told.
            return
        except Exception as error:
            if has_begun:
                raise
            shown = _shown(Request(scope), error)
        else:
            if plain is None:
                return
            shown = _shown(Request(scope), _error_of(plain, words))
        await shown(scope, receive, send)


def _error_of(plain: Message, words: bytes) -> HTTPException:
    """Return the error that an answer in plain words tells of."""
    headers = dict(Headers(raw=plain["headers"]))
    for name in ("content-type", "content-length"):
        headers.pop(name, None)
    return HTTPException(plain["status"], words.decode("utf-8", "replace") or None, headers)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    # On the loop, since threads may all be busy, with reads that wait for example.
    async def handle(request: Request, error: Exception) -> Response:
        request.state.made_way = (_sqlstate(error) or "")[:2] == ROLLED_BACK
        return _shown(request, error)

    app.state.show_problem = answer
    for kind in (
        ProblemError,
        errors.BibleProgressError,
        psycopg.Error,
        PoolTimeout,
        HTTPException,
        RequestValidationError,
    ):
        app.add_exception_handler(kind, handle)
