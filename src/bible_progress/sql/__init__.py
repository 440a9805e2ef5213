"""The SQL that ships with the package, and the only door to it.

`read` returns a file, `manifest` the files that `install.sql` lists in order, `checks` those of
`checks.sql`, `queries` the statements that Python sends: blocks of `queries/<name>.sql`, each
headed by `-- name: <word>`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_ROOT = files(__name__)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def read(path: str) -> LiteralString:
    """Return the text of the SQL file at `path`, relative to this folder.

    Shipped files are as trustworthy as source code, hence the one cast to LiteralString.
    """
    return cast(LiteralString, _ROOT.joinpath(path).read_text(encoding="utf-8"))


@cache
def manifest() -> tuple[str, ...]:
    """Return the paths that `install.sql` includes, in its order."""
    return _included("install.sql")


@cache
def checks() -> tuple[str, ...]:
    """Return the paths that `checks.sql` includes, in its order."""
    return _included("checks.sql")


@cache
def queries(name: str) -> dict[str, LiteralString]:
    """Return the named statements of `queries/<name>.sql`."""
    parts = _NAME.split(read(f"queries/{name}.sql"))
    return {
        key: cast(LiteralString, body.strip())
        for key, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def _included(path: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^\\ir (\S+)$", read(path), re.MULTILINE))
