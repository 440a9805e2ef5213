"""What pages say to people: nearly complete, begun, recorded, and places without verses."""

import html
import re

import httpx
import pytest

from acceptance.command_line import CommandLine
from support.builders import World
from support.oracle import drain

NEARLY = re.compile(r'<section aria-labelledby="nearly">.*?</section>', re.DOTALL)


def nearly(api: httpx.Client) -> list[str]:
    """Return the names in the section, and assert that it is there only for some."""
    page = api.get("/").text
    assert "Overview" in page
    found = NEARLY.findall(page)
    assert len(found) <= 1
    assert ("Nearly complete" in page) == bool(found)
    names = re.findall(r"<bdi>(.*?)</bdi>", found[0]) if found else []
    assert bool(found) == bool(names)
    return names


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_nearly_complete_is_nine_tenths_and_more_but_not_all(
    api: httpx.Client, library: World, kind: str
) -> None:
    # A chapter without verses takes nothing from the one that is whole.
    library.canon("eng", {"ps": (0, 1000)})
    verses = [f"ps-2-{n}" for n in range(1, 1001)]

    def version(name: str, covers: int) -> None:
        if kind == "text":
            library.text(library.text_version(name=name), verses[:covers])
        else:
            made = library.audio_version(name=name)
            library.recording(made, start=verses[0], end=verses[covers - 1])

    assert nearly(api) == []
    for covers in (280, 899, 1000):
        version(f"covers {covers}", covers)
    assert nearly(api) == []
    version("covers 900", 900)
    assert nearly(api) == ["covers 900"]
    version("covers 999", 999)
    assert nearly(api) == ["covers 999", "covers 900"]


def test_a_chapter_without_verses_is_shown_as_such(api: httpx.Client, library: World) -> None:
    library.canon("eng", {"front": (0,), "ruth": (0, 1)})
    version = library.text_version()
    library.text(version, ["ruth-2-1"])
    page = api.get(f"/versions/text/{version}", params={"chapter": "ruth-1"}).text
    assert "ruth 1: no verses" in page
    assert "0 of 0" not in page
    assert "Nothing is missing." in page
    assert re.search(r"<b>1</b>\s+of 1 chapters complete", page)
    assert "<b>1</b> of 1 books complete" in page


PENDING = "No recording counts yet."


@pytest.mark.parametrize(
    ("upload", "publish"),
    [("pending", "pending"), ("completed", "pending"), ("pending", "published")],
)
def test_a_recording_that_does_not_count_yet_says_why_until_it_does(
    api: httpx.Client, library: World, upload: str, publish: str
) -> None:
    library.canon("eng", {"ruth": (3,)})
    version = library.audio_version()
    path = f"/versions/audio/{version}"
    assert PENDING in api.get(path).text
    file = library.recording(version, chapter="ruth-1", upload=upload, publish=publish)
    shown = api.get(path).text
    assert PENDING in shown
    for name, value in (("upload_status", "completed"), ("publish_status", "published")):
        assert name in shown
        assert value in shown
    library.connection.execute(
        "update media_files set upload_status = 'completed', publish_status = 'published'"
        " where id = %s",
        [file],
    )
    assert PENDING not in api.get(path).text


def test_a_text_says_nothing_of_recordings(api: httpx.Client, library: World) -> None:
    library.canon("eng", {"ruth": (3,)})
    assert PENDING not in api.get(f"/versions/text/{library.text_version()}").text


def words(page: str) -> str:
    """Return what a page says, without tags."""
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


def test_begun_chapters_are_those_that_are_not_complete(api: httpx.Client, library: World) -> None:
    library.canon("eng", {"ruth": (2, 2, 2, 2)})
    version = library.text_version()
    library.text(version, ["ruth-1-1", "ruth-1-2", "ruth-2-1", "ruth-3-2"])
    page = words(api.get(f"/versions/text/{version}").text)
    assert "1 of 4 chapters complete, 2 more begun" in page


def test_a_duration_is_shown_where_one_is_known(api: httpx.Client, library: World) -> None:
    library.canon("eng", {"ruth": (2, 2)})
    version = library.audio_version()
    file = library.recording(version, chapter="ruth-1")
    path = f"/versions/audio/{version}"
    page = words(api.get(path).text)
    assert "1 recording " in page
    assert "0 s" not in page
    library.recording(version, chapter="ruth-2")
    library.connection.execute("update media_files set duration_seconds = 20 where id = %s", [file])
    assert "20 s in 2 recordings" in words(api.get(path).text)


def test_an_empty_overview_leads_to_a_first_version(
    api: httpx.Client, library: World, cli: CommandLine
) -> None:
    """What it says to do is done to the letter."""
    command, statement = re.findall(r"<pre[^>]*>(.*?)</pre>", api.get("/").text, re.DOTALL)
    program, *arguments = command.split()
    assert program == "bible-progress"
    cli(*arguments).assert_done()
    library.connection.execute(html.unescape(statement).encode())
    page = api.get("/").text
    assert "<pre" not in page
    assert "Our text" in page


def lately(api: httpx.Client) -> list[str]:
    """Return what the section says, a line a version."""
    page = api.get("/").text
    section = page.partition('<h2 id="lately">')[2].partition("</section>")[0]
    return [words(line) for line in re.findall(r"<li>(.*?)</li>", section, re.DOTALL)]


def test_changed_lately_says_what_changed_and_nothing_that_was_only_counted_again(
    api: httpx.Client, library: World
) -> None:
    library.canon("eng", {"ruth": (4, 4)})
    run = library.connection.execute
    empty = library.text_version(name="Empty")
    grown, shrunk, loaded = (library.text_version(name=n) for n in ("Grown", "Shrunk", "Loaded"))
    # This one was there long before it was first counted.
    run("update text_versions set created_at = now() - interval '9 days' where id = %s", [loaded])
    library.text(loaded, ["ruth-1-1"])
    library.text(grown, ["ruth-1-1"])
    library.text(shrunk, ["ruth-1-1", "ruth-1-2", "ruth-1-3"])
    drain(library.connection)
    run("update progress.version_history set day = day - 3")
    run(
        "update progress.version_rollup"
        " set refreshed_at = refreshed_at - interval '3 days', changed_at = changed_at - interval '3 days'"
    )
    [first, second] = lately(api)
    assert {first.split()[0], second.split()[0]} == {"Grown", "Shrunk"}

    library.text(grown, ["ruth-1-2", "ruth-1-3", "ruth-2-1"])
    drain(library.connection)
    run("delete from verse_texts where text_version_id = %s and verse_id <> 'ruth-1-1'", [shrunk])
    # Counted again, all of them.
    run("select progress.signal_all('text')")
    drain(library.connection)
    told = lately(api)
    assert len(told) == 2
    assert re.fullmatch(r"Shrunk text, −2 verses .*, now 12 %", told[0])
    assert re.fullmatch(r"Grown text, \+3 verses .*, now 50 %", told[1])
    library.text(empty, ["ruth-2-4"])
    drain(library.connection)
    assert re.fullmatch(r"Empty text, \+1 verse .*, now 12 %", lately(api)[0])
    run("delete from verse_texts where text_version_id = %s", [empty])
    run("update text_versions set deleted_at = now() where id = %s", [shrunk])
    drain(library.connection)
    assert [line.split()[0] for line in lately(api)] == ["Grown"]

    # As a move to another strategy and back leaves it: the history stays.
    run("update text_versions set created_at = now() - interval '9 days'")
    run("delete from progress.version_rollup")
    run("select progress.signal_all('text')")
    drain(library.connection)
    assert [line.split()[0] for line in lately(api)] == ["Grown"]


@pytest.mark.parametrize(
    ("query", "comes_first"),
    [
        ({}, False),
        ({"q": "", "kind": "", "status": "", "min_percent": "", "sort": "name"}, False),
        ({"q": "a"}, True),
        ({"kind": "text"}, True),
        ({"status": "not started"}, True),
        ({"min_percent": "0"}, True),
        ({"sort": "-percent"}, True),
        ({"q": "a", "first": "false"}, False),
        ({"first": "true"}, True),
    ],
)
def test_what_was_looked_for_comes_first(
    api: httpx.Client, library: World, query: dict[str, str], comes_first: bool
) -> None:
    library.canon("eng", {"ruth": (2,)})
    library.text_version(name="A text")
    page = api.get("/", params=query).text
    assert (page.index('id="results"') < page.index('id="lately"')) == comes_first
    assert page.count('id="results"') == 1
    # Where it stands is nothing that a link or a bookmark carries on.
    assert "first=" not in page


def test_counts_are_said_as_people_do(api: httpx.Client, library: World) -> None:
    library.canon("eng", {"ruth": (2,)})
    region = library.language("Sahel")
    for name in ("One", "Two"):
        language = library.language(name)
        library.connection.execute(
            "update language_entities set parent_id = %s where id = %s", [region, language]
        )
        library.text_version(name=f"In {name}", language=language)
    assert "2 versions" in words(api.get("/").text)
    assert "1 version found" in words(api.get("/", params={"q": "in one"}).text)
    for path in ("/", "/languages", f"/languages/{language}"):
        said = words(api.get(path).text)
        assert "in Sahel" in said
        assert "match" not in said
        assert "below" not in said
