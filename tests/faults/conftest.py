"""Databases for faults: content, numbers, and what can be broken, as the acceptance tests have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection

from acceptance.installation import Installation


@pytest.fixture
def site(connect: Callable[..., Connection[Any]]) -> Installation:
    """The installed database of this test."""
    return Installation(connect())
