"""Reading a canon from CSV: two forms, and every way in which a file can be wrong."""

from __future__ import annotations

import csv
import io
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bible_progress.errors import InputError
from bible_progress.importers.canon import (
    BY_BOOK,
    BY_CHAPTER,
    TESTAMENTS,
    Canon,
    CanonBook,
    packaged_canon,
    parse_canon,
    read_canon,
)

SHARED_CANON = Path(__file__).resolve().parents[3] / "shared" / "data" / "canon_eng_protestant.csv"

BOOKS = "book,book_number,name,testament,verses\n"
CHAPTERS = "book,book_number,name,testament,chapter,total_verses\n"

SMALL = Canon(
    books=(
        CanonBook(id="ruth", number=8, name="Ruth", testament="old", verses=(22, 23, 18, 22)),
        CanonBook(id="jude", number=65, name="Jude", testament="new", verses=(25,)),
    )
)


def parse(text: str) -> Canon:
    return parse_canon(text.encode(), source="canon.csv")


def as_csv(canon: Canon, columns: tuple[str, ...]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for book in canon.books:
        label = (book.id, book.number, book.name, book.testament)
        if columns == BY_BOOK:
            writer.writerow((*label, " ".join(map(str, book.verses))))
        else:
            writer.writerows((*label, *chapter) for chapter in enumerate(book.verses, 1))
    return file.getvalue().encode()


def test_the_packaged_canon_is_the_usual_protestant_one() -> None:
    canon = packaged_canon()
    assert (len(canon.books), canon.total_chapters, canon.total_verses) == (66, 1189, 31102)
    assert [book.number for book in canon.books] == list(range(1, 67))
    assert [book.testament for book in canon.books] == ["old"] * 39 + ["new"] * 27
    new = canon.books[39:]
    assert sum(len(book.verses) for book in new) == 260
    assert sum(sum(book.verses) for book in new) == 7957
    assert canon.books[45].id == "1cor"


def test_the_packaged_canon_agrees_with_the_shared_data() -> None:
    if not SHARED_CANON.exists():
        pytest.skip("the shared data is not beside this checkout")
    assert read_canon(SHARED_CANON) == packaged_canon()


@pytest.mark.parametrize(
    "text",
    [
        BOOKS + "ruth,8,Ruth,old,22 23 18 22\njude,65,Jude,new,25\n",
        BOOKS + "jude,65,Jude,new,25\nruth,8,Ruth,old,22 23 18 22",
        "\ufeff" + BOOKS + "ruth,8,Ruth,old,22 23 18 22\r\n\r\njude,65,Jude,new,25\r\n",
        BOOKS + ' ruth , 8,"Ruth ",old,22 23 18 22\njude,065,Jude,new,25\n',
        "verses,testament,name,book_number,book\n22 23 18 22,old,Ruth,8,ruth\n25,new,Jude,65,jude",
        CHAPTERS + "ruth,8,Ruth,old,1,22\nruth,8,Ruth,old,2,23\njude,65,Jude,new,1,25\n"
        "ruth,8,Ruth,old,4,22\nruth,8,Ruth,old,3,18\n",
    ],
    ids=["by book", "other order", "bom, crlf, empty line", "spaces", "columns", "by chapter"],
)
def test_files_that_mean_the_same_canon(text: str) -> None:
    assert parse(text) == SMALL


def test_names_keep_commas_and_any_script() -> None:
    canon = parse(BOOKS + '1cor,46,"Первое, послание",new,31\nsus,70,သုသန်,dc,64\n')
    assert [book.name for book in canon.books] == ["Первое, послание", "သုသန်"]


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("", None, "empty, expected a header"),
        ("\n\n", None, "empty, expected a header"),
        (BOOKS, None, "no books"),
        ("gen,1,Genesis,old,31\n", 1, "column 'book' is missing"),
        ("book;book_number;name;testament;verses\n", 1, "column 'book' is missing"),
        ("book,book_number,name,verses\ngen,1,Genesis,31\n", 1, "column 'testament' is missing"),
        (BOOKS.replace("verses", "verses,author"), 1, "column 'author' is unknown"),
        (BOOKS.replace("verses", "verses,verses"), 1, "column 'verses' occurs twice"),
        (CHAPTERS.replace("chapter", "verses"), 1, "column 'total_verses' is unknown"),
        (CHAPTERS.replace(",chapter", ""), 1, "column 'chapter' is missing"),
        (BOOKS + "gen,1,Genesis,old\n", 2, "4 values, expected 5"),
        (BOOKS + "gen,1,Genesis,old,31,25\n", 2, "6 values, expected 5"),
        (BOOKS + "gen,1,Genesis,old,31\n\ngen,1,Genesis,old,31\n", 4, "has chapter 1 already"),
        (BOOKS + "gen,1,Genesis,old,31\ngen,2,Genesis,old,31\n", 3, "another book_number"),
        (BOOKS + "gen,1,Genesis,old,31\nexod,1,Exodus,old,22\n", 3, "taken by book 'gen'"),
        (CHAPTERS + "gen,1,Genesis,old,1,31\ngen,1,Genesis,old,1,31\n", 3, "chapter 1 already"),
        (CHAPTERS + "gen,1,Genesis,old,1,31\ngen,1,Beginning,old,2,25\n", 3, "another book_number"),
        (CHAPTERS + "gen,1,Genesis,old,1,31\ngen,1,Genesis,old,3,24\n", 2, "lacks chapter 2"),
        (CHAPTERS + "gen,1,Genesis,old,2,25\n", 2, "lacks chapter 1"),
        (CHAPTERS + "gen,1,Genesis,old,0,31\n", 2, "chapter '0'"),
        (CHAPTERS + "gen,1,Genesis,old,201,31\n", 2, "chapter '201'"),
        (CHAPTERS + "gen,1,Genesis,old,1,301\n", 2, "total_verses '301'"),
        (CHAPTERS + "gen,1,Genesis,old,1,\n", 2, "total_verses ''"),
        (BOOKS + "gen,0,Genesis,old,31\n", 2, "book_number '0'"),
        (BOOKS + "gen,one,Genesis,old,31\n", 2, "book_number 'one'"),
        (BOOKS + "gen,1000,Genesis,old,31\n", 2, "book_number '1000'"),
        (BOOKS + "gen,1,Genesis,old,31 0\n", 2, "verses of chapter 2 '0'"),
        (BOOKS + "gen,1,Genesis,old,31 -5\n", 2, "verses of chapter 2 '-5'"),
        (BOOKS + "gen,1,Genesis,old,31 2.5\n", 2, "verses of chapter 2 '2.5'"),
        (BOOKS + "gen,1,Genesis,old,31 ٣\n", 2, "verses of chapter 2 '٣'"),
        (BOOKS + "gen,1,Genesis,old,31 1_0\n", 2, "verses of chapter 2 '1_0'"),
        (BOOKS + "gen,1,Genesis,old,31  25\n", 2, "verses of chapter 2 ''"),
        (BOOKS + "gen,1,Genesis,old,301\n", 2, "whole number 1 to 300"),
        (BOOKS + f"gen,1,Genesis,old,{'9' * 5000}\n", 2, "whole number 1 to 300"),
        (BOOKS + "gen,1,Genesis,old,\n", 2, "verses of chapter 1 ''"),
        (BOOKS + "gen,1,Genesis,old," + " ".join(["1"] * 201), 2, "201 chapters"),
        (BOOKS + "Gen,1,Genesis,old,31\n", 2, "book 'Gen'"),
        (BOOKS + "1-cor,1,Genesis,old,31\n", 2, "book '1-cor'"),
        (BOOKS + "gén,1,Genesis,old,31\n", 2, "book 'gén'"),
        (BOOKS + ",1,Genesis,old,31\n", 2, "book ''"),
        (BOOKS + "gen,1, ,old,31\n", 2, "the name is empty"),
        (BOOKS + "gen,1,Genesis,OT,31\n", 2, "testament 'OT', expected old or new or dc"),
        (BOOKS + "gen,1,Gen\0esis,old,31\n", 2, "U+0000"),
        (BOOKS + "gen,1,Gen\x1besis,old,31\n", 2, "U+001B"),
        (BOOKS + "gen,1,Gen\x91esis,old,31\n", 2, "U+0091"),
        (BOOKS + 'gen,1,"Gen\nesis",old,31\n', 2, "U+000A"),
        (BOOKS + 'gen,1,"Genesis,old,31\n', 2, "not readable as CSV"),
        (BOOKS + 'gen,1,"Gen"esis,old,31\n', 2, "not readable as CSV"),
        (BOOKS + f"gen,1,{'x' * 200_000},old,31\n", 2, "not readable as CSV"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, line: int | None, complaint: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse(text)
    place = "canon.csv" if line is None else f"canon.csv, line {line}"
    assert str(refusal.value).startswith(f"{place}: ")
    assert complaint in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_a_wrong_header_is_answered_with_the_right_ones() -> None:
    with pytest.raises(InputError) as refusal:
        parse("id,verses\n")
    assert refusal.value.hint is not None
    assert ",".join(BY_BOOK) in refusal.value.hint
    assert ",".join(BY_CHAPTER) in refusal.value.hint


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_that_is_not_utf8_is_refused(encoding: str) -> None:
    data = (BOOKS + "gen,1,Génesis,old,31\n").encode(encoding)
    with pytest.raises(InputError, match=r"canon\.csv, line [12]: the file must be UTF-8"):
        parse_canon(data, source="canon.csv")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*absent\.csv': No such file"):
        read_canon(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot read"):
        read_canon(tmp_path)


@pytest.mark.parametrize(
    ("head", "more", "said"),
    [
        (BOOKS + "gen,first,Genesis,old,31\n", "exod,2,Exodus,old,22\n", "line 2: book_number"),
        (BOOKS + "gen,1,Genesis,old,31\n", "gen,1,Genesis,old,31\n", "line 3: book 'gen' has"),
        (BOOKS, "31 ", "line 2: longer than"),
        ("", "book,", "line 1: longer than"),
        (BOOKS + 'gen,1,"Genesis', "\n", "line 2: control character|not readable as CSV"),
    ],
    ids=["a bad line", "a line again", "an endless line", "an endless header", "an open quote"],
)
def test_a_long_file_is_read_no_further_than_it_is_wrong(
    tmp_path: Path, head: str, more: str, said: str
) -> None:
    path = tmp_path / "endless.csv"
    os.mkfifo(path)
    written = 0

    def write() -> None:
        nonlocal written
        with suppress(BrokenPipeError), path.open("wb", buffering=0) as pipe:
            pipe.write(head.encode())
            block = (more * (100_000 // len(more))).encode()
            for _ in range(300):
                written += pipe.write(block)

    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        with pytest.raises(InputError, match=said):
            read_canon(path)
        writing.result(240)
    assert written < 5_000_000


@st.composite
def canons(draw: st.DrawFn) -> Canon:
    ids = draw(st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, unique=True))
    numbers = draw(st.lists(st.integers(1, 999), min_size=len(ids), max_size=len(ids), unique=True))
    printable = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
    names = st.text(printable, min_size=1).map(str.strip).filter(bool)
    return Canon(
        books=tuple(
            CanonBook(
                id=book_id,
                number=number,
                name=draw(names),
                testament=draw(st.sampled_from(TESTAMENTS)),
                verses=tuple(draw(st.lists(st.integers(1, 300), min_size=1, max_size=20))),
            )
            for book_id, number in zip(ids, sorted(numbers), strict=True)
        )
    )


@given(canons())
def test_both_forms_carry_every_canon(canon: Canon) -> None:
    assert parse_canon(as_csv(canon, BY_BOOK), source="by book") == canon
    assert parse_canon(as_csv(canon, BY_CHAPTER), source="by chapter") == canon


@given(st.binary() | st.text().map(lambda text: (BOOKS + text).encode(errors="surrogatepass")))
def test_any_bytes_are_a_canon_or_refused(data: bytes) -> None:
    try:
        canon = parse_canon(data, source="canon.csv")
    except InputError:
        return
    assert canon.total_verses >= len(canon.books) >= 1
