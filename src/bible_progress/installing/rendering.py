"""The statements of an installation: install executes them, export writes them down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import LiteralString

from .. import __version__, sql
from . import schema
from .checks import all_checks, shared_parameters, step_parameters
from .schema import (
    CONTRACT_TABLES,
    GUARDED,
    HOST_TABLES,
    LAST,
    SERVED,
    TRIGGERS,
    WATCHED,
    Name,
)
from .session import names
from .sql_text import Query, Text, bind

LOCK_TIMEOUT_SECONDS = 30.0
TRY_AGAIN = "Try again at a quieter moment, or give a longer --lock-timeout."
ATTEMPT_MILLISECONDS = 400
# What makes the tables of an empty database.
HOST_FILES = ("host/host_tables.sql", "host/close_host_tables.sql")
OUR_TABLES: tuple[Name, ...] = (
    *(("progress", table) for table in schema.tables()),
    *(("public", table) for table in CONTRACT_TABLES),
)

# What `look` found before anything was changed.
INSTALLED = "current_setting('bible_progress.installed')::boolean"
HAS_HOST = "not current_setting('bible_progress.creates_host_tables')::boolean"

_INSTALL = sql.queries("install")
_IN_PLACE = sql.queries("in_place")
_DRAIN = sql.queries("drain")


def hold_drains(seconds: float, *, hint: str = TRY_AGAIN) -> str:
    """Wait until no drain and no other install runs, and keep them out of this transaction."""
    return bind(
        _INSTALL["hold_drains"],
        milliseconds=str(round(seconds * 1000)),
        seconds=f"{seconds:g}",
        hint=hint,
    )


def look(step: int) -> str:
    """Note what decides about later statements, until the end of this transaction."""
    return bind(
        _INSTALL["look"],
        host_tables_present=query("host_tables_present", tables=list(HOST_TABLES)),
        missing_triggers=check("our_triggers", step),
    )


def foundation(
    step: int,
    *,
    migrations: Sequence[str],
    is_new: bool = True,
    readers: Sequence[str] | None = None,
    environment: str | None = None,
    create_roles: bool = False,
    replaced: Sequence[tuple[str, str]] = (),
    seconds: float = LOCK_TIMEOUT_SECONDS,
    hint: str = TRY_AGAIN,
) -> Iterator[str]:
    """Yield what makes a database ready for the objects of a step, after `hold_drains`, `look`.

    Where not `is_new`, it is known that ours are there already. `readers` and `environment` None
    keep what the database has; `replaced` are (what, statement) for an earlier implementation.
    """
    before: list[str] = []
    if is_new:
        tables = "\n".join(sql.read(path).rstrip("\n") for path in HOST_FILES)
        yield bind(_INSTALL["create_host_tables"], host_tables=Text(tables))
        before.append(bind(_INSTALL["drop_leftovers"], leftovers=check("leftovers", step)))
    if replaced:
        before.append(
            bind(
                _INSTALL["drop_replaced"],
                what=[what for what, _ in replaced],
                statements=[statement for _, statement in replaced],
            )
        )
    yield take_over(
        seconds,
        # Migrations may lock any of them, and in an order in which readers do not.
        tables=OUR_TABLES if migrations else (),
        then="\n\n".join([*before, let_go(step)]),
        hint=hint,
    )
    for path in migrations:
        yield bind(
            titled(path, _INSTALL["migrate"]),
            name=path,
            checksum=schema.checksum(path),
            migration=Text(sql.read(path).rstrip("\n")),
        )
    yield bind(
        _INSTALL["save_settings"],
        schema_version=len(schema.migrations()),
        oldest_code=schema.oldest_code(),
        package_version=__version__,
        environment=environment,
        rollout_step=step,
        owns_host_tables=Text(f"not ({HAS_HOST})"),
        reader_roles=None if readers is None else list(readers),
    )
    if create_roles:
        yield _INSTALL["create_roles"]


def objects(step: int) -> Iterator[str]:
    """Yield what makes the objects of a step, where take_over has been."""
    yield _INSTALL["defer_function_bodies"]
    for path in (*schema.objects(step), *LAST):
        made = titled(path, sql.read(path))
        views = [name for name in schema.views_of(path) if name[0] == "public"]
        if views:
            made = bind(_IN_PLACE["replace_view"], view=Text(made), name=".".join(*views))
        yield made
    if step >= TRIGGERS:
        yield triggers()
    yield _IN_PLACE["carry_over"]
    yield _INSTALL["lower_watermark"]
    yield bind(_INSTALL["signal_redefined"], numbers=schema.numbers(step))
    yield bind(
        _INSTALL["save_definitions"],
        definitions=json.dumps(schema.definitions(step)),
        numbers=schema.numbers(step),
    )


def triggers() -> str:
    """Make the triggers of every watched table."""
    return bind(
        _INSTALL["make_triggers"],
        tables=list(WATCHED),
        changed=[changed for changed, _ in WATCHED.values()],
        truncated=[truncated for _, truncated in WATCHED.values()],
    )


def contents() -> Iterator[str]:
    """Yield what has the objects of a new installation filled."""
    yield bind(_INSTALL["signal_everything"], signal_all=_DRAIN["signal_all"])
    yield _INSTALL["fill_where_empty"]


def take_over(
    seconds: float, *, tables: Sequence[Name] = (), then: str, hint: str = TRY_AGAIN
) -> str:
    """Lock the host tables against writers and do `then`, all of it or nothing.

    `tables` of ours are locked against everybody, as those whose policies are made anew always
    are.
    """
    guarded = {("progress", table) for table in GUARDED}
    return bind(
        _INSTALL["take_over"],
        milliseconds=round(seconds * 1000),
        seconds=f"{seconds:g}",
        attempt=str(ATTEMPT_MILLISECONDS),
        host_tables=names("public", HOST_TABLES),
        tables=relations(sorted({*tables, *guarded}), "r"),
        then=Text(then),
        hint=hint,
    )


def let_go(step: int | None) -> str:
    """Take away what `step` makes anew or does not have; None leaves nothing."""
    every = schema.all_views()
    past = schema.triggers() if step is None or step < TRIGGERS else ()
    return bind(
        _IN_PLACE["let_go"],
        views=[name for place, name in schema.views(step) if place == "public"] if step else [],
        definitions=json.dumps(schema.definitions(step) if step else {}),
        contract=[name for place, name in every if place == "public"],
        internal=[name for place, name in every if place == "progress"],
        remembered=Query(
            bind(
                _IN_PLACE["remembered"].removesuffix(";"),
                relations=Text("v_contract || v_internal"),
                known_roles=list(SERVED),
                our_comments=schema.OUR_COMMENTS,
            )
        ),
        placeholders=placeholders("v_kept"),
        triggers=[name for name, _ in past],
        trigger_tables=[table for _, table in past],
    )


def suspension() -> str:
    """Let go of the host tables for a while."""
    every = schema.all_views()
    return bind(
        _IN_PLACE["suspend"],
        contract=[name for place, name in every if place == "public"],
        internal=[name for place, name in every if place == "progress"],
        placeholders=placeholders(
            "v_ours", value="s.nothing", source=" from progress.suspended() as s (nothing)"
        ),
        triggers=[name for name, _ in schema.triggers()],
        trigger_tables=[table for _, table in schema.triggers()],
        guarded=list(GUARDED),
    )


def placeholders(relations: str, *, value: str = "null", source: str = "") -> Query:
    """The query of statements that keep views, made of nothing."""
    text = bind(_IN_PLACE["placeholders"], relations=Text(relations), value=value, source=source)
    return Query(text.removesuffix(";"))


def check(name: str, step: int) -> Query:
    """The query of a check, to stand within another statement."""
    values = shared_parameters() | step_parameters(step)
    if name != "leftovers":
        leftovers = query("leftovers", found=check("leftovers", step))
        values["leftovers"] = Text(f"array({leftovers})")
    text = bind(
        all_checks()[name].query,
        **values,
        installed=Text(INSTALLED),
        materialized=[view for _, view in schema.materialized_views(step)],
        # An earlier implementation is refused before names are.
        earlier=[],
    )
    return Query(text.rstrip(";\n"))


def relations(wanted: Sequence[Name], kind: str) -> Query:
    """The query of those relations that are there as `kind` (pg_class.relkind), in order."""
    return query(
        "relations", schemas=[s for s, _ in wanted], names=[n for _, n in wanted], kind=kind
    )


def query(name: str, **values: object) -> Query:
    """A query of install.sql, to stand within another statement."""
    return Query(bind(_INSTALL[name], **values).removesuffix(";"))


def titled(path: str, text: LiteralString) -> str:
    """Return statements with the file that they are of before them."""
    return f"-- {path}\n{text}"
