"""The page that asks for the secret, and the cookie that remembers it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from .rendering import form, page
from .security import SESSION_SECONDS, Sessions, is_secret, refuse_foreign
from .settings import WebSettings

router = APIRouter(include_in_schema=False)


@router.get("/login")
def ask_secret(request: Request) -> Response:
    """Ask for the secret."""
    return _login(request, None)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Open a session for whoever gives the secret."""
    refuse_foreign(request)
    if not is_secret(request, (await form(request)).get("secret", "").encode()):
        return _login(request, "That is not the secret.", status=401)
    sessions: Sessions = request.app.state.sessions
    answer = RedirectResponse("/operations", status_code=303)
    settings: WebSettings = request.app.state.settings
    answer.set_cookie(
        settings.cookie_name,
        sessions.open(),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=settings.is_cookie_secure(request.scope["scheme"]),
    )
    return answer


@router.post("/logout")
def log_out(request: Request) -> Response:
    """End the session."""
    refuse_foreign(request)
    settings: WebSettings = request.app.state.settings
    request.app.state.sessions.close(request.cookies.get(settings.cookie_name))
    answer = RedirectResponse("/", status_code=303)
    # A name that wants Secure is taken from nothing less, to be ended too.
    answer.delete_cookie(
        settings.cookie_name,
        secure=settings.is_cookie_secure(request.scope["scheme"]),
        httponly=True,
    )
    return answer


def _login(request: Request, message: str | None, status: int = 200) -> Response:
    if request.app.state.settings.secret is None:
        return RedirectResponse("/operations", status_code=303)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return page(
        request, "login.html", code=status, headers=headers, page="operations", message=message
    )
