"""Commands against a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine
from acceptance.installation import Installation


@pytest.fixture
def site(connect: Callable[..., Connection[Any]]) -> Installation:
    """The installed database of this test."""
    return Installation(connect())


@pytest.fixture
def cli(database: str) -> CommandLine:
    """The command line with DATABASE_URL set to the installed database of this test."""
    return CommandLine(database)
