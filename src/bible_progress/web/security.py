"""Who may do what: the secret, sessions of the dashboard, and what browsers are told."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..engine.metrics import HttpMetrics
from ..formatting import counted
from .guesses import Guesses
from .problems import ProblemError

log = logging.getLogger("bible_progress.web")

SESSION_SECONDS = 12 * 3600

# No inline script or style, nothing from elsewhere, and no page may put ours into a frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# What every answer says to browsers, but for badges, which are there for pages of other sites.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_bearer = HTTPBearer(auto_error=False, description="The secret that the server was started with.")


class Sessions:
    """Sessions of people who gave the secret; gone with the process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def open(self) -> str:
        """Return the token of a new session."""
        now = time.monotonic()
        self._until = {token: until for token, until in self._until.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._until[token] = now + SESSION_SECONDS
        return token

    def holds(self, token: str | None) -> bool:
        """Whether a session is open."""
        return token is not None and self._until.get(token, 0.0) > time.monotonic()

    def close(self, token: str | None) -> None:
        """End a session."""
        self._until.pop(token or "", None)


def is_secret(request: Request, given: bytes) -> bool:
    """Whether this is the secret, in a time that does not depend on what was given.

    Raises ProblemError `too_many_guesses` where this client, or all of them, guessed too often.
    """
    secret: str | None = request.app.state.settings.secret
    if secret is None:
        return False
    # As the environment has it, which need not be UTF-8.
    is_right = hmac.compare_digest(given, secret.encode("utf-8", "surrogateescape"))
    guesses: Guesses = request.app.state.guesses
    address = request.client.host if request.client else ""
    wait = guesses.wait(address, is_right=is_right)
    if wait:
        raise ProblemError(
            "too_many_guesses",
            "wrong secrets were given too often; this one was not looked at",
            hint=f"Try again in {counted(wait, 'second')}.",
            headers={"Retry-After": str(wait)},
        )
    return is_right


def may_operate(request: Request) -> bool:
    """Whether a request carries the secret, or a session of someone who gave it.

    Raises what is_secret does. A guess counts once, however often this is asked of a request.
    """
    known: bool | None = getattr(request.state, "may_operate", None)
    if known is None:
        known = request.state.may_operate = _may_operate(request)
    return known


def _may_operate(request: Request) -> bool:
    sessions: Sessions = request.app.state.sessions
    if sessions.holds(request.cookies.get(request.app.state.settings.cookie_name)):
        return True
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and is_secret(request, given.strip(" \t").encode("latin-1"))


# These look at nothing but the request: async, so that nobody waits for a thread to be refused.
async def operator(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
) -> None:
    """Let only those operate who have the secret. Raises ProblemError."""
    if request.app.state.settings.secret is None:
        raise ProblemError(
            "no_secret_set",
            "this server was started without a secret, so nothing can be operated through it",
            hint="Start it with BIBLE_PROGRESS_SECRET set.",
        )
    if not may_operate(request):
        raise ProblemError(
            "secret_needed",
            "this needs the secret that the server was started with",
            hint="Send it as: Authorization: Bearer SECRET",
        )
    refuse_foreign(request)


async def onlooker(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
) -> None:
    """Where a secret is set, let only those see operations who have it. Raises ProblemError."""
    if request.app.state.settings.secret is not None and not may_operate(request):
        raise ProblemError(
            "secret_needed",
            "operations are shown to those who have the secret",
            hint="Send it as: Authorization: Bearer SECRET",
        )


def refuse_foreign(request: Request) -> None:
    """Refuse a change that a page of another site asks a browser for. Raises ProblemError."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    # Where the browser says it, it is so; a proxy may have made another Host, or left its port out.
    if (
        site not in ("same-origin", "none")
        if site is not None
        else origin is not None and _netloc(origin) != request.headers.get("host")
    ):
        raise ProblemError("forbidden", "a page of another site asked for this")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


_HOST = re.compile(
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,255})(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)


class Hosts:
    """Refuses requests that do not name one host, or another than those that are allowed.

    `allowed` are names, `*.example.org` for all below one, or `*` for any.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._names = frozenset(_bare(name) for name in allowed)
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            self._check(Headers(scope=scope).getlist("host"), scope["http_version"])
        await self._app(scope, receive, send)

    def _check(self, named: list[str], http_version: str) -> None:
        """Raise ProblemError for hosts that are not as they should be."""
        if not named and http_version == "1.0" and "*" in self._names:
            return
        if len(named) != 1:
            raise ProblemError("bad_request", "a request names one host")
        found = _HOST.fullmatch(named[0])
        if found is None or not _is_host(found[1]) or int(found[2] or 0) > 65535:
            raise ProblemError("bad_request", "the header Host is no name and port")
        name = _bare(found[1])
        if not ("*" in self._names or name in self._names or name.endswith(self._endings)):
            raise ProblemError(
                "wrong_host",
                "the name in the header Host is none of this server's",
                hint="Start it with that name in --allowed-hosts.",
            )


def _is_host(name: str) -> bool:
    if not name.startswith("["):
        return True
    try:
        return bool(ipaddress.IPv6Address(name[1:-1]))
    except ValueError:
        return False


def _bare(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


_NOT_OF_A_QUERY = re.compile(rb"[^\x21-\x7e]")


class EveryRequest:
    """Gives every request an id, logs it, and sets what browsers must know."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics: HttpMetrics = scope["app"].state.metrics.http
        request_id = uuid4().hex
        # Bytes that no address has would keep it from being written down again.
        scope["query_string"] = _NOT_OF_A_QUERY.sub(
            lambda found: b"%%%02X" % found[0][0], scope["query_string"]
        )
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status, is_endless = 0, False
        broke_off: dict[str, bool] = {}

        async def out(message: Message) -> None:
            nonlocal status, is_endless
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                is_endless = headers.get("content-type", "").startswith("text/event-stream")
                headers["X-Request-Id"] = request_id
                headers.update(HEADERS)
                if scope["path"].endswith("/badge.svg"):
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        metrics.began()
        try:
            await self._app(scope, receive, out)
        except Exception:
            # Of an answer that has begun: to leave it unfinished breaks the connection, so that
            # nobody takes a part for the whole.
            log.exception(
                "an answer broke off", extra={"action": "error", "request_id": request_id}
            )
            broke_off["broke_off"] = True
        finally:
            seconds = time.perf_counter() - started
            metrics.ended(scope["method"], _route(scope), status, seconds, is_endless=is_endless)
            log.info(
                "request",
                extra={
                    "action": "request",
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "seconds": round(seconds, 6),
                    **broke_off,
                },
            )


def _route(scope: Scope) -> str:
    """Return the template of a path that the application has, or one name for all others."""
    path: str = scope["path"]
    described: str = scope["app"].openapi_url
    api = described.rpartition("/")[0]
    template: str | None = getattr(scope.get("route"), "path_format", None)
    if template is not None:
        # Whether a route knows where its router was put depends on the version of FastAPI.
        inside = path.startswith(f"{api}/") and not template.startswith(f"{api}/")
        return f"{api}{template}" if inside else template
    if path == described:
        return described
    return "/static" if path.startswith("/static/") else "unknown"
