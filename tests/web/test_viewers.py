"""Many look at the same page: it is made once for them all, and still nobody sees what was."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.web import dashboard, renders
from bible_progress.web.renders import Renders
from web.site import BEARER, SECRET, served

LANGUAGES = "/languages"


def run(look: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop in a thread of its own: the browser's may be in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(look())).result(240)


class Made:
    """Counts the pages that are made, and holds them up while told to."""

    def __init__(self) -> None:
        self.count = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def page(self, *arguments: Any, **values: Any) -> Any:
        self.count += 1
        assert self.go_on.wait(240)
        return self.make(*arguments, **values)

    make = staticmethod(dashboard.page)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    counted = Made()
    monkeypatch.setattr(dashboard, "page", counted.page)
    yield counted
    counted.go_on.set()


def test_those_who_come_while_a_page_is_made_share_the_next(
    api: httpx.Client, site: Installation, made: Made
) -> None:
    site.texts(1)
    made.go_on.clear()
    with ThreadPoolExecutor(31) as viewers:
        first = viewers.submit(httpx.get, f"{api.base_url}{LANGUAGES}", timeout=240)
        assert soon(lambda: made.count == 1)
        site.run("update language_entities set name = 'Changed since'")
        others = [
            viewers.submit(httpx.get, f"{api.base_url}{LANGUAGES}", timeout=240) for _ in range(30)
        ]
        # The first is held up, so whoever is in by now cannot have what it gets.
        assert soon(lambda: threading.active_count() > 30)
        made.go_on.set()
        assert "Changed since" not in first.result().text
        assert all("Changed since" in other.result().text for other in others)
    assert 2 <= made.count < 31


def test_nobody_is_shown_what_was_before_they_asked(api: httpx.Client, site: Installation) -> None:
    site.texts(1)
    committed, is_done = 0, threading.Event()

    def write() -> None:
        nonlocal committed
        for number in range(1, 60):
            site.run("update language_entities set name = %s", f"Number-{number}.")
            committed = number
        is_done.set()

    def look() -> int:
        looks = 0
        with httpx.Client(base_url=api.base_url, timeout=240) as client:
            while not is_done.is_set() or not looks:
                least = committed
                found = re.search(r"Number-(\d+)\.", client.get(LANGUAGES).text)
                assert least == 0 or (found and int(found[1]) >= least)
                looks += 1
        return looks

    with ThreadPoolExecutor(7) as threads:
        viewers = [threads.submit(look) for _ in range(6)]
        threads.submit(write).result(240)
        assert all(viewer.result(240) for viewer in viewers)


def test_a_page_is_made_again_only_when_something_has_changed(
    api: httpx.Client, site: Installation, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renders, "KEPT_SECONDS", 1e6)
    [version] = site.texts(1)
    paths = {"/": "gen-1-2", LANGUAGES: "gen-1-3", f"/versions/text/{version}": "exod-1-1"}

    def is_kept(path: str) -> bool:
        before = made.count
        api.get(path)
        return made.count == before

    for path, verse in paths.items():
        first = api.get(path)
        # Soon: the server's own upkeep is a change too.
        assert soon(lambda path=path: is_kept(path)), path
        site.touch(version, verse)
        before = made.count
        assert api.get(path).text != first.text
        assert made.count == before + 1, path
        # What other addresses show is another page.
        assert api.get(path, params={"chapter": "gen-1", "q": "Nothing"}).status_code == 200
        assert made.count == before + 2, path


def test_whom_live_updates_tell_to_read_again_share_one_render(
    api: httpx.Client, site: Installation, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renders, "KEPT_SECONDS", 1e6)
    [version] = site.texts(1)
    path = f"/versions/text/{version}"
    again = {"HX-Request": "true", "HX-Trigger": "live"}

    def told(stream: Iterator[str]) -> None:
        next(line for line in stream if line.startswith("data: "))

    with api.stream("GET", "/api/v1/events") as answer:
        stream = answer.iter_lines()
        told(stream)
        for verse in ("gen-1-2", "gen-1-3"):
            site.touch(version, verse)
            told(stream)
            before = made.count
            # Something that is not told of changes the snapshot each time.
            shown = []
            for _ in range(5):
                site.run("update users set id = id")
                site.run("update progress.settings set environment = environment")
                shown.append(api.get(path, headers=again).text)
            assert len(set(shown)) == 1
            assert made.count == before + 1
            # Who comes by himself gets what is, and so does who is told next.
            api.get(path)
            assert made.count == before + 2


def test_what_one_may_see_is_not_shown_to_another(database: str, made: Made) -> None:
    with served(database, secret=SECRET) as api, ThreadPoolExecutor(4) as viewers:
        made.go_on.clear()
        operator = viewers.submit(
            httpx.get, f"{api.base_url}/operations", headers=BEARER, timeout=240
        )
        assert soon(lambda: made.count == 1)
        assert api.get("/operations").status_code == 303
        made.go_on.set()
        assert operator.result().status_code == 200
        assert api.get("/operations").status_code == 303


def test_an_address_is_not_shown_to_those_who_came_by_another(
    api: httpx.Client, site: Installation
) -> None:
    [version] = site.texts(1)
    port = api.base_url.port
    for host in ("127.0.0.1", "localhost"):
        shown = api.get(f"/versions/text/{version}", headers={"Host": f"{host}:{port}"}).text
        assert f"http://{host}:{port}/api" in shown


def test_a_page_is_the_same_compressed_and_not(api: httpx.Client, site: Installation) -> None:
    [version] = site.texts(1)
    path = f"/versions/text/{version}"
    plain = api.get(path, headers={"Accept-Encoding": "identity"})
    packed = api.get(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    untimed = re.compile(r"As of [^<]*")
    assert untimed.sub("", packed.text) == untimed.sub("", plain.text)
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.headers["cache-control"] == "no-store"
    head = api.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")


def test_one_who_leaves_does_not_take_the_page_from_the_others() -> None:
    go_on = threading.Event()

    def render(_: object) -> Any:
        assert go_on.wait(240)
        return renders._Rendered(None, 0.0, 0.0, HTMLResponse("made"), b"")

    async def look() -> None:
        shared = Renders()
        leaving = asyncio.create_task(shared.get("page", render))
        staying = asyncio.create_task(shared.get("page", render))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go_on.set()
        assert (await staying).response.body == b"made"

    run(look)


def test_a_failure_is_told_to_all_and_is_not_kept() -> None:
    made: list[int] = []

    def render(_: object) -> Any:
        made.append(1)
        if len(made) == 1:
            raise ValueError("broken")
        return renders._Rendered(None, 0.0, 0.0, HTMLResponse("made"), b"")

    async def look() -> None:
        shared = Renders()
        found = await asyncio.gather(
            *(shared.get("page", render) for _ in range(3)), return_exceptions=True
        )
        assert [str(error) for error in found] == ["broken"] * 3
        assert (await shared.get("page", render)).response.body == b"made"

    run(look)


def test_what_is_kept_is_bounded() -> None:
    async def look() -> None:
        shared = Renders()
        for number in range(3 * renders.KEPT_PAGES):
            await shared.get(
                number,
                lambda _: renders._Rendered(None, 1e18, 1e18, HTMLResponse("made"), b""),
            )
        assert len(shared._kept) == renders.KEPT_PAGES

    run(look)
