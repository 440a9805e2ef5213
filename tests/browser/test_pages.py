"""The pages as people use them: with eyes, a keyboard, a screen reader, a phone."""

import itertools
import re
import threading
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from acceptance.installation import Installation
from bible_progress.engine.worker import Worker, WorkerSettings
from bible_progress.web.reads import cut
from browser.library import BOOKS, HOSTILE, paths
from web.site import SECRET, served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_fits_and_is_accessible(
    address: str, versions: dict[str, Any], new_page: Any, width: int, scheme: str
) -> None:
    page = new_page(width=width, scheme=scheme)
    for path in paths(versions):
        answer = page.goto(address + path)
        assert answer.status == (404 if path == "/no-such-page" else 200), path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], path
        assert page.title().endswith("Bible Progress")


def test_names_that_attack_are_only_names(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page = new_page()
    for path in paths(versions):
        if path != "/no-such-page":
            page.goto(address + path)
            assert page.locator("script:not([src])").count() == 0
    page.goto(f"{address}/versions/text/{versions['hostile']}")
    assert page.locator("h1").inner_text() == cut(HOSTILE)


@pytest.mark.quick
def test_the_map_shows_counts_and_opens_chapters_by_keyboard(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page = new_page()
    page.goto(f"{address}/versions/text/{versions['begun']}")
    cell = page.get_by_role("link", name="gen 1: 4 of 31 verses")
    expect(cell).to_have_attribute("data-told", "gen 1: 4 of 31 verses")
    cell.focus()
    page.keyboard.press("ArrowRight")
    shown = "getComputedStyle(document.querySelector('#c-gen-2'), '::after').content"
    assert page.evaluate(shown) == '"gen 2: 0 of 25 verses"'
    assert page.evaluate("document.activeElement.id") == "c-gen-2"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    chapter = page.get_by_role("region", name="gen 1: 4 of 31 verses")
    expect(chapter).to_contain_text("Missing: 4-6 8-31")
    expect(chapter.locator("ol.verses li")).to_have_count(31)
    expect(chapter.locator("ol.verses li.has")).to_have_count(4)
    assert page.locator(".cells a").count() == sum(len(counts) for counts in BOOKS.values())
    # The first stop leads past the header.
    page.goto(f"{address}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_a_phone_shows_every_number_without_scrolling_sideways(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page = new_page(width=390)
    page.goto(address)
    row = page.locator("#results tbody tr", has_text="Begun text")
    for label in ("Kind", "Language", "Covered", "Old Testament", "New Testament", "Status"):
        box = row.locator(f"td[data-label='{label}']").bounding_box()
        assert box is not None, label
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390, label
    language = page.get_by_role("region", name="Table of languages")
    expect(language).to_contain_text("English")
    assert language.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_phone_shows_failures_whole(
    database: str, versions: dict[str, Any], site: Installation, new_page: Any
) -> None:
    begun = versions["begun"]
    site.bury(versions["hostile"], "23514: a reason of many words, " * 5)
    site.fail_drains_of(begun, "another reason of many words")
    site.touch(begun, "gen-2-1")
    site.rows("select progress.drain_version('text', %s)", begun)
    with served(database) as client:
        page = new_page(width=390)
        page.goto(f"{client.base_url}/operations")
        for caption, words in (
            ("the queue", "Begun text"),
            ("failing versions", "another reason of many words"),
            ("dead letters", "a reason of many words, 23514"),
        ):
            table = page.get_by_role("region", name=f"Table of {caption}")
            expect(table).to_contain_text(words)
            assert table.evaluate("e => e.scrollWidth <= e.clientWidth"), caption
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()


def test_search_answers_while_typing_and_can_be_shared(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page = new_page()
    page.goto(address)
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_label("Name, language or region").press_sequentially("full")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=full"))
    page.goto(page.url)
    expect(rows).to_have_count(1)
    page.get_by_label("Name, language or region").fill("")
    page.get_by_label("Status").select_option("complete")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Full text")
    page.goto(f"{address}/?sort=-percent")
    assert "Full text" in rows.first.inner_text()


def test_pages_work_without_scripts(address: str, versions: dict[str, Any], new_page: Any) -> None:
    page = new_page(javascript=False)
    page.goto(address)
    page.get_by_label("Name, language or region").fill("full")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Full text").last.click()
    expect(page.locator("h1")).to_have_text("Full text")


def test_versions_are_compared_beside_each_other(
    address: str, versions: dict[str, Any], site: Installation, new_page: Any
) -> None:
    page: Page = new_page()
    page.goto(f"{address}/versions/audio/{versions['audio']}")
    page.get_by_label("Begun text").check()
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_title("Recording and Begun text compared · Bible Progress")
    row = page.locator("#b-gen")
    expect(row).to_contain_text("lacks 4")
    book = page.get_by_role("link", name="gen", exact=True)
    book.focus()
    page.keyboard.press("Enter")
    chapter = page.locator("tr.chapter")
    expect(chapter).to_contain_text("only here 1-3 7")
    expect(page).to_have_url(re.compile("book=gen"))
    # What was in focus still is, what was opened stays so, and numbers follow.
    assert page.evaluate("document.activeElement.id") == "t-gen"
    expect(page.locator("#live-state")).to_have_text("live")
    site.touch(versions["begun"], "gen-2-1")
    site.drain()
    expect(page.locator("tr.chapter")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("tr.chapter")).to_have_count(0)
    page.go_back()
    expect(page.locator("tr.chapter")).to_have_count(2)


@pytest.mark.parametrize("width", [390, 1440])
def test_versions_to_compare_are_chosen_in_a_list(
    address: str, versions: dict[str, Any], new_page: Any, width: int
) -> None:
    page: Page = new_page(width=width)
    page.goto(f"{address}/languages/{versions['language']}")
    expect(page.locator("#live-state")).to_have_text("live")
    page.get_by_label("Compare Begun text").check()
    # A live update leaves what is chosen.
    page.evaluate("document.querySelector('#as-of').textContent = 'old'")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('progress-changed'))")
    expect(page.locator("#as-of")).to_contain_text("As of")
    page.get_by_label("Compare Recording").check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.locator("th.version")).to_have_count(2)
    page.goto(address)
    for name in ("Begun text", "Full text", "Recording"):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.locator("th.version")).to_have_count(3)


def test_versions_to_compare_are_found_while_typing(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page: Page = new_page(width=390)
    page.goto(f"{address}/compare?version=text:{versions['begun']}")
    page.get_by_label("Recording").check()
    page.get_by_label("Find a version or language").press_sequentially("script")
    other = page.locator("#choices li", has_text="alert(1)")
    expect(other).to_have_count(1)
    expect(page.get_by_label("Recording")).to_be_checked()
    other.locator("input").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("th.version")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # The books stay in sight beside versions that are out of it.
    page.locator("td.of").last.scroll_into_view_if_needed()
    box = page.locator("#b-gen th").bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= 390


def test_a_page_updates_itself_while_a_worker_drains(
    database: str, versions: dict[str, Any], site: Installation, new_page: Any
) -> None:
    worker = Worker(WorkerSettings(database_url=database))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        with served(database, worker=worker) as client:
            page = new_page()
            page.goto(f"{client.base_url}/versions/text/{versions['begun']}")
            expect(page.locator("#live-state")).to_have_text("live")
            cell = page.locator("#c-gen-2")
            page.locator("#days summary").click()
            cell.focus()
            site.touch(versions["begun"], "gen-2-1")
            expect(cell).to_have_attribute("data-told", "gen 2: 1 of 25 verses")
            # What was in focus still is, and what was opened.
            assert page.evaluate("document.activeElement.id") == "c-gen-2"
            assert page.locator("#days").get_attribute("open") is not None
            site.run("delete from verse_texts where verse_id = 'gen-2-1'")
            expect(cell).to_have_attribute("data-told", "gen 2: 0 of 25 verses")
            overview: Page = new_page()
            overview.goto(str(client.base_url))
            expect(overview.locator("#live-state")).to_have_text("live")
            site.run("update text_versions set deleted_at = now() where name = 'Begun text'")
            expect(overview.locator("#results tbody tr")).to_have_count(3)
            # What they plan to read again they would ask of nobody.
            page.close()
            overview.close()
    finally:
        worker.stop()
        thread.join()


def test_a_page_is_read_again_at_most_every_two_seconds_and_not_while_nobody_sees_it(
    database: str, versions: dict[str, Any], site: Installation, new_page: Any
) -> None:
    verses = iter(f"gen-2-{number}" for number in range(1, 26))
    with served(database) as client:
        page = new_page()
        page.goto(f"{client.base_url}/versions/text/{versions['begun']}")
        expect(page.locator("#live-state")).to_have_text("live")
        page.evaluate("""window.reads = []; document.body.addEventListener(
            "progress-changed", () => window.reads.push(performance.now()))""")
        reads = "window.reads"
        for count in range(1, 5):
            while len(page.evaluate(reads)) < count:
                site.touch(versions["begun"], next(verses))
                page.wait_for_timeout(400)
        times = page.evaluate(reads)
        assert min(b - a for a, b in itertools.pairwise(times)) >= 1990
        page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away})")
        page.evaluate("window.away = true")
        page.wait_for_timeout(2500)
        seen = len(page.evaluate(reads))
        site.touch(versions["begun"], "gen-1-20")
        page.wait_for_timeout(4000)
        assert len(page.evaluate(reads)) == seen
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_function(f"{reads}.length > {seen}")
        page.close()


def test_dead_letters_are_retried_by_who_has_the_secret(
    database: str, versions: dict[str, Any], site: Installation, new_page: Any
) -> None:
    site.bury(versions["hostile"], "<i>the reason</i>")
    with served(database, secret=SECRET) as client:
        page = new_page()
        page.goto(f"{client.base_url}/operations")
        page.get_by_label("Secret").fill(SECRET)
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("region", name="Table of dead letters")).to_contain_text(
            "<i>the reason</i>"
        )
        assert [v["id"] for v in Axe().run(page).response["violations"]] == []
        page.get_by_role("button", name="Retry").click()
        expect(page.get_by_role("alert")).to_contain_text("Done.")
        assert SECRET not in page.content()
        page.close()
    assert site.dead() == 0


def test_an_empty_database_tells_what_to_do_next(database: str, new_page: Any) -> None:
    with served(database) as client:
        page = new_page()
        page.goto(str(client.base_url))
        expect(page.get_by_text("bible-progress import canon")).to_be_visible()
        page.goto(f"{client.base_url}/languages")
        expect(page.get_by_text("language_entities")).to_be_visible()
        page.goto(f"{client.base_url}/compare")
        expect(page.get_by_text("There are no versions yet")).to_be_visible()
        page.goto(f"{client.base_url}/operations")
        expect(page.get_by_text("No worker is running")).to_be_visible()
        page.close()
