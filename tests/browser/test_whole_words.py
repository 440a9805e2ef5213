"""Words stay whole, paper is light, moments move on, and a map takes one stop of the Tab key."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.library import BOOKS, paths

# The words that stand on two lines, but for those that are longer than a line may be.
BROKEN = r"""(longest) => {
  const broken = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const within = text.parentElement;
    if (!within.checkVisibility() || within.closest(".hidden, .skip, pre")) continue;
    for (const word of text.data.matchAll(/[^\s-]+/g)) {
      if (word[0].length > longest) continue;
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const tops = [...range.getClientRects()].filter((r) => r.width > 0).map((r) => r.top);
      if (Math.max(...tops) - Math.min(...tops) > 3) broken.push(word[0]);
    }
  }
  return broken;
}"""
HOUR = 3_600_000
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(0, 0, 0)"


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_no_word_of_any_page_breaks_inside(
    address: str, versions: dict[str, Any], new_page: Any, width: int
) -> None:
    page: Page = new_page(width=width)
    for path in paths(versions):
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach((e) => (e.open = true))")
        assert page.evaluate(BROKEN, 30) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("length", [60, 300])
@pytest.mark.parametrize("width", [390, 1440])
def test_words_that_are_wider_than_a_line_widen_nothing(
    address: str, versions: dict[str, Any], site: Any, new_page: Any, width: int, length: int
) -> None:
    word = "W" * length
    site.run("update text_versions set name = %s", word)
    site.run("update language_entities set name = %s", word)
    site.run("update books set name = %s", word)
    site.run("update bible_versions set name = %s", word)
    page: Page = new_page(width=width)
    for path in paths(versions):
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach((e) => (e.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        # The words around it are whole all the same.
        assert page.evaluate(BROKEN, 30) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_light_and_cells_tell_without_colours(
    address: str, versions: dict[str, Any], new_page: Any, scheme: str
) -> None:
    page: Page = new_page(scheme=scheme)
    page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{address}/versions/text/{versions['begun']}")
    style = "([where, what]) => getComputedStyle(document.querySelector(where))[what]"

    def of(where: str, what: str) -> str:
        return page.evaluate(style, [where, what])

    assert (of("body", "backgroundColor"), of("body", "color")) == (LIGHT, DARK)
    assert of(".tiles li", "backgroundColor") == LIGHT
    assert of("#c-gen-1", "borderTopStyle") == "dashed"
    assert of("#c-gen-2", "borderTopColor") == "rgba(0, 0, 0, 0)"
    page.goto(f"{address}/versions/text/{versions['full']}?chapter=gen-1")
    assert of("#c-gen-1", "borderTopStyle") == "solid"
    assert int(of("#c-gen-1", "fontWeight")) >= 700
    assert of("#c-gen-1", "color") == of(".verses li.has", "color") == DARK
    # What is folded on a screen is written out.
    assert page.locator("#books table").is_visible()
    assert page.locator("#books").get_attribute("open") is None
    assert not page.locator("nav").is_visible()
    # What only a screen can do is not on paper, and a moment is a date.
    page.goto(address)
    for part in ("form", "input", ".skip"):
        assert page.locator(part).count() > 0
        assert page.locator(part).locator("visible=true").count() == 0, part
    moment = page.locator("time.ago").first
    said = moment.evaluate("e => getComputedStyle(e, '::after').content")
    assert re.search(r"\d{4}-\d\d-\d\d", said)


def test_moments_move_on_and_are_dates_without_scripts(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page: Page = new_page()
    page.clock.install()
    page.goto(address)
    moment = page.locator("time.ago").first
    expect(moment).to_have_text(re.compile(r"^\d+ (second|minute)s? ago$"))
    page.clock.fast_forward(2 * HOUR)
    expect(moment).to_have_text("2 hours ago")
    page.clock.fast_forward(72 * HOUR)
    expect(moment).to_have_text("3 days ago")
    plain: Page = new_page(javascript=False)
    plain.goto(address)
    shown = plain.locator("time.ago").first
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", shown.inner_text())
    assert shown.get_attribute("datetime") == moment.get_attribute("datetime")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")


def stops(page: Page, until: str, most: int) -> int:
    """Return how many presses of Tab reach what matches."""
    for pressed in range(1, most + 1):
        page.keyboard.press("Tab")
        if page.evaluate("(e) => document.activeElement.matches(e)", until):
            return pressed
    raise AssertionError(f"{most} stops do not reach {until}")


@pytest.mark.parametrize("width", [390, 1440])
def test_a_map_is_one_stop_and_arrows_walk_in_two_dimensions(
    address: str, versions: dict[str, Any], new_page: Any, width: int
) -> None:
    page: Page = new_page(width=width)
    page.goto(f"{address}/versions/text/{versions['begun']}")
    assert stops(page, ".cells a", 20) <= 15
    assert focused(page) == "c-gen-1"
    assert page.locator(".cells a[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cells')") is None
    page.keyboard.press("Shift+Tab")
    for key, at in (
        ("ArrowRight", "c-gen-2"),
        ("ArrowDown", "c-exod-2"),
        ("ArrowUp", "c-gen-2"),
        ("ArrowRight", "c-gen-3"),
        # A line that is shorter has its last cell nearest.
        ("ArrowDown", "c-exod-2"),
        ("ArrowRight", "c-ps-1"),
        ("End", "c-ps-120"),
        ("Home", "c-ps-1"),
        ("ArrowUp", "c-exod-1"),
        ("Control+End", "c-rev-1"),
        ("ArrowDown", "c-rev-1"),
        ("ArrowRight", "c-rev-1"),
        ("ArrowLeft", "c-matt-2"),
        ("Control+Home", "c-gen-1"),
        ("ArrowLeft", "c-gen-1"),
        ("ArrowUp", "c-gen-1"),
    ):
        page.keyboard.press(key)
        assert focused(page) == at, key
        assert page.locator(".cells a[tabindex='0']").count() == 1
    # Lines of one book, too.
    page.keyboard.press("Control+End")
    page.locator("#c-ps-120").focus()
    tops = "(e) => document.getElementById(e).getBoundingClientRect().top"
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("c-ps-")
    assert page.evaluate(tops, focused(page)) < page.evaluate(tops, "c-ps-120")
    page.keyboard.press("Enter")
    expect(page.locator("#chapter")).to_be_visible()


def test_where_somebody_is_in_a_map_stays_when_the_page_is_read_again(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page: Page = new_page()
    page.goto(f"{address}/versions/text/{versions['begun']}")
    expect(page.locator("#live-state")).to_have_text("live")
    page.locator("#books summary").click()
    page.locator("#c-ps-7").focus()
    page.evaluate("document.querySelector('#c-gen-1').dataset.told = 'old'")
    page.evaluate("document.querySelector('#as-of').textContent = 'old'")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('progress-changed'))")
    expect(page.locator("#c-gen-1")).to_have_attribute("data-told", "gen 1: 4 of 31 verses")
    expect(page.locator("#as-of")).to_contain_text("As of")
    assert focused(page) == "c-ps-7"
    assert page.locator("#books table").is_visible()
    assert page.locator(".cells a").count() == sum(len(counts) for counts in BOOKS.values())
    assert page.locator(".cells a[tabindex='0']").evaluate_all("e => e.map(c => c.id)") == [
        "c-ps-7"
    ]


@pytest.mark.parametrize("path", ["/", "/languages"])
def test_the_filter_is_a_few_stops_away(
    address: str, versions: dict[str, Any], new_page: Any, path: str
) -> None:
    page: Page = new_page()
    page.goto(address + path)
    stops(page, "a.skip[href='#q']", 3)
    page.keyboard.press("Enter")
    page.keyboard.type("full")
    assert focused(page) == "q"
    assert page.locator("#q").input_value() == "full"


def test_a_version_tells_its_books_once(
    address: str, versions: dict[str, Any], new_page: Any
) -> None:
    page: Page = new_page(javascript=False)
    page.goto(f"{address}/versions/text/{versions['begun']}")
    table = page.locator("#books table")
    assert not table.is_visible()
    page.locator("#books summary").click()
    assert table.is_visible()
    assert table.locator("tbody tr").count() == len(BOOKS)
