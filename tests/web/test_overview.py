"""What pages say to people: nearly complete, begun, recorded, and places without verses."""

import html
import re

import httpx
import pytest

from acceptance.command_line import CommandLine
from support.builders import World

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
