"""The contract: names, columns, their order and types."""

from typing import Any

import pytest
from contract import CONTRACT, ORDER
from psycopg import Connection

pytestmark = pytest.mark.quick


def columns(connection: Connection[Any], relation: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        [f"public.{relation}"],
    ).fetchall()


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("relation", CONTRACT)
def test_a_relation_begins_with_the_columns_of_the_contract(
    conn: Connection[Any], relation: str, prefix: str
) -> None:
    expected = list(CONTRACT[relation].items())
    found = columns(conn, prefix + relation)
    assert found[: len(expected)] == expected


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("kind", ["audio", "text"])
@pytest.mark.parametrize("level", ORDER)
def test_behind_them_a_level_has_columns_to_order_by(
    conn: Connection[Any], level: str, kind: str, prefix: str
) -> None:
    found = columns(conn, f"{prefix}{kind}_{level}")
    behind = dict(found[len(CONTRACT[f"{kind}_{level}"]) :])
    assert {name: behind.get(name) for name in ORDER[level]} == ORDER[level]


@pytest.mark.parametrize("relation", CONTRACT)
def test_stored_and_live_relations_have_the_same_columns(
    conn: Connection[Any], relation: str
) -> None:
    assert columns(conn, f"mv_{relation}") == columns(conn, relation)


def test_the_queue_has_the_columns_of_the_contract(conn: Connection[Any]) -> None:
    assert columns(conn, "progress_refresh_queue") == [
        ("kind", "text"),
        ("version_id", "uuid"),
        ("chapter_id", "text"),
        ("enqueued_at", "timestamp with time zone"),
        ("xid", "xid8"),
        ("id", "uuid"),
    ]


def test_the_queue_is_unique_within_a_transaction_only(conn: Connection[Any]) -> None:
    """Unique on the version alone loses changes and lets writers wait for each other."""
    rows = conn.execute(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'progress_refresh_queue'::regclass and contype = 'u'"
    ).fetchall()
    assert rows == [("UNIQUE NULLS NOT DISTINCT (kind, version_id, xid, chapter_id)",)]


@pytest.mark.parametrize("prefix", ["", "mv_"])
@pytest.mark.parametrize("relation", CONTRACT)
def test_a_relation_reads_with_the_rights_of_its_reader(
    conn: Connection[Any], relation: str, prefix: str
) -> None:
    row = conn.execute(
        "select relkind::text, reloptions from pg_class where oid = %s::regclass",
        [f"public.{prefix}{relation}"],
    ).fetchone()
    assert row == ("v", ["security_invoker=true"])
