"""Names as searches and orders take them: the same in every locale of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from bible_progress import sql

# Of a database: how it is made. What a server does not have is skipped.
LOCALES = {
    "C": "locale 'C'",
    "C.UTF-8": "locale 'C.UTF-8'",
    "English": "locale 'en_US.UTF-8'",
    "Turkish": "locale 'tr_TR.UTF-8'",
    "ICU": "locale 'C' locale_provider icu icu_locale 'und'",
    "Turkish of ICU": "locale 'C' locale_provider icu icu_locale 'tr'",
    "built in": "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'",
}


@pytest.fixture(scope="module", params=LOCALES)
def names(server: str, request: pytest.FixtureRequest) -> Iterator[Connection[Any]]:
    """A database of a locale with the two functions in it."""
    name = f"bp_names_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        try:
            admin.execute(
                f"create database {name} template template0 encoding 'UTF8'"  # type: ignore[arg-type]
                f" {LOCALES[request.param]}"
            )
        except psycopg.Error as error:
            pytest.skip(f"this server has no such locale: {error}")
        try:
            with psycopg.connect(make_conninfo(server, dbname=name), autocommit=True) as connection:
                connection.execute("create schema progress")
                for function in ("folded_name", "natural_key"):
                    connection.execute(sql.read(f"objects/rules/{function}.sql").encode())
                yield connection
        finally:
            admin.execute(f"drop database {name} with (force)")  # type: ignore[arg-type]


def folded(connection: Connection[Any], name: str | None) -> Any:
    row = connection.execute("select progress.folded_name(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Édition Nº 2", "edition no 2"),
        ("E\u0301DITION", "edition"),
        ("Português BRASILEIRO", "portugues brasileiro"),
        ("INDIGENOUS Iİıi", "indigenous iiii"),
        ("Łódź, Ørsted, Đorđe", "lodz, orsted, dorde"),
        ("Ŋkɔnya ƐƲƐ Ɓɓ", "nkonya eve bb"),
        ("МОСКВА Йод", "москва иод"),
        ("Ελληνικά ΆΘΉΝΑ", "ελληνικα αθηνα"),
        ("Հայերեն", "հայերեն"),
        ("שָׁלוֹם", "שלום"),
        ("اَلْكِتَاب", "الكتاب"),
        ("N\u2019ko \u201cx\u201d a\u2013b", 'n\'ko "x" a-b'),
        ("٢ ۲ २ ২", "2 2 2 2"),
        ("हिन्दी", "हिन्दी"),
        ("\uff21\ufb01", "afi"),
        ("<B>'\"\\%_", "<b>'\"\\%_"),
        ("", ""),
        (None, None),
    ],
)
def test_accents_and_case_are_folded_whatever_the_locale(
    names: Connection[Any], name: str | None, plain: str | None
) -> None:
    assert folded(names, name) == plain
    if plain is not None:
        assert folded(names, plain) == plain


def test_capitals_and_small_letters_are_one(names: Connection[Any]) -> None:
    rows = names.execute(
        "select c, l from unnest(%s::text[], %s::text[]) as w (c, l)"
        " where progress.folded_name(c) <> progress.folded_name(l)",
        [
            [chr(c) for c in range(0x41, 0x587) if len(chr(c).lower()) == 1],
            [chr(c).lower() for c in range(0x41, 0x587) if len(chr(c).lower()) == 1],
        ],
    ).fetchall()
    # Historical letters of Cyrillic and Greek may differ where the locale is C.
    assert [(c, low) for c, low in rows if not 0x370 <= ord(c) <= 0x385] == [
        (c, low) for c, low in rows if 0x3CF <= ord(c) <= 0x3FF or 0x460 <= ord(c) <= 0x481
    ]


def test_numbers_come_by_size_and_accents_beside_their_letters(names: Connection[Any]) -> None:
    wanted = [
        "", "1", "2", "10", "99999999999", "100000000000", "a", "Version",
        "version 2", "VERSION 03", "Version 10", "Version 10 a", "Version 10b2", "version 10b10",
        "Version \u0661\u0661", "versión 12", "Version 100", "Zoë 1", "Żoe 2", "Привет", "привет 2",
    ]  # fmt: skip
    keys = [
        row[0]
        for row in names.execute(
            "select progress.natural_key(f.name, rtrim(f.name, '0123456789')) collate \"C\""
            " from unnest(%s::text[]) with ordinality as w (name, place)"
            " cross join lateral (select progress.folded_name(w.name) as name offset 0) as f"
            " order by w.place",
            [wanted],
        ).fetchall()
    ]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 200


@pytest.mark.parametrize("name", ["7" * 400, "0" * 400, "a1" * 300, "1a" * 300, "x" * 1000])
def test_a_key_has_an_end(names: Connection[Any], name: str) -> None:
    row = names.execute(
        "select length(progress.natural_key(%s::text, rtrim(%s::text, '0123456789')))", [name, name]
    ).fetchone()
    assert row is not None
    assert 1 <= row[0] <= 200


@pytest.mark.parametrize("number", ["0", "7", "007", "12", "123456789012345", "12345678901234567"])
def test_a_number_is_the_same_wherever_it_stands(names: Connection[Any], number: str) -> None:
    row = names.execute(
        "select progress.natural_key(%(n)s::text, ''),"
        " progress.natural_key(%(n)s || ' x', %(n)s || ' x')",
        {"n": number},
    ).fetchone()
    assert row is not None
    at_the_end, before = row
    assert before == f"{at_the_end} x"
