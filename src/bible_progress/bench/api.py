"""What the HTTP API adds to the SQL that it runs, and how long pages take among many versions."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

from .. import sql
from ..formatting import counted
from . import viewers
from .figures import Figure, Tick, interleave, quantile, seconds_of, spread
from .worlds import QUERIES, WHOLE, Bench, build_world, values, watch

# What the server asks of the database.
DOCUMENTS = sql.queries("documents")

ADDED_GOAL_MS = 2.0
LIST_GOAL_MS = 30.0
OVERVIEW_GOAL_MS = 100.0
VERSION_GOAL_MS = 60.0
# The goals of lists and pages name this size; a shorter one only informs.
LISTED = 10_000
QUICK_LISTED = 1_000
REPETITIONS = 300
QUICK_REPETITIONS = 40


def measure(bench: Bench, tick: Tick) -> list[Figure]:
    """Ask in turns: the database for a document, and the server for the same one.

    Server and client share this process, so what the client does counts against the server.
    """
    from ..web.server import serving
    from ..web.settings import WebSettings

    listed = QUICK_LISTED if bench.quick else LISTED
    with ExitStack() as stack:
        name = stack.enter_context(bench.database("api"))
        connection = stack.enter_context(bench.connect(name))
        tick(f"building {counted(listed, 'version')}", 0.0)
        world = build_world(connection, text=1, audio=3, first=WHOLE, seed=bench.seed)
        whole = world.versions[0]
        watch(connection, on=False)
        original = {"original": whole.id}
        values(connection, "add_languages", count=listed // 4)
        more = listed - len(world.versions)
        connection.execute(QUERIES["add_many_versions"], {**original, "count": more})
        connection.execute(QUERIES["copy_books_to_all"], original)
        connection.execute(QUERIES["copy_summary_to_all"], original)
        watch(connection, on=True)
        connection.execute(QUERIES["clear_queue"])
        connection.execute(QUERIES["vacuum"])
        address = stack.enter_context(serving(WebSettings(database_url=bench.url(name), port=0)))
        client = stack.enter_context(
            closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=60))
        )

        def get(path: str) -> None:
            client.request("GET", path)
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200, answer.status

        def asking(depth: str) -> Callable[[int], float]:
            parameters = {
                "kind": whole.kind, "id": whole.id, "depth": depth, "book": None, "stored": False,
            }  # fmt: skip
            return lambda _: seconds_of(
                lambda: connection.execute(DOCUMENTS["tree"], parameters).fetchall()
            )

        def getting(path: str) -> Callable[[int], float]:
            return lambda _: seconds_of(lambda: get(path))

        def getting_anew(path: str) -> Callable[[int], float]:
            # A page of an address of its own, or it would be the one that was made before.
            return lambda turn: seconds_of(lambda: get(f"{path}?turn={turn}"))

        path = f"/api/v1/versions/{whole.kind}/{whole.id}"
        times = interleave(
            {
                "summary_sql": asking("version"),
                "summary_http": getting(path),
                "tree_sql": asking("chapter"),
                "tree_http": getting(f"{path}/tree"),
                "list_http": getting("/api/v1/versions?limit=50"),
                "overview": getting_anew("/"),
                "version": getting_anew(f"/versions/{whole.kind}/{whole.id}"),
            },
            QUICK_REPETITIONS if bench.quick else REPETITIONS,
            lambda share: tick("reading", 0.3 + 0.4 * share),
            warm_up=10,
        )
        looked = viewers.measure(
            address,
            bench.url(name),
            values(connection, "texts"),
            quick=bench.quick,
            seed=bench.seed,
            tick=lambda what, share: tick(what, 0.7 + 0.3 * share),
        )
    details = {f"{name}_ms": spread(seconds) for name, seconds in times.items()}

    def added(what: str) -> Figure:
        both = zip(times[f"{what}_http"], times[f"{what}_sql"], strict=True)
        differences = [1000 * (over - below) for over, below in both]
        return Figure(
            goal="API",
            what=f"{what} over HTTP, more than its SQL",
            value=quantile(differences, 0.5),
            unit="ms",
            limit=ADDED_GOAL_MS,
            low=quantile(differences, 0.1),
            high=quantile(differences, 0.9),
            details=details,
        )

    def page(goal: str, what: str, name: str, limit: float) -> Figure:
        took = [1000 * seconds for seconds in times[name]]
        return Figure(
            goal=goal,
            what=f"{what} of {counted(listed, 'version')}",
            value=quantile(took, 0.5),
            unit="ms",
            limit=limit if listed == LISTED else None,
            low=quantile(took, 0.1),
            high=quantile(took, 0.9),
            details=details,
        )

    return [
        added("summary"),
        added("tree"),
        page("P10", "the first 50", "list_http", LIST_GOAL_MS),
        page("P10", "overview", "overview", OVERVIEW_GOAL_MS),
        page("P10", "page of one", "version", VERSION_GOAL_MS),
        *looked,
    ]
