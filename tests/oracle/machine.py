"""Random edits and drains of a host that a test has made: the promises hold after each."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg import Connection

from oracle import edits
from oracle.checks import assert_promises, assert_right, forget_unsettled
from support import oracle

EVERY_EDIT = (
    edits.texts | edits.files | edits.timings | edits.versions | edits.canon | edits.parents
)


class Edits(RuleBasedStateMachine):
    """Within one transaction of the test, to whose state each example comes back at its end."""

    connection: Any

    @initialize()
    def begin(self) -> None:
        self.connection.execute("savepoint example")

    @rule(change=EVERY_EDIT)
    def edit(self, change: edits.Edit) -> None:
        statement, parameters = change
        self.connection.execute(statement, parameters)

    @rule()
    def drain(self) -> None:
        oracle.drain(self.connection)

    @invariant()
    def promises_hold(self) -> None:
        forget_unsettled(self.connection)
        assert_promises(self.connection)

    def teardown(self) -> None:
        try:
            assert_right(self.connection)
        finally:
            self.connection.execute("rollback to savepoint example")


def search(machine: Any, connection: Connection[Any], *, examples: int, steps: int = 15) -> None:
    """Run a machine on `connection`; BIBLE_PROGRESS_ORACLE_EXAMPLES=1000 makes the search long."""
    machine.connection = connection
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=int(os.environ.get("BIBLE_PROGRESS_ORACLE_EXAMPLES", examples)),
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
