"""The picture of a percentage."""

from __future__ import annotations

from html import escape
from typing import Any

_CHARACTER = 7
_PADDING = 10
_LONGEST = 40


def badge(version: Any, label: str | None) -> str:
    """Return an SVG of a version's percentage, `label` instead of its name."""
    name = "".join(c for c in (label or version["name"]) if c.isprintable())
    if len(name) > _LONGEST:
        name = name[: _LONGEST - 1] + "…"
    percent = version["percent"]
    value = "no verses" if percent is None else f"{percent} %"
    colour = {"complete": "#1a7f4b", "in progress": "#8a5a00"}.get(version["status"], "#5c6370")
    left = len(name) * _CHARACTER + 2 * _PADDING
    right = len(value) * _CHARACTER + 2 * _PADDING
    title = escape(f"{name}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4048"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
        f' text-anchor="middle"><text x="{left / 2}" y="14">{escape(name)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(value)}</text></g></svg>'
    )
