"""What every page is made with: templates, forms, links, and how things are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from ..formatting import age
from .problems import ProblemError
from .reads import cut
from .sections import cells

_LONGEST_FORM = 10_000
_MOST_FIELDS = 10


def _printed(value: object) -> object:
    return "" if value is None else value


_templates = Environment(
    loader=PackageLoader("bible_progress.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    # What is not there is not called "None".
    finalize=_printed,
)


def page(
    request: Request,
    template: str,
    *,
    code: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    shown = _templates.get_template(template).render(
        {
            "page": None,
            "cells": cells,
            "duration": _duration,
            "age": age,
            "ago": _ago,
            "moment": _moment,
            "cut": cut,
            "day": _day,
            **values,
        }
    )
    headers = {"cache-control": "no-store", **(headers or {})}
    return HTMLResponse(shown, status_code=code, headers=headers)


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name. Raises ProblemError for what is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ProblemError("not_a_form", "a form is application/x-www-form-urlencoded")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            raise ProblemError("too_large", f"a form has at most {_LONGEST_FORM:,} bytes")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ProblemError("invalid_request", "the form has too many fields") from None
    return {name: values[0] for name, values in fields.items()}


def graph(points: list[tuple[float, float]], *, top: float = 0) -> dict[str, Any] | None:
    """Return a line from (seconds, number) pairs for a picture of 640 by 180, None for a dot.

    It reaches up to `top`, or to the greatest number where that is more.
    """
    if len(points) < 2:
        return None
    top = max(top, *(number for _, number in points)) or 1
    first, last = points[0][0], points[-1][0]
    drawn = [
        (40 + 590 * (at - first) / ((last - first) or 1), 150 - 130 * number / top)
        for at, number in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
    return {
        "line": line,
        "area": f"{drawn[0][0]:.1f},150 {line} {drawn[-1][0]:.1f},150",
        "top": top,
    }


def linker(path: str, query: dict[str, Any]) -> Any:
    def link(**changes: Any) -> str:
        wanted = {**query, **({"cursor": None} if "sort" in changes else {}), **changes}
        kept = {
            key: ("true" if value is True else value)
            for key, value in wanted.items()
            if value not in (None, False, "")
        }
        return f"{path}?{urlencode(kept)}" if kept else path

    return link


def _duration(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"


def _moment(when: str) -> str:
    return f"{datetime.fromisoformat(when).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _day(day: str) -> str:
    at = datetime.fromisoformat(day)
    return f"{at.day} {at:%B %Y}"


def _ago(when: datetime | str | None) -> str:
    """Return a moment that the page's script says as how long ago it is, and renews."""
    if when is None:
        return "never"
    at = (datetime.fromisoformat(when) if isinstance(when, str) else when).isoformat()
    said = _moment(at)
    return Markup('<time class="ago" datetime="{}" title="{}">{}</time>').format(at, said, said)


def whole_number(text: str, most: int) -> int | None:
    """Return a number of a form; what is none filters nothing."""
    # Python reads no number of thousands of digits.
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else most + 1
    return number if number <= most else None
