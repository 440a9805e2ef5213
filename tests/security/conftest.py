"""Projects with API roles and row security; what a test does there is rolled back."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from security.supabase import BY_ORGANISATION, BY_OWNER, Project, make_project


@pytest.fixture
def project(conn: Connection[Any]) -> Project:
    """A project where versions show to their makers."""
    return make_project(conn, BY_OWNER)


@pytest.fixture(params=[BY_OWNER, BY_ORGANISATION], ids=["by owner", "by organisation"])
def guarded(conn: Connection[Any], request: pytest.FixtureRequest) -> Project:
    """A project with either policy, in which `owner` sees `mine` and `other` does not."""
    return make_project(conn, request.param)
