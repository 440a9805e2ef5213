"""The production guard: refuses by hand, records what is forced, lets schedulers through."""

from typing import Any

import psycopg
import pytest
from psycopg import Connection


def guard(
    connection: Connection[Any], *, automated: bool = False, reason: str | None = None
) -> None:
    connection.execute("select progress.guard('rebuild', %s, %s)", [automated, reason])


def overrides(connection: Connection[Any]) -> list[tuple[str, str]]:
    return connection.execute("select action, reason from progress.override").fetchall()


@pytest.fixture
def production(conn: Connection[Any]) -> Connection[Any]:
    conn.execute("update progress.settings set environment = 'production'")
    return conn


@pytest.mark.parametrize("reason", [None, "", "  \t "])
def test_production_refuses_a_manual_action_without_a_reason(
    production: Connection[Any], reason: str | None
) -> None:
    with pytest.raises(psycopg.Error) as refused, production.transaction():
        guard(production, reason=reason)
    assert refused.value.sqlstate == "BP003"
    assert "rebuild" in str(refused.value)
    assert "--override" in (refused.value.diag.message_hint or "")
    assert overrides(production) == []


def test_a_reason_overrides_and_is_recorded(production: Connection[Any]) -> None:
    guard(production, reason="  restored a backup ")
    assert overrides(production) == [("rebuild", "restored a backup")]
    by = production.execute("select overridden_by = session_user from progress.override")
    assert by.fetchone() == (True,)


def test_automation_is_let_through_without_a_record(production: Connection[Any]) -> None:
    guard(production, automated=True)
    guard(production, automated=True, reason="not needed")
    assert overrides(production) == []


def test_development_lets_everything_through(conn: Connection[Any]) -> None:
    guard(conn)
    guard(conn, reason="not needed")
    assert overrides(conn) == []
