"""Write docs/reference/checks.md, cli.md, http.md and sql.md from what they describe.

    .venv/bin/python tools/generate_reference.py            write them
    .venv/bin/python tools/generate_reference.py --check    exit with 1 if they are out of date

checks.md comes from the heads of the checks, cli.md from the parsers, http.md from the OpenAPI
document, sql.md from the catalog and the comments of a fresh install, on the server of DATABASE_URL
(in a database of its own, dropped afterwards) or on an embedded one.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from bible_progress import sql
from bible_progress.cli import build_parser
from bible_progress.embedded.server import database_server
from bible_progress.installing import install, schema
from bible_progress.installing.checks import SEVERITIES, all_checks
from bible_progress.web.app import create_app
from bible_progress.web.problems import PROBLEMS
from bible_progress.web.settings import WebSettings

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Written by tools/generate_reference.py. Change what it describes, not this file. -->"

_ENV = re.compile(r" \(\$(?P<env>[A-Z_]+)(?:, default (?P<default>[^)]*))?\)$")
_SECTION = re.compile(r"^-- (?P<title>.+)\n(?P<files>(?:\\ir .+\n)+)", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with --check say which are out of date."""
    parser = argparse.ArgumentParser(description="Write the generated pages of the reference.")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if stale")
    options = parser.parse_args(arguments)
    with fresh_install() as connection:
        pages = {
            "checks.md": checks_page(),
            "cli.md": cli_page(),
            "http.md": http_page(),
            "sql.md": sql_page(connection),
        }
    stale = [name for name, text in pages.items() if text != current(name)]
    for name in stale:
        if options.check:
            print(f"docs/reference/{name} is out of date: run tools/generate_reference.py")
        else:
            (REFERENCE / name).write_text(pages[name], encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    return 1 if stale and options.check else 0


def checks_page() -> str:
    """Return the page of the checks: what each finds, why it matters, what to do."""
    parts = [
        "# Checks",
        NOTE,
        "What `bible-progress doctor` looks for. For what a check of severity error finds, "
        "`install` refuses"
        + "".join(f", but for `{c.name}`" for c in all_checks().values() if c.install == "goes on")
        + ". Each is a file of `src/bible_progress/sql/checks/`.",
    ]
    for severity in SEVERITIES:
        found = [check for check in all_checks().values() if check.severity == severity]
        parts.append(f"## {severity.capitalize()}")
        parts.append(
            table(
                ["check", "finds", "why it matters", "what to do"],
                [[f"`{c.name}`", c.title, c.why, sentence(c.fix)] for c in found],
            )
        )
    return "\n\n".join(parts) + "\n"


def http_page() -> str:
    """Return the page of the HTTP API: every operation, document and problem."""
    document = create_app(WebSettings(database_url="postgresql://")).openapi()
    lines = ["# HTTP API", "", NOTE, "", document["info"]["description"], ""]
    lines += [
        "The OpenAPI document, with examples, is served at `/api/v1/openapi.json`. Reads are exact "
        "unless `consistency=stored` or `max_staleness` says otherwise. Operations marked with a "
        "lock need `Authorization: Bearer SECRET`; those that only show need it where a secret "
        "is set.",
        "",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lock = " 🔒" if operation.get("security") else ""
            lines += [f"## {method.upper()} {path}{lock}", ""]
            lines += [" ".join(operation["description"].split()), ""]
            rows = [_parameter(each) for each in operation.get("parameters", [])]
            if rows:
                lines += ["| parameter | in | values | meaning |", "|---|---|---|---|", *rows, ""]
            content = operation["responses"].get("200", {}).get("content", {})
            shape = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            kinds = [kind for kind in content if kind != "application/json"]
            answers = [f"[{_last(shape)}](#{_last(shape).lower()})"] if shape else []
            answers += [f"`{kind}`" for kind in kinds] or ([] if answers else ["nothing (204)"])
            lines += [f"Answers {' or '.join(answers)}.", ""]
    lines += ["# Documents", ""]  # level one, as the problems below: chapters of the page
    for name, shape in sorted(document["components"]["schemas"].items()):
        lines += [f"## {name}", ""]
        if shape.get("description"):
            lines += [" ".join(shape["description"].split()), ""]
        lines += ["| field | type | meaning |", "|---|---|---|"]
        for field, described in shape.get("properties", {}).items():
            lines.append(f"| `{field}` | {_type(described)} | {described.get('description', '')} |")
        lines.append("")
    lines += ["# Problems", "", "| code | status | meaning |", "|---|---|---|"]
    lines += [f"| `{code}` | {status} | {title} |" for code, (status, title) in PROBLEMS.items()]
    return "\n".join(lines) + "\n"


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"[{_last(schema['$ref'])}](#{_last(schema['$ref']).lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    limits = [
        f"{word} {schema[key]:g}"
        for key, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
        )
        if key in schema and abs(schema[key]) < 1e15
    ]
    return " ".join([schema.get("format") or schema.get("type", "any"), *limits])


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    values = _type(schema)
    if schema.get("default") is not None:
        values += f"; default `{schema['default']}`"
    name = f"`{parameter['name']}`" + (" (needed)" if parameter.get("required") else "")
    return f"| {name} | {parameter['in']} | {values} | {parameter.get('description', '')} |"


def current(name: str) -> str:
    """Return a page as it is, empty if there is none."""
    path = REFERENCE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def fresh_install() -> Generator[Connection[Any]]:
    """Yield a connection to an empty database with Bible Progress installed."""
    name = f"bp_reference_{uuid4().hex[:12]}"
    with (
        database_server(os.environ.get("DATABASE_URL"), durable=False) as url,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        admin.execute(
            SQL("create database {} template template0 encoding 'UTF8' locale 'C'").format(
                Identifier(name)
            )
        )
        try:
            with psycopg.connect(make_conninfo(url, dbname=name), autocommit=True) as connection:
                install.install(connection)
                yield connection
        finally:
            admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))


# --- The command line. From the parsers and not from --help, whose layout depends on the Python.


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    parser = build_parser()
    parts = [
        "# Command line",
        NOTE,
        sentence(parser.description),
        "From a checkout, `python3 run.py cli ARGUMENTS` runs it without installing anything else. "
        "Exit codes are in [errors.md](errors.md); flags with an environment twin are listed "
        "together in [configuration.md](configuration.md). Every command takes `--help`; "
        "`bible-progress --version` prints the version.",
        "\n".join(
            f"- [`bible-progress {name}`](#bible-progress-{name}): {text}"
            for name, text, _ in commands(parser)
        ),
    ]
    for name, _, command in commands(parser):
        parts += command_parts(f"bible-progress {name}", command, level=2)
    return "\n\n".join(parts) + "\n"


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield name, one-line help and parser of every command directly below `parser`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield choice.dest, choice.help or "", action.choices[choice.dest]


def command_parts(name: str, parser: argparse.ArgumentParser, *, level: int) -> list[str]:
    """Return the paragraphs of one command and, one level down, of the commands below it."""
    parts = [f"{'#' * level} {name}"]
    if parser.description:
        parts.append(sentence(parser.description))
    below = list(commands(parser))
    parts.append(f"```\n{usage(name, parser)}\n```")
    rows = [option_row(action) for action in options_of(parser)]
    if rows:
        parts.append(table(["option", "environment", "default", "meaning"], rows))
    for child, help_text, child_parser in below:
        if not child_parser.description:
            child_parser.description = help_text
        parts += command_parts(f"{name} {child}", child_parser, level=level + 1)
    return parts


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the flags and arguments of a parser, without --help and commands."""
    return [
        action
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    ]


def usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return the usage line: flags that exclude each other stand between bars."""
    exclusive = {
        id(action): group
        for group in parser._mutually_exclusive_groups
        for action in group._group_actions
    }
    words = [name]
    below = [str(a.metavar) for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in options_of(parser):
        group = exclusive.get(id(action))
        if group is None:
            words.append(usage_of(action))
        elif action is group._group_actions[0]:
            together = " | ".join(spelled(one) for one in group._group_actions)
            words.append(f"[{together}]")
    return " ".join([*words, *below])


def usage_of(action: argparse.Action) -> str:
    """Return an option as a usage line shows it."""
    if action.option_strings:
        repeated = " ..." if isinstance(action, argparse._AppendAction) else ""
        return f"[{spelled(action)}]{repeated}"
    name = spelled(action)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(
        str(action.nargs), name
    )


def spelled(action: argparse.Action) -> str:
    """Return a flag with its value, or the name of an argument."""
    metavar = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return metavar
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {metavar}")


def option_row(action: argparse.Action) -> list[str]:
    """Return an option as a row: how it is written, its twin, its default, what it is for."""
    text = (action.help or "") % {**vars(action), "prog": "bible-progress"}
    twin = _ENV.search(text)
    env = f"`{twin['env']}`" if twin else ""
    default = f"`{twin['default']}`" if twin and twin["default"] else ""
    if not twin and action.option_strings and isinstance(action.default, str) and action.default:
        default = f"`{action.default}`"
        text = text.replace(f" (default: {action.default})", "")
    return [f"`{spelled(action)}`", env, default, _ENV.sub("", text)]


# --- The database.


def sql_page(connection: Connection[Any]) -> str:
    """Return docs/reference/sql.md for the installed database of this connection."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        catalog = Catalog(cursor)
        parts = [
            "# SQL",
            NOTE,
            "What `bible-progress install` makes, with the comments that it carries in the "
            "database (`\\d+` and `\\df+` in psql show them too). Readers need the first part "
            "only.",
            "## The contract",
            "Views in schema `public`, which reader roles may read. Names and columns are fixed: "
            "columns may be added behind the last one, never between. Under each "
            "heading stand two with the same columns: the one with `mv_` is stored and answers "
            "from the rollups, the one without computes from the base tables as they are now. "
            "[consistency.md](../explanation/consistency.md) says when to read which, "
            "[what-counts.md](what-counts.md) what the numbers mean.",
        ]
        for kind, level, stored, live in catalog.levels():
            parts.append(f"### {kind.capitalize()}, {level} level")
            parts.append(
                "\n".join(f"- `{bare(name)}`: {catalog.comment(name)}" for name in (stored, live))
            )
            assert catalog.columns(stored) == catalog.columns(live), f"{stored} is not like {live}"
            parts.append(column_table(catalog.columns(stored)))
        parts += [
            "### What belongs to what",
            "PostgREST embeds these in each other (`progress.relationships`): for each there is a "
            "function in schema `public` that is named after the relation it returns and takes a "
            "row of the one it belongs to, with the rights of its caller "
            "([why](../decisions/0010-relationships.md)). In SQL: "
            "`select v.name, s.* from text_versions v, mv_text_version_progress_summary(v) s`.",
            table(
                ["in a row of", "at most one row of", "any rows of"],
                [list(row) for row in catalog.relationships()],
            ),
            "## Functions for clients",
            "In schema `public`, so that PostgREST serves them at `/rpc/NAME`. "
            "[security.md](security.md) says who may call which, and what row security does to "
            "them; [http.md](http.md) has the documents that they return.",
        ]
        for schema_name, name in schema.routines():
            if schema_name == "public":
                parts += function_parts(catalog, schema_name, name)
        parts += [
            "## Queue and dead letters",
            "Tables in schema `public` under names that tools know. Row security is on and no "
            "reader role may read them; only the installing role and its members do. "
            "`progress_admin` reads them through functions.",
        ]
        for name in schema.CONTRACT_TABLES:
            parts += table_parts(catalog, f"public.{name}")
        parts += [
            "## Schema progress",
            "Everything else, in the order in which install makes it, under the headings of "
            "`src/bible_progress/sql/install.sql`. The file of an object has its name.",
        ]
        for title, files in sections():
            objects = [part for file in files for part in object_parts(catalog, file)]
            if objects:
                parts += [f"### {title.rstrip('.')}", *objects]
        parts.append("### Tables")
        for name in catalog.tables("progress"):
            parts += table_parts(catalog, f"progress.{name}")
    return "\n\n".join(parts) + "\n"


def sections() -> Iterator[tuple[str, list[str]]]:
    """Yield the headings of install.sql that have objects, with the files below each."""
    for match in _SECTION.finditer(sql.read("install.sql")):
        listed = re.findall(r"(?:objects|strategies/incremental)/\S+", match["files"])
        files = [made for file in listed for made in (file, *sql.copies(file))]
        if files:
            yield match["title"], files


def object_parts(catalog: Catalog, file: str) -> Iterator[str]:
    """Yield what to say of the objects that a file of the manifest makes."""
    name = Path(file).stem
    if not schema.views_of(file):
        yield from function_parts(catalog, "progress", name)
        if called := catalog.callers(f"progress.{name}"):
            yield "Called by triggers on " + "; on ".join(called) + "."
    elif catalog.exists(f"progress.{name}"):
        yield f"#### `progress.{name}`"
        yield catalog.comment(f"progress.{name}")
        yield column_table(catalog.columns(f"progress.{name}"))


def function_parts(catalog: Catalog, schema_name: str, name: str) -> Iterator[str]:
    """Yield heading, signature and comment of a function, if the schema has it."""
    for kind, signature, result, comment in catalog.functions(schema_name, name):
        returns = "" if kind == "procedure" or result == "void" else f" returns {result}"
        yield f"#### `{schema_name}.{name}`"
        yield f"```sql\n{kind} {schema_name}.{name}({signature}){returns}\n```"
        yield comment


def table_parts(catalog: Catalog, name: str) -> list[str]:
    """Return the paragraphs of a table: comment if it has one, columns, primary key."""
    parts = [f"#### `{bare(name) if name.startswith('public.') else name}`"]
    comment = catalog.comment(name)
    if comment:
        parts.append(comment)
    parts.append(column_table(catalog.columns(name)))
    parts.append(f"Primary key: {', '.join(f'`{c}`' for c in catalog.primary_key(name))}.")
    return parts


class Catalog:
    """What the database says of its objects, in an order that does not depend on the server."""

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self.cursor = cursor

    def _rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.cursor.execute(statement, parameters).fetchall()  # type: ignore[arg-type]

    def levels(self) -> list[tuple[str, str, str, str]]:
        """Return (kind, level, stored relation, live relation), verses first."""
        order = ["verse", "chapter", "book", "version", "language"]
        rows = self._rows("select kind, level, stored, live from progress.levels")
        return sorted(rows, key=lambda row: (row[0], order.index(row[1])))  # type: ignore[return-value]

    def relationships(self) -> list[tuple[str, str, str]]:
        """Return (source, its relations of one row, its relations of many rows)."""
        rows = self._rows(
            "select source, is_one, string_agg('`' || target || '`', ', ' order by target)"
            " from progress.relationships group by source, is_one"
        )
        named = {(source, is_one): targets for source, is_one, targets in rows}
        return [
            (f"`{source}`", named.get((source, True), ""), named.get((source, False), ""))
            for source in sorted({source for source, _ in named})
        ]

    def exists(self, relation: str) -> bool:
        """Return whether there is such a relation."""
        return self._rows("select to_regclass(%s) is not null", relation)[0][0]

    def comment(self, relation: str) -> str:
        """Return the comment on a relation as one line."""
        return one_line(
            self._rows("select obj_description(%s::regclass, 'pg_class')", relation)[0][0]
        )

    def columns(self, relation: str) -> list[tuple[str, str, bool]]:
        """Return (name, type, nullable) of each column."""
        return self._rows(  # type: ignore[return-value]
            "select attname, format_type(atttypid, atttypmod), not attnotnull"
            " from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum",
            relation,
        )

    def primary_key(self, relation: str) -> list[str]:
        """Return the columns of the primary key."""
        rows = self._rows(
            "select a.attname from pg_index i"
            " cross join unnest(i.indkey::int2[]) with ordinality as k (attnum, place)"
            " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum"
            " where i.indrelid = %s::regclass and i.indisprimary order by k.place",
            relation,
        )
        return [row[0] for row in rows]

    def tables(self, schema: str) -> list[str]:
        """Return the tables of a schema in the order in which they were made."""
        rows = self._rows(
            "select relname from pg_class where relnamespace = %s::regnamespace"
            " and relkind = 'r' order by oid",
            schema,
        )
        return [row[0] for row in rows]

    def functions(self, schema_name: str, name: str) -> list[tuple[str, str, str, str]]:
        """Return (kind, arguments, result, comment) of the functions of that name."""
        rows = self._rows(
            "select case prokind when 'p' then 'procedure' else 'function' end,"
            " pg_get_function_arguments(oid), pg_get_function_result(oid),"
            " obj_description(oid, 'pg_proc')"
            " from pg_proc where pronamespace = %s::regnamespace and proname = %s"
            " order by pg_get_function_identity_arguments(oid)",
            schema_name,
            name,
        )
        return [
            (kind, shown(arguments), shown(result), one_line(comment))
            for kind, arguments, result, comment in rows
        ]

    def callers(self, function: str) -> list[str]:
        """Return the tables whose triggers call a function, each with when they do."""
        rows = self._rows(
            "select format('`public.%%s`: %%s', tgrelid::regclass, string_agg("
            "   case tgtype & 2 when 2 then 'before ' else 'after ' end"
            "   || replace(tgname, 'progress_', '')"
            "   || case tgtype & 1 when 1 then ' of each row' else '' end, ', ' order by oid))"
            " from pg_trigger where tgfoid::regproc::text = %s and not tgisinternal"
            " group by tgrelid order by tgrelid::regclass::text",
            function,
        )
        return [called for (called,) in rows]


def shown(signature: str | None) -> str:
    """Return arguments or a result as our files write them: no IN, keywords in lower case."""
    without_modes = re.sub(r"\bIN ", "", signature or "")
    return re.sub(r"\b(TABLE|SETOF|DEFAULT)\b", lambda match: match[0].lower(), without_modes)


# --- Markdown.


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table without the columns that are empty."""
    used = [n for n in range(len(header)) if any(row[n] for row in rows)]
    lines = [[header[n] for n in used], ["---"] * len(used)]
    lines += [[row[n].replace("|", "\\|") for n in used] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def column_table(columns: list[tuple[str, str, bool]]) -> str:
    """Return columns as a table; views do not know which of theirs may be NULL."""
    optional = any(not nullable for _, _, nullable in columns)
    return table(
        ["column", "type", "may be null"],
        [
            [f"`{name}`", type_name, "yes" if optional and nullable else ""]
            for name, type_name, nullable in columns
        ],
    )


def bare(relation: str) -> str:
    """Return a relation's name without its schema."""
    return relation.split(".")[-1]


def one_line(text: str | None) -> str:
    """Return text with single spaces and no line breaks."""
    return " ".join((text or "").split())


def sentence(text: str | None) -> str:
    """Return a description with a capital and a full stop."""
    plain = one_line(text)
    return plain[:1].upper() + plain[1:] + ("" if plain.endswith((".", "?")) else ".")


if __name__ == "__main__":
    sys.exit(main())
