"""Write what install does as one SQL file, for tools that apply migrations themselves.

The files are those of the manifest, the checks are the queries of install; what install decides in
Python when it sees the database is decided here in SQL when the file is applied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import LiteralString

from .. import __version__, sql
from ..errors import UsageError
from . import schema
from .checks import all_checks, shared_parameters, step_parameters
from .install import (
    HOST_FILES,
    KEPT_OUT_HINT,
    KEPT_OUT_OF_MATVIEWS,
    LOCK_TIMEOUT_SECONDS,
    STRATEGIES,
    statements,
)
from .schema import CONTRACT_TABLES, HOST_TABLES, TRIGGERS, Name
from .sql_text import Query, Text, bind
from .take_over import ATTEMPT_MILLISECONDS, let_go, names

_INSTALL = sql.queries("install")
_EXPORT = sql.queries("export")
_DRAIN = sql.queries("drain")
_SESSION = sql.queries("session")

_HEADER = """\
-- Bible Progress {version}: {what}, strategy {strategy}.
-- Written by `bible-progress export supabase`; not to be edited. Apply it whole, in one
-- transaction, as `supabase db push` does. Applying it again is harmless.
-- sha256 of what follows this line: {digest}
"""
_DIGEST = re.compile(r"^-- sha256 of what follows this line: ([0-9a-f]{64})\n", re.MULTILINE)

_INSTALLED = "current_setting('bible_progress.installed')::boolean"
_HAS_HOST = "not current_setting('bible_progress.creates_host_tables')::boolean"

_WHEN = {
    "always": "true",
    "host": _HAS_HOST,
    # Columns are checked before what reads them.
    "sound host": _HAS_HOST,
    "new": f"not {_INSTALLED}",
    "installed": _INSTALLED,
}
_LOOKED_AT_FIRST = ("server_version", "server_encoding", "newer_installation", "other_owner")


def render(
    *,
    strategy: str = "incremental",
    readers: Sequence[str] | None = None,
    since: str | None = None,
    step: int | None = None,
) -> str:
    """Return the SQL that installs this version, or upgrades to it from version `since`.

    `readers` None keeps those that the database has. `step` is one of the rollout, on the way to
    its strategy, where it shall not be the one that a new database starts on. Raises UsageError
    for a `since` that is no earlier version.
    """
    if since is not None:
        _refuse_since(since)
    step = STRATEGIES[strategy] if step is None else step
    strategy = schema.strategy(step)
    parts = [part.rstrip("\n") for part in _parts(step, readers, since)]
    body = "\n" + "\n\n".join(parts) + "\n"
    header = _HEADER.format(
        version=__version__,
        what="a new installation" if since is None else f"an upgrade from {since} or newer",
        strategy=strategy,
        digest=hashlib.sha256(body.encode()).hexdigest(),
    )
    return header + body


def is_whole(text: str) -> bool:
    """Whether a rendered file is as it was written."""
    found = _DIGEST.search(text)
    return bool(found) and hashlib.sha256(text[found.end() :].encode()).hexdigest() == found[1]


def _refuse_since(since: str) -> None:
    wanted, first = schema.release(since), schema.since(schema.migrations()[0])
    if wanted >= schema.release(__version__):
        raise UsageError(
            f"{since} is not older than this version, {__version__}",
            hint="Without --from, the file is one for a new installation.",
        )
    if wanted < schema.release(first):
        raise UsageError(f"there is no version {since}; the first one is {first}")


def _parts(step: int, readers: Sequence[str] | None, since: str | None) -> Iterator[str]:
    yield _EXPORT["keep_search_path"]
    yield _INSTALL["pin_search_path"]
    yield _EXPORT["in_one_transaction"]
    yield _EXPORT["rely_on"] + "\n" + _SESSION["settings"]
    for name in ("server_version", "server_encoding"):
        yield _refused_by(name, step)
    yield _hold_drains()
    yield bind(
        _EXPORT["look"],
        host_tables_present=_query("host_tables_present", tables=list(HOST_TABLES)),
        missing_triggers=_check("our_triggers", step),
    )
    yield from _refusals(step, readers or (), since)
    if since is None:
        yield bind(
            _EXPORT["create_host_tables"],
            host_tables=Text(
                "\n".join(sql.read(f"host/{name}.sql").rstrip("\n") for name in HOST_FILES)
            ),
        )
    if since is None:
        yield bind(_EXPORT["drop_leftovers"], leftovers=_check("leftovers", step))
    yield _take_over(step)
    for path in schema.migrations():
        if since is None or _is_later(path, since):
            yield bind(
                _titled(path, _EXPORT["migrate"]),
                name=path,
                checksum=schema.checksum(path),
                migration=Text(sql.read(path).rstrip("\n")),
            )
    yield bind(
        _INSTALL["save_settings"],
        schema_version=len(schema.migrations()),
        oldest_code=schema.oldest_code(),
        package_version=__version__,
        environment=None,
        rollout_step=step,
        owns_host_tables=Text(f"not ({_HAS_HOST})"),
        reader_roles=None if readers is None else list(readers),
    )
    yield _INSTALL["defer_function_bodies"]
    yield from statements(step)
    yield bind(_EXPORT["signal_everything"], signal_all=_DRAIN["signal_all"])
    yield _INSTALL["fill_where_empty"]
    yield _EXPORT["restore_search_path"]
    yield _INSTALL["reload_schema"]


def _hold_drains() -> str:
    return bind(
        _EXPORT["hold_drains"],
        lock=_INSTALL["lock"].removesuffix(";"),
        milliseconds=f"{LOCK_TIMEOUT_SECONDS * 1000:.0f}",
        seconds=f"{LOCK_TIMEOUT_SECONDS:g}",
    )


def _refusals(step: int, readers: Sequence[str], since: str | None) -> Iterator[str]:
    """What install refuses, in its words and in its order."""
    strategy = schema.strategy(step)
    migrations = schema.migrations()
    for name in ("newer_installation", "other_owner"):
        yield _refused_by(name, step)
    yield _refusal(
        _export("other_step", step=step),
        f"the strategy of this database is %s, not {strategy}",
        "Export with the --strategy of this database; on a step half way use install.",
        when=_INSTALLED,
    )
    if readers:
        yield _refusal(
            _query("missing_roles", roles=list(readers)),
            "no such role: %s",
            "Create the reader roles first.",
            separator=", ",
        )
    for check in all_checks().values():
        if check.is_refused and check.name not in _LOOKED_AT_FIRST:
            yield _refused_by(check.name, step)
    if step == TRIGGERS:
        yield _refused_by(
            "row_security_on_versions", step, when=f"not {_INSTALLED} and {_HAS_HOST}"
        )
        yield _refusal(
            _query("kept_out"),
            KEPT_OUT_OF_MATVIEWS,
            KEPT_OUT_HINT,
            when=f"not {_INSTALLED} and not {_HAS_HOST}",
            separator=", ",
        )
    yield _refusal(
        _export(
            "edited_migrations",
            names=list(migrations),
            checksums=[schema.checksum(path) for path in migrations],
        ),
        "%s differs from the one that this database was made with",
        "Migrations are never edited after a release; reinstall the package and export again.",
        when=_INSTALLED,
    )
    if since is not None:
        earlier = [path for path in migrations if not _is_later(path, since)]
        yield _refusal(
            Query("select 'Bible Progress'"),
            f"this file upgrades from {since} or newer, and %s is not installed here",
            "Apply the files before it first, or export again into an empty folder.",
            when=f"not {_INSTALLED}",
        )
        yield _refusal(
            _export("missing_migrations", names=earlier),
            f"this file upgrades from {since} or newer, and this database lacks %s",
            "Apply the files before it first, or export with a lower --from.",
            when=_INSTALLED,
        )


def _refused_by(name: str, step: int, *, when: str | None = None) -> str:
    """Refuse what a check finds, on the databases for which it makes sense."""
    check = all_checks()[name]
    return _refusal(
        _check(name, step), f"{check.title}: %s", check.fix, when=when or _WHEN[check.when]
    )


def _check(name: str, step: int) -> Query:
    """The query of a check, to stand within another statement."""
    values = shared_parameters() | step_parameters(step)
    if name != "leftovers":
        leftovers = _export("leftovers", found=_check("leftovers", step))
        values["leftovers"] = Text(f"array({leftovers})")
    return Query(
        bind(
            all_checks()[name].query,
            **values,
            installed=Text(_INSTALLED),
            materialized=[view for _, view in schema.materialized_views(step)],
            # An earlier implementation is refused before names are.
            earlier=[],
        ).rstrip(";\n")
    )


def _refusal(
    query: Query, message: str, hint: str, *, when: str = "true", separator: str = "; "
) -> str:
    return bind(
        _EXPORT["refuse"],
        condition=Text(when),
        query=query,
        separator=separator,
        message=message,
        hint=hint,
    )


def _take_over(step: int) -> str:
    return bind(
        _EXPORT["take_over"],
        milliseconds=round(LOCK_TIMEOUT_SECONDS * 1000),
        seconds=f"{LOCK_TIMEOUT_SECONDS:g}",
        attempt=str(ATTEMPT_MILLISECONDS),
        host_tables=names("public", HOST_TABLES),
        # Migrations may lock any of them, and in an order in which readers do not.
        tables=_relations(
            [
                *(("public", table) for table in CONTRACT_TABLES),
                *(("progress", table) for table in schema.tables()),
            ],
            "r",
        ),
        let_go=Text(let_go(step)),
    )


def _relations(wanted: Sequence[Name], kind: str) -> Query:
    return _query(
        "relations",
        schemas=[schema_name for schema_name, _ in wanted],
        names=[name for _, name in wanted],
        kind=kind,
    )


def _query(name: str, **values: object) -> Query:
    """A query of install, to stand within another statement."""
    return Query(bind(_INSTALL[name], **values).removesuffix(";"))


def _export(name: str, **values: object) -> Query:
    return Query(bind(_EXPORT[name], **values).removesuffix(";"))


def _is_later(path: str, release: str) -> bool:
    """Whether a migration came after a release."""
    return schema.release(schema.since(path)) > schema.release(release)


def _titled(path: str, text: LiteralString) -> str:
    return f"-- {path}\n{text}"
