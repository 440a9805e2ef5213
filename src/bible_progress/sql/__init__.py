"""The SQL that ships with the package, and the only door to it.

`read` returns a file, `manifest` the files that `install.sql` lists in order, `checks` those of
`checks.sql`, `queries` the statements that Python sends: blocks of `queries/<name>.sql`, each
headed by `-- name: <word>`.

What is said alike of several things is written once: a file with the line
`-- progress: also audio for text` stands for a second one, right behind it, in which every `text`
reads `audio`, in its name too. `manifest` lists both and `read` returns both.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_ROOT = files(__name__)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_ALSO = re.compile(r"^-- progress: also (\w+) for (\w+)\n", re.MULTILINE)


@cache
def read(path: str) -> LiteralString:
    """Return the text of the SQL file at `path`, relative to this folder.

    Shipped files are as trustworthy as source code, hence the one cast to LiteralString.
    """
    try:
        text = _text(path)
    except FileNotFoundError:
        # Looked for last: it takes reading the whole manifest, and commands start with a query.
        if path not in _by_copy():
            raise
        text = _by_copy()[path]
    return cast(LiteralString, text)


@cache
def manifest() -> tuple[str, ...]:
    """Return the paths that `install.sql` includes, in its order, copies behind their file."""
    return tuple(made for path in _included("install.sql") for made in (path, *copies(path)))


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
    return tuple(re.findall(r"^\\ir (\S+)$", _text(path), re.MULTILINE))


def _text(path: str) -> str:
    return _ROOT.joinpath(path).read_text(encoding="utf-8")


@cache
def _by_copy() -> dict[str, str]:
    return {copy: text for path in _included("install.sql") for copy, text in copies(path).items()}


def copies(path: str) -> dict[str, str]:
    """Return the copies that a file stands for, by their paths."""
    text = _text(path)
    folder, _, name = path.rpartition("/")
    return {
        f"{folder}/{_word(old).sub(new, name)}": _word(old).sub(new, _ALSO.sub("", text))
        for new, old in _ALSO.findall(text)
    }


def _word(word: str) -> re.Pattern[str]:
    """A part of a name or a word of its own; as a type, `::text`, it is left alone."""
    return re.compile(rf"(?<![a-z:]){word}(?![a-z])")
