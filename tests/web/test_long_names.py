"""Whatever hosts call things, pages stay small, and the API says the whole name."""

import httpx
import pytest

from acceptance.installation import Installation

LONG = "Ever so long \U0001f54a " * 20_000
PAGES = ["/", "/languages", "/languages/{language}", "/versions/text/{version}", "/operations"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "named",
    ["text_versions", "language_entities", "books", "bible_versions"],
    ids=["version", "language", "book", "canon"],
)
def test_a_long_name_makes_no_long_page(
    api: httpx.Client, site: Installation, named: str, page: str
) -> None:
    version = site.texts(2)[0]
    site.touch(version)
    path = page.format(
        version=version,
        language=site.value("select language_entity_id from text_versions where id = %s", version),
    )
    before = len(api.get(path).content)
    site.run(f"update {named} set name = %s", LONG)
    after = api.get(path)
    assert after.status_code == 200
    assert len(after.content) < before + 20_000


def test_the_api_says_the_whole_name(api: httpx.Client, site: Installation) -> None:
    [version] = site.texts(1)
    site.run("update text_versions set name = %s", LONG)
    assert api.get(f"/api/v1/versions/text/{version}").json()["name"] == LONG
