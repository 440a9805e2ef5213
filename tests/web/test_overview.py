"""What the overview says of versions that are nearly complete, and of places without verses."""

import re

import httpx
import pytest

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
