"""Statements with their values in them: files take no parameters."""

from __future__ import annotations

import re
import textwrap

from psycopg.sql import Composable, Literal

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")


class Text(str):
    """A part of a statement that goes in as it is."""


class Query(Text):
    """One that is indented like the line that it goes into."""


def bind(text: str, **values: object) -> str:
    """Return a statement of a .sql file with these values where psycopg would put parameters."""

    def put(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = values[match[1]]
        if isinstance(value, Query):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            indent = " " * (len(line) - len(line.lstrip()) + 4)
            return f"\n{textwrap.indent(value, indent)}\n{indent[4:]}"
        if isinstance(value, Text):
            return value
        return (value if isinstance(value, Composable) else Literal(value)).as_string()

    return _PLACEHOLDER.sub(put, text)
