"""Rows as the database returns them: frozen, one class a query, fields named as its columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A version with signals to drain; `oldest_at` is when the first was made."""

    kind: str
    version_id: UUID
    oldest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What one drain of one version did; `outcome` as progress.drain_version says."""

    outcome: str
    signals: int
    chapters: int
    rows_changed: int
    lag_seconds: float | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The one row of progress.status."""

    package_version: str
    schema_version: int
    environment: str
    strategy: str
    rollout_step: int
    server_version: str
    audio_versions: int
    text_versions: int
    stored_versions: int
    queue_depth: int
    dirty_versions: int
    oldest_signal_seconds: float
    unsettled_changes: int
    failing_versions: int
    dead_letters: int
    last_drain_at: datetime | None
    workers: int
    cron_database: str | None
    failing_seconds: float | None
    unsignalled_versions: int
    unfilled_views: int
    foreign_numbers: int
    oldest_snapshot_transactions: int
    oldest_snapshot_seconds: float
    queue_dead_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What keeps changes from being settled or drained; `finding` is a sentence for people."""

    cause: str
    pid: int | None
    database: str | None
    username: str | None
    application: str | None
    state: str | None
    seconds: float | None
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """A job that pg_cron runs in place of a worker, in a database; None without pg_cron."""

    name: str
    schedule: str
    command: str
    runs_in: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A version whose last drain failed; `is_deleted`: it is not there any more, nor its name."""

    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool
    attempts: int
    next_attempt_at: datetime
    last_error: str
    failing_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A version with signals that wait; `is_deleted`: it is not there any more, nor its name."""

    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool
    signals: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A row of a run of rollout measure; times in seconds."""

    measured_at: datetime
    step: int
    subject: str
    name: str
    source: str | None
    samples: int
    p50: float | None
    p95: float | None
    p99: float | None
    bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A signal that was given up; its version reads live until it is retried."""

    id: UUID
    kind: str
    version_id: UUID
    name: str | None
    is_deleted: bool
    chapter_id: str | None
    enqueued_at: datetime
    died_at: datetime
    attempts: int
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A row by which stored and live differ; `side` is the one that has it."""

    level: str
    side: str
    difference: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProgress:
    """Exact progress of one version, in verses, per testament too."""

    kind: str
    version_id: UUID
    name: str | None
    language: str | None
    covered_verses: int
    total_verses: int
    books_complete: int
    total_books: int
    old_covered: int
    old_total: int
    new_covered: int
    new_total: int
    old_percent: int | None
    new_percent: int | None
    is_best: bool | None
