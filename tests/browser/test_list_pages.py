"""Lists as people use them: found again by their address, sorted, on a phone and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.builders import World
from support.oracle import drain
from web.site import served

HEADS = {
    "Version": "name", "Kind": "kind", "Language": "language", "Covered": "percent",
    "Old Testament": "old", "New Testament": "new", "Books": "books", "Status": "status",
}  # fmt: skip


@pytest.fixture
def address(database: str, library: World) -> Iterator[str]:
    """Serve nine versions of long, right-to-left and hostile names in a region."""
    library.canon(books={"gen": (3, 2), "matt": (4,)})
    run = library.connection.execute
    run("update books set testament = 'new' where id = 'matt'")
    region = library.language("Middle East")
    for number, name in enumerate(
        ("Babalé", "שלום " * 12, "<i>x</i>" * 9, "long" * 40, "العربية", "A", "B", "C", "D")
    ):
        language = library.language(name)
        run("update language_entities set parent_id = %s where id = %s", [region, language])
        version = library.text_version(name=f"{name} {number}", language=language)
        library.text(version, ["gen-1-1", "gen-1-2", "matt-1-1", "matt-1-2"][: number % 5])
    drain(library.connection)
    with served(database) as client:
        yield str(client.base_url).rstrip("/")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
@pytest.mark.parametrize("query", ["q=middle", "status=in+progress", "min_percent=1", "sort=-new"])
def test_the_first_screen_of_a_bookmark_has_what_was_looked_for(
    address: str, new_page: Any, width: int, height: int, query: str
) -> None:
    page: Page = new_page(width=width)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{address}/?{query}")
    box = page.locator("#results tbody tr").first.bounding_box()
    assert box is not None
    assert box["y"] + 100 < height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_column_sorts_both_ways_without_scripts(address: str, new_page: Any) -> None:
    page: Page = new_page(javascript=False)
    page.goto(f"{address}/?q=middle")
    for head, key in HEADS.items():
        link = page.locator("#results thead").get_by_role("link", name=head)
        link.click()
        first = re.search(r"sort=(-?)([a-z]+)", page.url)
        assert first is not None
        assert first[2] == key
        assert "q=middle" in page.url
        sorted_heads = page.locator("#results th[aria-sort]")
        expect(sorted_heads).to_have_count(1)
        expect(sorted_heads).to_contain_text(head)
        before = sorted_heads.get_attribute("aria-sort")
        page.locator("#results thead").get_by_role("link", name=head).click()
        assert {before, sorted_heads.get_attribute("aria-sort")} == {"ascending", "descending"}
        expect(page.locator("#results tbody tr")).to_have_count(9)


def test_a_phone_sorts_by_a_choice_and_separates_what_stands_in_a_cell(
    address: str, new_page: Any
) -> None:
    page: Page = new_page(width=390)
    page.goto(address)
    page.get_by_label("Order").select_option("-new")
    expect(page.locator("#results tbody tr").first).to_contain_text("العربية")
    expect(page).to_have_url(re.compile("sort=-new"))
    # What cannot be seen cannot be reached.
    assert page.locator("#results thead a:visible").count() == 0
    page.goto(f"{address}/languages?q=babale")
    assert "Babalé in Middle East" in page.get_by_role("rowheader").inner_text().replace("\n", " ")


def test_the_list_stays_where_it_is_while_the_page_is_read_again(
    address: str, library: World, new_page: Any
) -> None:
    page: Page = new_page()
    page.goto(address)
    expect(page.locator("#live-state")).to_have_text("live")
    page.get_by_label("Name, language or region").press_sequentially("middle")
    expect(page).to_have_url(re.compile("q=middle"))
    order = (
        "document.querySelector('#results').compareDocumentPosition("
        "document.querySelector('#lately')) & Node.DOCUMENT_POSITION_FOLLOWING"
    )
    assert not page.evaluate(order)
    library.text_version(name="Tenth")
    library.connection.execute(
        "update text_versions set language_entity_id ="
        " (select id from language_entities where name = 'A') where name = 'Tenth'"
    )
    expect(page.locator("#results tbody tr")).to_have_count(10)
    assert not page.evaluate(order)
    expect(page.get_by_label("Name, language or region")).to_have_value("middle")
    expect(page).to_have_url(re.compile(r"q=middle"))
    assert "first" not in page.url
    page.goto(page.url)
    assert page.evaluate(order)
