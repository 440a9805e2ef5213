"""Random edits and drains over a small world: the promises hold after every single step."""

from __future__ import annotations

from typing import Any, ClassVar

import edits
from edits import Edit
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from psycopg import Connection
from psycopg.pq import TransactionStatus

from oracle.checks import assert_promises, assert_right, forget_unsettled
from oracle.machine import search
from support import oracle


class Edits(RuleBasedStateMachine):
    """One transaction an example, rolled back at its end."""

    connection: ClassVar[Connection[Any]]

    @initialize(settles=st.booleans())
    def begin(self, settles: bool) -> None:
        """Start from a drained world.

        Where structure `settles`, the signals that a change of structure made itself must do, as
        after a commit that nothing ran beside; elsewhere its versions stay dirty throughout.
        """
        self.settles = settles
        self.connection.rollback()
        edits.start(self.connection)
        self.drain_everything()

    def edit(self, change: Edit) -> None:
        statement, parameters = change
        self.connection.execute(statement, parameters)  # type: ignore[arg-type]

    @rule(change=edits.texts)
    def edit_texts(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.files)
    def edit_files(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.timings)
    def edit_timings(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.versions)
    def edit_versions(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.canon)
    def edit_canon(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.parents)
    def edit_parents(self, change: Edit) -> None:
        self.edit(change)

    @rule(change=edits.texts | edits.files | edits.timings | edits.versions | edits.canon)
    def give_up_an_edit(self, change: Edit) -> None:
        with self.connection.transaction(force_rollback=True):
            self.edit(change)

    @rule(which=st.integers(0, 5))
    def drain_one(self, which: int) -> None:
        due = self.connection.execute(
            "select kind, version_id from progress.due_versions(100) order by kind, version_id"
        ).fetchall()
        if due:
            kind, version = due[which % len(due)]
            found = self.connection.execute(
                "select outcome, error from progress.drain_version(%s, %s)", [kind, version]
            ).fetchone()
            assert found == ("drained", None)

    @rule()
    def drain_everything(self) -> None:
        oracle.drain(self.connection)

    @invariant()
    def promises_hold(self) -> None:
        if self.settles:
            forget_unsettled(self.connection)
        assert_promises(self.connection)

    def teardown(self) -> None:
        try:
            # After a failed statement there is nothing left to ask.
            if self.connection.info.transaction_status == TransactionStatus.INTRANS:
                assert_right(self.connection)
        finally:
            self.connection.rollback()


def test_no_sequence_of_edits_and_drains_breaks_a_promise(conn: Connection[Any]) -> None:
    search(Edits, conn, examples=12, steps=20)
