"""A read that a standby cancels for what the primary did is tried once more, then told to wait."""

from __future__ import annotations

import httpx
import pytest

from acceptance.installation import Installation
from web.site import code

V1 = "/api/v1"


def conflict(site: Installation, sqlstate: str, *, once: bool) -> None:
    """Let reads end as recovery ends them: each, or the first of every session."""
    first = (
        "if exists (select from pg_locks where locktype = 'advisory' and objid = 99"
        " and pid = pg_backend_pid()) then return query select *"
        " from progress.real_freshness(p_kind, p_version_id, p_stored); return; end if;"
    )
    site.run("alter function progress.freshness(text, uuid, boolean) rename to real_freshness")
    site.run(
        "create function progress.freshness(p_kind text, p_version_id uuid, p_stored boolean)"
        " returns table (as_of timestamptz, pending boolean, stale_seconds double precision)"
        f" language plpgsql as $f$ begin {first if once else ''} perform pg_advisory_lock(99);"
        " raise exception 'canceling statement due to conflict with recovery'"
        f" using errcode = '{sqlstate}'; end $f$"
    )


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_one_conflict_is_not_seen(api: httpx.Client, site: Installation, sqlstate: str) -> None:
    [version] = site.texts(1)
    conflict(site, sqlstate, once=True)
    assert api.get(f"{V1}/versions/text/{version}/tree").json()["covered_verses"] == 2


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_more_of_them_are_a_reason_to_wait(
    api: httpx.Client, site: Installation, sqlstate: str
) -> None:
    [version] = site.texts(1)
    conflict(site, sqlstate, once=False)
    answer = api.get(f"{V1}/versions/text/{version}/tree")
    assert code(answer) == (503, "database_busy")
    assert int(answer.headers["retry-after"]) > 0
