"""The API over a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from support.builders import World
from web.site import served


@pytest.fixture
def cli(database: str) -> CommandLine:
    """The command line with DATABASE_URL set to the installed database of this test."""
    return CommandLine(database)


@pytest.fixture
def site(connect: Callable[..., Connection[Any]]) -> Installation:
    """The installed database of this test."""
    return Installation(connect())


@pytest.fixture
def library(connect: Callable[..., Connection[Any]]) -> World:
    """Builds what is committed at once."""
    return World(connect())


@pytest.fixture
def api(database: str) -> Iterator[httpx.Client]:
    """A client of the server, which has no secret and no worker."""
    with served(database) as client:
        yield client
