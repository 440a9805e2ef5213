"""Write what install does as one SQL file, for tools that apply migrations themselves.

The files are those of the manifest, the checks are the queries of install; what install decides in
Python when it sees the database is decided here in SQL when the file is applied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from .. import __version__, sql
from ..errors import UsageError
from . import rendering, schema
from .checks import all_checks
from .install import KEPT_OUT_HINT, KEPT_OUT_OF_MATVIEWS, STRATEGIES
from .rendering import HAS_HOST, INSTALLED, LOCK_TIMEOUT_SECONDS
from .schema import TRIGGERS
from .sql_text import Query, Text, bind

_INSTALL = sql.queries("install")
_EXPORT = sql.queries("export")
_SESSION = sql.queries("session")

_TRY_AGAIN = "Try again at a quieter moment."

_HEADER = """\
-- Bible Progress {version}: {what}, strategy {strategy}.
-- Written by `bible-progress export supabase`; not to be edited. Apply it whole, in one
-- transaction, as `supabase db push` does. Applying it again is harmless.
-- sha256 of what follows this line: {digest}
"""
_DIGEST = re.compile(r"^-- sha256 of what follows this line: ([0-9a-f]{64})\n", re.MULTILINE)

_WHEN = {
    "always": "true",
    "host": HAS_HOST,
    # Columns are checked before what reads them.
    "sound host": HAS_HOST,
    "new": f"not {INSTALLED}",
    "installed": INSTALLED,
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
    yield rendering.hold_drains(LOCK_TIMEOUT_SECONDS, hint=_TRY_AGAIN)
    yield rendering.look(step)
    yield from _refusals(step, readers or (), since)
    migrations = schema.migrations()
    yield from rendering.foundation(
        step,
        migrations=[path for path in migrations if since is None or _is_later(path, since)],
        is_new=since is None,
        readers=readers,
        hint=_TRY_AGAIN,
    )
    yield from rendering.objects(step)
    yield from rendering.contents()
    yield _EXPORT["restore_search_path"]
    yield _INSTALL["reload_schema"]


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
        when=INSTALLED,
    )
    if readers:
        yield _refusal(
            rendering.query("missing_roles", roles=list(readers)),
            "no such role: %s",
            "Create the reader roles first.",
            separator=", ",
        )
    for check in all_checks().values():
        if check.is_refused and check.name not in _LOOKED_AT_FIRST:
            yield _refused_by(check.name, step)
    if step == TRIGGERS:
        yield _refused_by("row_security_on_versions", step, when=f"not {INSTALLED} and {HAS_HOST}")
        yield _refusal(
            rendering.query("kept_out"),
            KEPT_OUT_OF_MATVIEWS,
            KEPT_OUT_HINT,
            when=f"not {INSTALLED} and not {HAS_HOST}",
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
        when=INSTALLED,
    )
    if since is not None:
        earlier = [path for path in migrations if not _is_later(path, since)]
        yield _refusal(
            Query("select 'Bible Progress'"),
            f"this file upgrades from {since} or newer, and %s is not installed here",
            "Apply the files before it first, or export again into an empty folder.",
            when=f"not {INSTALLED}",
        )
        yield _refusal(
            _export("missing_migrations", names=earlier),
            f"this file upgrades from {since} or newer, and this database lacks %s",
            "Apply the files before it first, or export with a lower --from.",
            when=INSTALLED,
        )


def _refused_by(name: str, step: int, *, when: str | None = None) -> str:
    """Refuse what a check finds, on the databases for which it makes sense."""
    check = all_checks()[name]
    return _refusal(
        rendering.check(name, step), f"{check.title}: %s", check.fix, when=when or _WHEN[check.when]
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


def _export(name: str, **values: object) -> Query:
    return Query(bind(_EXPORT[name], **values).removesuffix(";"))


def _is_later(path: str, release: str) -> bool:
    """Whether a migration came after a release."""
    return schema.release(schema.since(path)) > schema.release(release)
