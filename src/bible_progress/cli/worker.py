"""bible-progress worker"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time

from pythonjsonlogger.json import JsonFormatter

from ..engine.worker import IDLE_SECONDS, LOOK_SECONDS, Worker, WorkerSettings
from .options import Subparsers, database_url, port, positive, require_database, seconds, setting


def add(subparsers: Subparsers) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "worker",
        help="drain continuously",
        description="Drain continuously until SIGTERM or Ctrl-C. Several workers may run.",
    )
    database_url(parser)
    setting(
        parser,
        "--concurrency",
        env="BIBLE_PROGRESS_CONCURRENCY",
        type=positive,
        default="2",
        metavar="N",
        help="connections that drain side by side",
    )
    setting(
        parser,
        "--idle-seconds",
        env="BIBLE_PROGRESS_IDLE_SECONDS",
        type=seconds,
        default=str(IDLE_SECONDS),
        metavar="SECONDS",
        help="longest pause between looks at an empty queue",
    )
    setting(
        parser,
        "--audit-seconds",
        env="BIBLE_PROGRESS_AUDIT_SECONDS",
        type=seconds,
        default="30",
        metavar="SECONDS",
        help="pause between audits of one random version each",
    )
    setting(
        parser,
        "--metrics-port",
        env="BIBLE_PROGRESS_METRICS_PORT",
        type=port,
        metavar="PORT",
        help="serve Prometheus metrics there; off unless given",
    )
    setting(
        parser,
        "--metrics-host",
        env="BIBLE_PROGRESS_METRICS_HOST",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where the metrics listen",
    )
    setting(
        parser,
        "--log-format",
        env="BIBLE_PROGRESS_LOG_FORMAT",
        type=log_format,
        default="json",
        metavar="json|text",
        help="how to write the log",
    )
    setting(
        parser,
        "--log-level",
        env="BIBLE_PROGRESS_LOG_LEVEL",
        type=log_level,
        default="INFO",
        metavar="LEVEL",
        help="DEBUG logs every drain",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Drain until told to stop."""
    url = require_database(options)
    configure_logging(options.log_format, options.log_level)
    runner = Worker(
        WorkerSettings(
            database_url=url,
            concurrency=options.concurrency,
            idle_seconds=options.idle_seconds,
            audit_seconds=options.audit_seconds,
            metrics_host=options.metrics_host,
            metrics_port=options.metrics_port,
        )
    )

    run_until_told(runner)
    return 0


def run_until_told(runner: Worker) -> None:
    """Drain until SIGTERM or Ctrl-C, then end the drains that are under way."""

    def stop(_signum: int, _frame: object) -> None:
        runner.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runner.run()


def wait_for_interrupt(or_until: threading.Event | None = None) -> None:
    """Wait for KeyboardInterrupt, as which `main` lets SIGTERM come too, or until told."""
    # Not Event.wait(): a signal that comes just as a wait begins is handled only once that ends,
    # and an interrupt in the middle of it finds a lock that it cannot release.
    while or_until is None or not or_until.is_set():
        time.sleep(LOOK_SECONDS)


def configure_logging(log_format: str, level: str) -> None:
    """Log to stderr, one JSON object or one line of text an event."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "{levelname}{message}",
                style="{",
                rename_fields={"levelname": "level"},
                timestamp="time",
            )
        )
    else:
        formatter = logging.Formatter(
            "%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ"
        )
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    logger = logging.getLogger("bible_progress")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)


def log_format(text: str) -> str:
    """Parse json or text."""
    if text not in ("json", "text"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither json nor text")
    return text


def log_level(text: str) -> str:
    """Parse the name of a log level."""
    if text.upper() not in logging.getLevelNamesMapping():
        raise argparse.ArgumentTypeError(f"{text!r} is no log level, such as INFO or DEBUG")
    return text.upper()
