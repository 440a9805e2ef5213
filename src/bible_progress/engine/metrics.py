"""What the worker counts, for Prometheus. Names are the contract with dashboards and alerts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from ..models import Drained, Hindrance, Status

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# What a method may be called in a label: clients may send any word.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Looks at the queue that are kept to be shown: a quarter of an hour of a worker's.
RECENT = 180


@dataclass(slots=True)
class Tally:
    """What the drain loops of one worker have done together."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    drained: int = 0
    last_drain_at: datetime | None = None

    def add(self) -> None:
        with self.lock:
            self.drained += 1
            self.last_drain_at = datetime.now(UTC)


class Metrics:
    """One registry a worker; counters live from its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.recent: deque[tuple[datetime, Status]] = deque(maxlen=RECENT)
        self._queue_depth = self._gauge("queue_depth", "Signals that wait.")
        self._oldest = self._gauge("oldest_signal_seconds", "Age of the oldest signal.")
        self._dead = self._gauge("dead_letters", "Signals that were given up.")
        self._failing = self._gauge("failing_versions", "Versions that wait for another attempt.")
        self._failing_seconds = self._gauge(
            "failing_seconds", "Since when a version has failed or been given up, the longest."
        )
        self._dirty = self._gauge("dirty_versions", "Versions whose exact reads go live.")
        self._dead_rows = self._gauge(
            "queue_dead_rows", "Rows of the queue that are gone and not removed yet."
        )
        self._snapshot = self._gauge(
            "oldest_snapshot_transactions", "Age of the oldest snapshot, in transactions."
        )
        self._snapshot_seconds = self._gauge(
            "oldest_snapshot_seconds", "Age of the oldest snapshot, where it has a beginning."
        )
        self._unsettled = self._gauge(
            "unsettled_changes", "Changes that wait for writers of their time."
        )
        self._foreign = self._gauge(
            "foreign_numbers", "Signals with a transaction number of another server."
        )
        self._unsignalled = self._gauge(
            "unsignalled_versions", "Versions that came or went past the triggers."
        )
        self._unfilled = self._gauge("unfilled_views", "Materialized views that are not filled.")
        self._hindrances = self._gauge(
            "hindrances", "What keeps changes from being settled or drained."
        )
        self._held_back = self._gauge(
            "held_back_seconds", "For how long the oldest of the hindrances has been there."
        )
        self._drains = Counter(
            "bible_progress_drains_total",
            "Drains by outcome.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self._rows = Counter(
            "bible_progress_rows_changed_total", "Rollup rows written.", registry=self.registry
        )
        self._retries = Counter(
            "bible_progress_retries_total",
            "Drains that failed and will be retried.",
            registry=self.registry,
        )
        self._drift = Counter(
            "bible_progress_drift_found_total",
            "Clean versions whose stored numbers were wrong.",
            registry=self.registry,
        )
        self._audited = Counter(
            "bible_progress_audited_total", "Versions audited.", registry=self.registry
        )
        self._reconnects = Counter(
            "bible_progress_reconnects_total", "Lost connections.", registry=self.registry
        )
        self._seconds = Histogram(
            "bible_progress_drain_seconds",
            "Time of one drain.",
            ["scope"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "bible_progress_lag_seconds",
            "From the oldest signal of a drain to its numbers.",
            buckets=_SECONDS,
            registry=self.registry,
        )

    @cached_property
    def http(self) -> HttpMetrics:
        """What a web server counts, in the same registry; made where there is one."""
        return HttpMetrics(self.registry)

    def serve(self, host: str, port: int) -> threading.Thread:
        """Serve the metrics over HTTP in a thread of their own, which is returned."""
        return start_http_server(port, addr=host, registry=self.registry)[1]

    def drained(self, kind: str, result: Drained, seconds: float) -> None:
        """Count one drain."""
        self._drains.labels(kind, result.outcome).inc()
        self._rows.inc(result.rows_changed)
        if result.outcome == "failed":
            self._retries.inc()
        if result.outcome == "drained":
            scope = "chapters" if result.chapters else "version"
            self._seconds.labels(scope).observe(seconds)
            if result.lag_seconds is not None:
                self._lag.observe(max(result.lag_seconds, 0.0))

    def audited(self, *, drifted: bool) -> None:
        """Count one audited version."""
        self._audited.inc()
        if drifted:
            self._drift.inc()

    def reconnected(self) -> None:
        """Count one lost connection."""
        self._reconnects.inc()

    def observe(self, status: Status, hindrances: Sequence[Hindrance]) -> None:
        """Take over what the database says of its queue, and of what holds it back."""
        self.recent.append((datetime.now(UTC), status))
        self._queue_depth.set(status.queue_depth)
        self._oldest.set(status.oldest_signal_seconds)
        self._dead.set(status.dead_letters)
        self._failing.set(status.failing_versions)
        self._failing_seconds.set(status.failing_seconds or 0.0)
        self._dirty.set(status.dirty_versions)
        self._dead_rows.set(status.queue_dead_rows)
        self._snapshot.set(status.oldest_snapshot_transactions)
        self._snapshot_seconds.set(status.oldest_snapshot_seconds)
        self._unsettled.set(status.unsettled_changes)
        self._foreign.set(status.foreign_numbers)
        self._unsignalled.set(status.unsignalled_versions)
        self._unfilled.set(status.unfilled_views)
        self._hindrances.set(len(hindrances))
        self._held_back.set(max((held.seconds or 0.0 for held in hindrances), default=0.0))

    def counted(self) -> dict[str, float | None]:
        """Return drains, mean lag in seconds (None before the first), audits and drift so far."""
        sums: dict[str, float] = {}
        for family in self.registry.collect():
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        lags = sums.get("bible_progress_lag_seconds_count", 0.0)
        return {
            "drains": sums.get("bible_progress_drains_total", 0.0),
            "lag": sums["bible_progress_lag_seconds_sum"] / lags if lags else None,
            "audited": sums["bible_progress_audited_total"],
            "drift": sums["bible_progress_drift_found_total"],
        }

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"bible_progress_{name}", help_text, registry=self.registry)


class HttpMetrics:
    """Requests by the template of their path, so that no id becomes a label."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "bible_progress_http_requests_total",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "bible_progress_http_request_seconds",
            "From the request to the end of its answer.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "bible_progress_http_refused_total",
            "Requests that were refused before they were whole.",
            ["code"],
            registry=registry,
        )
        self._in_flight = Gauge(
            "bible_progress_http_requests_in_flight",
            "Requests whose answer has not ended.",
            registry=registry,
        )

        self.connections = Gauge(
            "bible_progress_http_connections",
            "Open connections.",
            registry=registry,
        )

    def refused(self, code: str) -> None:
        """Count a request that did not become one, by the code of its problem."""
        self._refused.labels(code).inc()

    def began(self) -> None:
        """Count a request that came."""
        self._in_flight.inc()

    def ended(
        self, method: str, route: str, status: int, seconds: float, *, is_endless: bool
    ) -> None:
        """Count a request whose answer ended; `status` 0 where none began.

        An endless answer lasts as long as its reader likes, which says nothing of the server.
        """
        self._in_flight.dec()
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, f"{status // 100}xx" if status else "none").inc()
        if not is_endless:
            self._seconds.labels(method, route).observe(seconds)
