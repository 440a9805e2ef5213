"""The oracle's questions asked often: each is planned once a session instead of at every call.

Planning these views takes twenty times as long as running them on a small world, and psycopg
forgets its own prepared statements at every rollback. Statements prepared by name stay.
"""

from __future__ import annotations

from itertools import count
from typing import Any, cast
from weakref import WeakKeyDictionary

from psycopg import Connection, Cursor, sql

from support import oracle
from support.recount import assert_live_matches

_NUMBERS = count()
_NAMES: WeakKeyDictionary[Connection[Any], dict[str, str]] = WeakKeyDictionary()


class Planned:
    """A connection that prepares every select without parameters, once."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        # Where psycopg prepares too, its next rollback deallocates ours along with its own.
        connection.prepare_threshold = None
        there = connection.execute("select name from pg_prepared_statements").fetchall()
        known = {name for (name,) in there}
        self.names = _NAMES.setdefault(connection, {})
        for text in [text for text, name in self.names.items() if name not in known]:
            del self.names[text]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, statement: Any, parameters: Any = None) -> Cursor[Any]:
        text = (
            statement.as_string(self.connection)
            if isinstance(statement, sql.Composable)
            else str(statement)
        )
        if parameters is not None or not text.startswith(("select", "with")):
            return self.connection.execute(statement, parameters)
        if text not in self.names:
            name = f"oracle_{next(_NUMBERS)}"
            self.connection.execute(
                sql.SQL("prepare {} as ").format(sql.Identifier(name)) + sql.SQL(cast(Any, text))
            )
            self.names[text] = name
        return self.connection.execute(
            sql.SQL("execute {}").format(sql.Identifier(self.names[text]))
        )


def planned(connection: Connection[Any]) -> Connection[Any]:
    """Return `connection` with statements that are planned once."""
    return cast("Connection[Any]", Planned(connection))


def forget_unsettled(connection: Connection[Any]) -> None:
    """Take the changes of structure for settled.

    Nothing runs beside a test's only transaction, so the signals that the statements made
    themselves must do; without this every version of a changed canon would count as dirty, and
    G1 would hold for want of a clean version.
    """
    connection.execute("delete from progress.unsettled_change")


def assert_promises(connection: Connection[Any]) -> None:
    """Assert live = recount, G1 and G2 as things are now."""
    asked = planned(connection)
    assert_live_matches(asked)
    oracle.assert_promises(asked)


def assert_right(connection: Connection[Any]) -> None:
    """Assert everything: the promises now and once settled, and stored = live after a drain."""
    asked = planned(connection)
    assert_live_matches(asked)
    if connection.execute("select 1 from progress.unsettled_change").fetchone():
        oracle.assert_promises(asked)
        forget_unsettled(connection)
    oracle.drain_and_assert_same(asked)


def quiet(connection: Connection[Any]) -> None:
    """Drain everything, so that what follows starts from a world without a signal."""
    forget_unsettled(connection)
    oracle.drain(connection)
    assert connection.execute("select from progress.dirty").fetchone() is None
