"""What the status says beside its counts, to the command line and the operations page alike."""

from __future__ import annotations

from collections.abc import Iterator

from ..formatting import age, counted
from ..models import Hindrance, Status

# Autovacuum removes them long before, unless an old snapshot keeps them.
MANY_DEAD_ROWS = 10_000
# Changes that wait no longer than this are on their way.
_WAITING_SECONDS = 60


def all_is_well(state: Status, hindrances: list[Hindrance]) -> str | None:
    """Return the one sentence that is enough where nothing needs anybody, None elsewhere."""
    is_drained = state.workers or (
        state.cron_database and all(held.cause != "pg_cron" for held in hindrances)
    )
    if (
        not is_drained
        or state.failing_versions
        or state.dead_letters
        or (state.queue_depth and state.oldest_signal_seconds > _WAITING_SECONDS)
        or any(remarks(state, hindrances))
    ):
        return None
    by = "a worker counts" if state.workers else "pg_cron counts"
    waiting = (
        f"{counted(state.dirty_versions, 'version')} with changes on the way"
        if state.queue_depth
        else "nothing waits"
    )
    return f"All is well: {by} changes as they come, {waiting}, nothing fails."


def remarks(state: Status, hindrances: list[Hindrance]) -> Iterator[tuple[str, str]]:
    """Yield (what, sentence) for each thing that is out of the ordinary; nothing is good."""
    if state.foreign_numbers:
        yield (
            "copied",
            f"{counted(state.foreign_numbers, 'signal')} of another server, for the next drain",
        )
    elif state.unsettled_changes:
        yield (
            "unsettled",
            f"{counted(state.unsettled_changes, 'change')} of the canon or of recordings, until "
            "the writers of that time have ended and a drain has come",
        )
    for held in hindrances:
        if held.cause != "pg_cron":
            yield "held back by", held.finding
    if state.queue_dead_rows >= MANY_DEAD_ROWS:
        yield (
            "dead rows",
            f"{state.queue_dead_rows:,} in the queue; the oldest snapshot is "
            f"{counted(state.oldest_snapshot_transactions, 'transaction')} old, "
            f"{age(state.oldest_snapshot_seconds)}",
        )
    if state.unsignalled_versions:
        yield (
            "past triggers",
            f"{counted(state.unsignalled_versions, 'version')} came or went past the triggers; a "
            "worker, pg_cron or bible-progress refresh queues them",
        )
    if state.unfilled_views:
        yield (
            "not filled",
            f"{counted(state.unfilled_views, 'materialized view')}; a worker, pg_cron or "
            "bible-progress refresh fills them",
        )
