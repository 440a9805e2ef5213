"""Errors as application/problem+json (RFC 9457), each with a code that stays."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from .. import errors
from ..documents import Problem

log = logging.getLogger("bible_progress.web")

# code: (HTTP status, title). The reference page lists them.
PROBLEMS: dict[str, tuple[int, str]] = {
    "invalid_request": (422, "The request cannot be understood"),
    "not_comparable": (409, "These versions cannot be compared"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "Not with this method"),
    "secret_needed": (401, "This needs the secret"),
    "no_secret_set": (403, "This server was started without a secret"),
    "forbidden": (403, "This is not allowed"),
    "refused": (409, "The database refused"),
    "guarded": (409, "The production guard refused"),
    "nothing_stored": (409, "Nothing is stored"),
    "too_stale": (503, "What is stored is too old"),
    "too_many_listeners": (503, "Too many listen already"),
    "database_unavailable": (503, "The database does not answer"),
    "database_busy": (503, "The database is busy"),
    "not_installed": (503, "Bible Progress is not installed in the database"),
    "internal": (500, "Something went wrong"),
}
_RETRY_SECONDS = 1
# SQLSTATEs that clients meet by name.
NOTHING_STORED, TIMED_OUT, NO_RIGHT = "BP005", "57014", "42501"
# The class of what another transaction caused, or the recovery of a standby.
ROLLED_BACK = "40"
_OF_STATUS = {404: "not_found", 405: "method_not_allowed"}


class ProblemError(Exception):
    """Ends a request with a problem; `code` is one of PROBLEMS."""

    def __init__(self, code: str, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint = code, detail, hint


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
            return ProblemError(_OF_STATUS.get(error.status_code, "invalid_request"), error.detail)
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


def answer(request: Request, problem: ProblemError) -> Response:
    """Return the problem as a response."""
    status, title = PROBLEMS[problem.code]
    headers: dict[str, str] = {}
    if status == 503:
        headers["Retry-After"] = str(_RETRY_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = Problem(
        type="about:blank",
        title=title,
        status=status,
        code=problem.code,
        detail=problem.detail,
        hint=problem.hint,
        request_id=request.state.request_id,
    )
    return JSONResponse(
        body.model_dump(mode="json"),
        status_code=status,
        headers=headers,
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


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    def handle(request: Request, error: Exception) -> Response:
        problem = of_error(error)
        request.state.made_way = (_sqlstate(error) or "")[:2] == ROLLED_BACK
        if problem.code == "internal":
            log.error("request failed", exc_info=error, extra={"action": "error"})
        shown = getattr(request.app.state, "show_problem", answer)
        return shown(request, problem)

    for kind in (
        ProblemError,
        errors.BibleProgressError,
        psycopg.Error,
        PoolTimeout,
        HTTPException,
        RequestValidationError,
        Exception,
    ):
        app.add_exception_handler(kind, handle)
