"""Every error has one exit code, documented, and says what PostgreSQL or our SQL said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg import errors as pg

from bible_progress import errors
from bible_progress.cli import build_parser
from bible_progress.db import connect, translated
from bible_progress.web.problems import of_error


def classes() -> dict[str, type[errors.BibleProgressError]]:
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.BibleProgressError)
    }


def test_the_tree_on_top_of_the_module_is_the_tree_of_classes() -> None:
    drawn = re.findall(r"^(?:[├└]── )?(\w+) +(\d+)   \S", errors.__doc__ or "", re.MULTILINE)
    assert dict(drawn) == {name: str(kind.exit_code) for name, kind in classes().items()}
    assert drawn[0][0] == "BibleProgressError"
    assert {kind.__base__ for kind in classes().values()} == {Exception, errors.BibleProgressError}


def test_no_two_errors_share_an_exit_code() -> None:
    codes = [kind.exit_code for kind in classes().values()]
    assert len(set(codes)) == len(codes)
    assert not {0, 130} & set(codes)


def test_every_exit_code_is_in_the_help() -> None:
    documented = re.findall(r"(\d+) [a-z]", build_parser().epilog or "")
    codes = {str(kind.exit_code) for kind in classes().values()}
    assert set(documented) == codes | {"0", "130"}
    assert len(documented) == len(set(documented))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pg.ReadOnlySqlTransaction("cannot execute DELETE"), errors.DatabaseRefused),
        (pg.InsufficientPrivilege("permission denied for table x"), errors.DatabaseRefused),
        (pg.QueryCanceled("statement timeout"), errors.DatabaseRefused),
        (pg.LockNotAvailable("lock timeout"), errors.DatabaseRefused),
        (pg.UniqueViolation("duplicate key"), errors.DatabaseRefused),
        (pg.UndefinedTable('relation "public.other" does not exist'), errors.DatabaseRefused),
        (pg.UndefinedTable('relation "progress.status" does not exist'), errors.NotInstalled),
        (
            pg.UndefinedTable('relation "public.progress_refresh_queue" does not exist'),
            errors.NotInstalled,
        ),
        (pg.InvalidSchemaName('schema "progress" does not exist'), errors.NotInstalled),
        (
            pg.UndefinedFunction("function progress.drain_version(text, uuid) does not exist"),
            errors.NotInstalled,
        ),
        (pg.UndefinedFunction("function mine(text) does not exist"), errors.DatabaseRefused),
        (pg.AdminShutdown("terminating connection"), errors.ConnectionFailed),
        (pg.CrashShutdown("terminating connection"), errors.ConnectionFailed),
        (pg.CannotConnectNow("the database system is starting up"), errors.ConnectionFailed),
        (pg.ConnectionFailure("gone"), errors.ConnectionFailed),
        (psycopg.OperationalError("server closed the connection"), errors.ConnectionFailed),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_a_database_error_stands_for_one_of_ours(
    error: psycopg.Error, kind: type[errors.BibleProgressError]
) -> None:
    translated_error = errors.from_database(error)
    assert type(translated_error) is kind
    assert str(error) in str(translated_error)


@pytest.mark.parametrize(
    ("english", "others"),
    [
        (
            pg.InsufficientPrivilege("permission denied for schema progress"),
            ["keine Berechtigung für Schema progress", "スキーマ progress へのアクセスが拒否"],
        ),
        (
            pg.InsufficientPrivilege("permission denied for function drain_version"),
            ["keine Berechtigung für Funktion drain_version", "нет доступа к функции x"],
        ),
        (
            pg.InsufficientPrivilege("permission denied for table version_rollup"),
            ["droit refusé pour la table version_rollup"],
        ),
        (
            pg.ReadOnlySqlTransaction("cannot execute DELETE in a read-only transaction"),
            ["kann DELETE nicht in einer Read-Only-Transaktion ausführen"],
        ),
        (
            pg.QueryCanceled("canceling statement due to statement timeout"),
            ["storniere Anfrage wegen Zeitüberschreitung der Anfrage"],
        ),
        (
            pg.AdminShutdown("terminating connection due to administrator command"),
            ["breche Verbindung ab aufgrund von Anweisung des Administrators"],
        ),
        (
            pg.UndefinedTable('relation "progress.status" does not exist'),
            ["Relation »progress.status« existiert nicht", "la relation « progress.status » ..."],
        ),
        (
            pg.UndefinedTable('relation "public.verse_texts" does not exist'),
            ['リレーション"public.verse_texts"は存在しません'],
        ),
        (
            pg.InvalidSchemaName('schema "progress" does not exist'),
            ["Schema »progress« existiert nicht", 'схема "progress" не существует'],
        ),
        (
            pg.UndefinedFunction("function progress.leave(uuid) does not exist"),
            ["Funktion progress.leave(uuid) existiert nicht"],
        ),
        (
            psycopg.OperationalError("server closed the connection unexpectedly"),
            ["Server beendete die Verbindung unerwartet"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, psycopg.Error) else "",
)
def test_what_an_error_stands_for_does_not_depend_on_the_language_of_the_server(
    english: psycopg.Error, others: list[str]
) -> None:
    expected = errors.from_database(english)
    for other in others:
        found = errors.from_database(type(english)(other))
        assert (type(found), found.hint) == (type(expected), expected.hint)
        assert other in str(found)
        one, two = (of_error(error) for error in (english, type(english)(other)))
        assert (one.code, one.hint) == (two.code, two.hint)


def test_no_code_reads_what_a_server_says_but_where_only_a_pooler_speaks() -> None:
    """Words of the server are shown, never compared."""
    package = Path(errors.__file__).parent
    compares = re.compile(
        r'"[^"]* [^"]*" (not )?in (message|reason|str\(\w+\)|text|error|said|.*message_primary)'
        r"|message_primary[^\n]*(==|startswith|search|match)"
    )
    found = {
        (file.name, line.strip())
        for file in package.rglob("*.py")
        for line in file.read_text("utf-8").splitlines()
        if compares.search(line)
    }
    assert found == {
        ("errors.py", 'if "statement pooling mode" in message:'),
        ("db.py", 'if "unsupported startup parameter" in reason:'),
    }


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("BP002", errors.InputError),
        ("BP003", errors.GuardRefused),
        ("BP004", errors.DatabaseRefused),
    ],
)
def test_what_our_sql_raises_keeps_its_words_and_its_hint(
    conn: Connection[Any], code: str, kind: type[errors.BibleProgressError]
) -> None:
    with pytest.raises(kind, match=r"^just so$") as raised, translated():
        conn.execute(
            "do $$ begin raise exception 'just so' using errcode = '" + code + "',"
            " hint = 'do that'; end $$"
        )
    assert raised.value.hint == "do that"


def test_codes_that_sql_raises_are_all_known(conn: Connection[Any]) -> None:
    bodies = conn.execute(
        "select prosrc from pg_proc where pronamespace = 'progress'::regnamespace"
    ).fetchall()
    raised = {code for (body,) in bodies for code in re.findall(r"errcode = '(BP\d+)'", body)}
    for code in raised:
        error = type("Raised", (psycopg.DatabaseError,), {"sqlstate": code})("words")
        assert str(errors.from_database(error)) == "words", code


def test_the_sqlstate_of_an_unexpected_refusal_is_told() -> None:
    assert "23505" in str(errors.from_database(pg.UniqueViolation("duplicate key")))


@pytest.mark.parametrize("timeout", ["0", "5", ""])
def test_a_connect_timeout_of_the_url_is_taken(timeout: str) -> None:
    with pytest.raises(errors.ConnectionFailed):
        connect(f"postgresql://127.0.0.1:1/x?connect_timeout={timeout}")
