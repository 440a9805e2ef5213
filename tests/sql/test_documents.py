"""progress.tree, gaps, compare and verse_ranges: what they say is what the exact reads count."""

import random
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection, errors
from scene import Scene

from oracle.checks import quiet
from support.builders import World

BOOKS = {"gen": (12, 3, 1), "exod": (7,), "mark": (20, 5)}


def written(numbers: list[int]) -> str:
    """Write verse numbers as people do: the plain way, one by one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def tree(connection: Connection[Any], *arguments: object) -> Any:
    marks = ", ".join(["%s"] * len(arguments))
    row = connection.execute(f"select progress.tree({marks})", arguments).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def has(connection: Connection[Any], kind: str, version: UUID) -> set[str]:
    rows = connection.execute(
        "select verse_id from progress.live_verses where kind = %s and version_id = %s",
        [kind, version],
    )
    return {verse for (verse,) in rows.fetchall()}


def chapters() -> list[tuple[str, str, int]]:
    """Return (book, chapter, verses) of the canon in its order."""
    return [
        (book, f"{book}-{number}", verses)
        for book, counts in BOOKS.items()
        for number, verses in enumerate(counts, start=1)
    ]


def split(covered: set[str], chapter: str, verses: int) -> tuple[list[int], list[int]]:
    numbers = range(1, verses + 1)
    there = [n for n in numbers if f"{chapter}-{n}" in covered]
    return there, [n for n in numbers if n not in there]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["text", "audio"])
@pytest.mark.parametrize("is_drained", [True, False])
def test_documents_say_what_is_there(world: World, kind: str, seed: int, is_drained: bool) -> None:
    connection = world.connection
    world.canon(books=BOOKS)
    chance = random.Random(seed)
    verses = [f"{c}-{n}" for _, c, count in chapters() for n in range(1, count + 1)]
    version, other = world.text_version(), world.text_version()
    if kind == "audio":
        version = world.audio_version()
        for verse in chance.sample(verses, 5 * seed):
            world.recording(version, start=verse)
        world.recording(version, chapter=chance.choice(chapters())[1])
    else:
        world.text(version, chance.sample(verses, 7 * seed))
    world.text(other, chance.sample(verses, 20))
    if is_drained:
        quiet(connection)
        # A chapter that changed since is counted now.
        if kind == "text":
            connection.execute("delete from verse_texts where verse_id = 'gen-1-1'")

    covered = has(connection, kind, version)
    document = tree(connection, kind, version)
    assert document["covered_verses"] == len(covered)
    assert [book["id"] for book in document["books"]] == list(BOOKS)
    said = [(b["id"], c) for b in document["books"] for c in b["chapters"]]
    assert [(b, c["id"], c["total_verses"]) for b, c in said] == chapters()
    missing: list[tuple[str, str, int, str]] = []
    for book, chapter in said:
        there, lacking = split(covered, chapter["id"], chapter["total_verses"])
        assert chapter["covered_verses"] == len(there)
        assert chapter["status"] == (
            "complete" if not lacking else "in progress" if there else "not started"
        )
        ranges = (written(there), written(lacking)) if there and lacking else (None, None)
        assert (chapter.get("covered"), chapter.get("missing")) == ranges
        if lacking:
            missing.append((book, chapter["id"], len(lacking), written(lacking)))
    for book in document["books"]:
        assert book["covered_verses"] == sum(c["covered_verses"] for c in book["chapters"])

    gaps = "select * from progress.gaps(%s, %s, %s)"
    assert connection.execute(gaps, [kind, version, None]).fetchall() == missing
    assert connection.execute(gaps, [kind, version, 2]).fetchall() == missing[:2]

    # First what is begun, then what follows behind it, then what was passed over.
    places = {chapter: place for place, (_, chapter, _) in enumerate(chapters())}
    begun = {c for _, c, count in chapters() if 0 < len(split(covered, c, count)[0]) < count}
    some = begun or {c for _, c, count in chapters() if split(covered, c, count)[0]}
    reached = max((places[c] for c in some), default=len(places))
    to_do = sorted(
        missing,
        key=lambda gap: (
            gap[1] not in begun and 1 + (places[gap[1]] < reached),
            places[gap[1]],
        ),
    )
    following = "select * from progress.next_gaps(%s, %s, %s)"
    assert connection.execute(following, [kind, version, None]).fetchall() == to_do
    assert connection.execute(following, [kind, version, 3]).fetchall() == to_do[:3]

    third = world.text_version()
    world.text(third, chance.sample(verses, 12))
    versions = [(kind, version), ("text", other), ("text", third)]
    sets = [has(connection, *one) for one in versions]
    differ = [
        (*one, book, chapter, len(alone), written(alone), len(lacking), written(lacking))
        for place, one in enumerate(versions)
        for others in [set().union(*(s for n, s in enumerate(sets) if n != place))]
        for book, chapter, count in chapters()
        for alone in [split(sets[place] - others, chapter, count)[0]]
        for lacking in [split(others - sets[place], chapter, count)[0]]
        if alone or lacking
    ]
    compare = "select * from progress.compare(%s, %s::uuid[])"
    kinds, ids = [one[0] for one in versions], [one[1] for one in versions]
    assert connection.execute(compare, [kinds, ids]).fetchall() == differ

    row = connection.execute("select progress.comparison(%s, %s::uuid[])", [kinds, ids]).fetchone()
    assert row is not None
    every, common = set().union(*sets), set.intersection(*sets)
    for place, item in enumerate(row[0]["items"]):
        assert item["covered_verses"] == len(sets[place])
        assert item["lacking_verses"] == len(every - sets[place])
    for book in row[0]["books"]:
        of_book = {
            f"{c}-{n}" for b, c, v in chapters() if b == book["book_id"] for n in range(1, v + 1)
        }
        assert book["total_verses"] == len(of_book)
        assert book["differing_verses"] == len((every - common) & of_book)
        for place, part in enumerate(book["versions"]):
            others = set().union(*(s for n, s in enumerate(sets) if n != place))
            assert part["covered_verses"] == len(sets[place] & of_book)
            assert part["only_here_verses"] == len((sets[place] - others) & of_book)
            assert part["lacking_verses"] == len((others - sets[place]) & of_book)
    assert [book["book_id"] for book in row[0]["books"]] == list(BOOKS)


def test_a_tree_is_as_deep_and_as_wide_as_asked(scene: Scene) -> None:
    connection = scene.connection
    version = tree(connection, "text", scene.text_a, "version")
    assert version["books"] is None
    assert (version["kind"], version["id"]) == ("text", str(scene.text_a))
    books = tree(connection, "text", scene.text_a, "book")["books"]
    assert [book["id"] for book in books] == ["gen", "exod"]
    assert all(book["chapters"] is None for book in books)
    [exodus] = tree(connection, "text", scene.text_a, "chapter", "exod")["books"]
    assert [chapter["id"] for chapter in exodus["chapters"]] == ["exod-1", "exod-2"]
    assert tree(connection, "text", scene.text_a, "book", "v-gen")["books"] == []
    with pytest.raises(errors.DatabaseError, match="depth verse is none of"):
        tree(connection, "text", scene.text_a, "verse")


def test_what_waits_is_said(scene: Scene) -> None:
    assert tree(scene.connection, "text", scene.text_a)["pending"] is False
    scene.world.text(scene.text_a, ["gen-1-2"])
    document = tree(scene.connection, "text", scene.text_a)
    assert (document["pending"], document["covered_verses"]) == (True, 4)


def test_versions_that_are_not_there_have_no_documents(scene: Scene) -> None:
    connection = scene.connection
    assert tree(connection, "audio", scene.text_a) is None
    assert not connection.execute(
        "select from progress.gaps('audio', %s)", [scene.text_a]
    ).fetchall()
    connection.execute("update text_versions set deleted_at = now() where id = %s", [scene.text_a])
    assert tree(connection, "text", scene.text_a) is None


def test_versions_of_different_canons_are_not_compared(scene: Scene) -> None:
    with pytest.raises(errors.DatabaseError, match="different canons"):
        scene.connection.execute(
            "select progress.compare('{text,text}', array[%s, %s]::uuid[])",
            [scene.text_a, scene.text_v],
        )


def test_ranges_run_in_canon_order_over_numbers_that_are_left_out(world: World) -> None:
    """Some editions have no verse 4 here; what lies around it is still one range."""
    world.canon(books={"acts": (7,)})
    world.connection.execute("delete from verses where id = 'acts-1-4'")
    verses = ["acts-1-6", "acts-1-5", "acts-1-3", "acts-1-1", "acts-1-1", "nothing"]
    rows = world.connection.execute("select * from progress.verse_ranges(%s)", [verses]).fetchall()
    assert rows == [("acts-1", 4, "1 3-6")]


def test_a_range_needs_no_neighbour() -> None:
    """The plain way above is itself right."""
    assert written([1, 2, 3, 5, 7, 8]) == "1-3 5 7-8"
    assert written([]) == ""


@pytest.mark.parametrize("is_drained", [True, False])
def test_siblings_are_others_of_the_language_and_canon_by_name(
    world: World, is_drained: bool
) -> None:
    world.canon(books=BOOKS)
    other_canon = world.canon("other", {"ruth": (3,)}, prefix="o-")
    language = world.language()
    one = world.text_version(language=language, name="Draft 2")
    world.text_version(canon=other_canon, language=language, name="Of another canon")
    world.text_version(name="Of another language")
    gone = world.text_version(language=language, name="Gone")
    recorded = world.audio_version(language=language, name="alpha")
    world.recording(recorded, chapter="gen-3")
    last = world.text_version(language=language, name="draft 10")
    if is_drained:
        quiet(world.connection)
    world.connection.execute("update text_versions set deleted_at = now() where id = %s", [gone])

    def siblings(*versions: tuple[str, UUID], limit: int = 20) -> list[tuple[str, int]]:
        kinds, ids = [kind for kind, _ in versions], [id_ for _, id_ in versions]
        row = world.connection.execute(
            "select progress.siblings(%s, %s::uuid[], %s)", [kinds, ids, limit]
        ).fetchone()
        assert row is not None
        return [(item["name"], item["percent"]) for item in row[0]["items"]]

    assert siblings(("text", one)) == [("alpha", 2), ("draft 10", 0)]
    assert siblings(("text", one), limit=1) == [("alpha", 2)]
    assert siblings(("text", one), ("audio", recorded)) == [("draft 10", 0)]
    other = world.text_version(language=language, name="Dráft 9")
    assert siblings(("audio", recorded)) == [("Draft 2", 0), ("Dráft 9", 0), ("draft 10", 0)]
    world.connection.execute("delete from text_versions where id = %s", [other])
    assert siblings(("audio", one), ("text", last)) == [("alpha", 2), ("Draft 2", 0)]
    assert siblings() == []
