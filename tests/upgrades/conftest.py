"""Databases of this release, and a later release that upgrades them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from acceptance.command_line import CommandLine
from acceptance.installation import Installation
from upgrades.newer_package import NewerPackage


@pytest.fixture
def site(connect: Callable[..., Connection[Any]]) -> Installation:
    """The installed database of this test."""
    return Installation(connect())


@pytest.fixture
def cli(database: str) -> CommandLine:
    """The commands of this release, for the database of this test."""
    return CommandLine(database)


@pytest.fixture
def newer(tmp_path: Path) -> Callable[[str], NewerPackage]:
    """Makes a later release with this migration."""
    return lambda migration: NewerPackage(tmp_path / "newer", migration)
