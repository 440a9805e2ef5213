"""Every goal in one run on one server: one table, one JSON file."""

from __future__ import annotations

import sys

import p1_drain
import p3_write_cost
import p4_concurrent_writers
import p5_lag
import p7_size
from harness import run

MEASURES = {
    "P1": p1_drain.measure,
    "P3": p3_write_cost.measure,
    "P4": p4_concurrent_writers.measure,
    "P5": p5_lag.measure,
    "P7": p7_size.measure,
}

if __name__ == "__main__":
    sys.exit(run("run_all", MEASURES))
