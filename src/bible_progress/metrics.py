"""What the worker counts, for Prometheus. Names are the contract with dashboards and alerts."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from .models import Drained, Status

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# Looks at the queue that are kept to be shown: a quarter of an hour of a worker's.
RECENT = 180


class Metrics:
    """One registry a worker; counters live from its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.recent: deque[tuple[datetime, Status]] = deque(maxlen=RECENT)
        self._queue_depth = self._gauge("queue_depth", "Signals that wait.")
        self._oldest = self._gauge("oldest_signal_seconds", "Age of the oldest signal.")
        self._dead = self._gauge("dead_letters", "Signals that were given up.")
        self._failing = self._gauge("failing_versions", "Versions that wait for another attempt.")
        self._dirty = self._gauge("dirty_versions", "Versions whose exact reads go live.")
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

    def serve(self, host: str, port: int) -> None:
        """Serve the metrics over HTTP in a thread of their own."""
        start_http_server(port, addr=host, registry=self.registry)

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

    def observe(self, status: Status) -> None:
        """Take over what the database says of its queue."""
        self.recent.append((datetime.now(UTC), status))
        self._queue_depth.set(status.queue_depth)
        self._oldest.set(status.oldest_signal_seconds)
        self._dead.set(status.dead_letters)
        self._failing.set(status.failing_versions)
        self._dirty.set(status.dirty_versions)

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
