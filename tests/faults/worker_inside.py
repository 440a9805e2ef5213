"""A worker inside of the test's own process, and what it counts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bible_progress.engine.metrics import Metrics
from bible_progress.engine.worker import Worker, WorkerSettings


@contextmanager
def worker(url: str, *, concurrency: int = 2, audit_seconds: float = 1000) -> Iterator[Metrics]:
    """Run a worker in this process; yields what it counts."""
    metrics = Metrics()
    runner = Worker(
        WorkerSettings(
            database_url=url,
            concurrency=concurrency,
            idle_seconds=0.02,
            audit_seconds=audit_seconds,
        ),
        metrics=metrics,
    )
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        assert runner.wait_until_warm(20)
        yield metrics
    finally:
        runner.stop()
        thread.join(240)
    assert not thread.is_alive()


def count(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"bible_progress_{name}", labels) or 0.0
