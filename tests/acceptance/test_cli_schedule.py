"""bible-progress schedule, where there is no pg_cron; with it, test_pg_cron.py."""

from __future__ import annotations

import psycopg
import pytest

from acceptance.command_line import CommandLine


def test_without_pg_cron_it_says_so(cli: CommandLine, database: str) -> None:
    with psycopg.connect(database) as connection:
        if connection.execute("select current_setting('cron.database_name', true)").fetchone() != (
            None,
        ):
            pytest.skip("the server of DATABASE_URL has pg_cron")
    refused = cli("schedule").assert_refused(4, "pg_cron")
    assert "bible-progress worker" in refused.err
    cli("schedule", "--every", 61).assert_refused(4, "pg_cron")
    assert "removed 0 jobs" in cli("schedule", "--remove").assert_done().out


def test_flags_that_cannot_be_are_refused(cli: CommandLine) -> None:
    assert cli("schedule", "--every", "0").code == 2
    assert cli("schedule", "--every", "120", "--remove").code == 2
