"""bible-progress import canon"""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.command_line import CommandLine
from acceptance.installation import Installation

HEADER = "book,book_number,name,testament,verses\n"
GENESIS = "gen,1,Genesis,old,31 25\n"
BY_CHAPTER = "book,book_number,name,testament,chapter,total_verses\n"


def size(site: Installation, canon: str) -> tuple[int, int, int]:
    """Return how many books, chapters and verses a canon has."""
    [row] = site.rows(
        "select count(distinct b.id), count(distinct c.id), count(v.id) from books b"
        " left join chapters c on c.book_id = b.id left join verses v on v.chapter_id = c.id"
        " where b.bible_version_id = %s",
        canon,
    )
    return row


def test_the_packaged_canon_is_loaded_once(cli: CommandLine, site: Installation) -> None:
    done = cli("import", "canon").assert_done()
    assert size(site, "eng-protestant") == (66, 1189, 31102)
    for number in ("66", "1,189", "31,102"):
        assert number in done.out
    rows = site.rows("select xmin::text, id from verses order by id")
    cli("import", "canon").assert_done()
    assert site.rows("select xmin::text, id from verses order by id") == rows


def test_another_canon_comes_with_its_own_ids(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    site.world.canon("eng-protestant", {"gen": (31, 25)})
    path = tmp_path / "catholic.csv"
    path.write_text(HEADER + GENESIS + "tob,2,Tobit,dc,22 14\n")
    other = ("import", "canon", path, "--id", "catholic", "--name", "Catholic")
    cli(*other).assert_refused(7, "gen", "--id-prefix")
    assert size(site, "catholic") == (0, 0, 0)
    cli(*other, "--id-prefix", "c.").assert_done()
    assert size(site, "catholic") == (2, 4, 92)
    assert size(site, "eng-protestant") == (1, 2, 56)
    assert site.rows("select name from bible_versions where id = 'catholic'") == [("Catholic",)]
    assert site.rows("select from verses where id = 'c.tob-2-14'") == [()]


def test_a_canon_may_have_a_line_for_each_chapter(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "canon.csv"
    path.write_text(BY_CHAPTER + "gen,1,Genesis,old,2,25\ngen,1,Genesis,old,1,31\n")
    cli("import", "canon", path, "--id", "short").assert_done()
    assert size(site, "short") == (1, 2, 56)


def test_a_canon_that_differs_from_the_stored_one_is_refused(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "canon.csv"
    path.write_text(HEADER + GENESIS)
    cli("import", "canon", path, "--id", "mine").assert_done()
    path.write_text(HEADER + GENESIS.replace("25", "26"))
    cli("import", "canon", path, "--id", "mine").assert_refused(7, "mine", "gen-2")
    assert size(site, "mine") == (1, 2, 56)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEADER + GENESIS + "exod,2,Exodus,old,22 x\n", 3),
        (HEADER + GENESIS + "exod,1,Exodus,old,22\n", 3),
        (HEADER + GENESIS + 'exod,2,"Exodus,old,22\n', 3),
        ("book,number,name,testament,verses\n" + GENESIS, 1),
        (BY_CHAPTER + "gen,1,Genesis,old,1,31\ngen,1,Genesis,old,3,24\n", 2),
    ],
)
def test_a_malformed_file_is_refused_whole_with_its_line(
    cli: CommandLine, site: Installation, tmp_path: Path, text: str, line: int
) -> None:
    path = tmp_path / "canon.csv"
    path.write_text(text)
    cli("import", "canon", path, "--id", "bad").assert_refused(7, "canon.csv", f"line {line}")
    assert site.rows("select from bible_versions") == []


def test_a_file_without_a_canon_is_refused(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "canon.csv"
    for content in (b"", b"\xff\xfe\x00", HEADER.encode()):
        path.write_bytes(content)
        cli("import", "canon", path).assert_refused(7, "canon.csv")
    for wrong in (tmp_path / "absent.csv", tmp_path):
        cli("import", "canon", wrong).assert_refused(7, wrong.name)
    assert site.rows("select from bible_versions") == []


def test_an_unusable_id_or_prefix_is_refused(cli: CommandLine, site: Installation) -> None:
    cli("import", "canon", "--id", " ").assert_refused(7)
    cli("import", "canon", "--id-prefix", "a b").assert_refused(7)
    assert site.rows("select from bible_versions") == []


def test_versions_of_a_filled_canon_are_queued(
    cli: CommandLine, site: Installation, tmp_path: Path
) -> None:
    site.run("insert into bible_versions values ('mine', 'Mine')")
    version = site.world.text_version(canon="mine")
    site.drain()
    path = tmp_path / "canon.csv"
    path.write_text(HEADER + GENESIS)
    cli("import", "canon", path, "--id", "mine", "--name", "Mine").assert_done()
    site.world.text(version, ["gen-2-25"])
    cli("refresh").assert_done()
    assert site.covered(version) == 1
    site.assert_right()


def test_a_database_without_host_tables_needs_an_install_first(empty_database: str) -> None:
    CommandLine(empty_database)("import", "canon").assert_refused(6, "install")
