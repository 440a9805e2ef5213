"""The page on supabase-js is a program, and prints what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest

from bible_progress.importers.canon import load_canon, packaged_canon
from bible_progress.installing import install
from docs.doc_pages import fences, text
from postgrest.rest import postgrest, token
from support import oracle
from support.builders import World
from support.npm import npm_package

PAGE = "docs/how-to/read-with-supabase-js.md"
SUPABASE_JS = "2.119.1"
CANON = "eng-protestant"


@pytest.fixture(scope="module")
def node() -> str:
    """Node, where it is new enough for supabase-js."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node (Debian: apt install nodejs)")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"supabase-js needs node 20, this is {said.strip()}")
    return found


@pytest.fixture
def project(new_host: Callable[[], str]) -> Iterator[str]:
    """The address of a project with the versions that the page shows."""
    url = new_host()
    with psycopg.connect(url, autocommit=True) as connection:
        install.install(connection)
        load_canon(connection, packaged_canon(), bible_version_id=CANON, name="English Protestant")
        world = World(connection)
        languages = {name: world.language(name) for name in ("Kanite", "Swahili", "Tok Pisin")}
        kanite = world.text_version(CANON, languages["Kanite"], "Kanite New Testament")
        chapters = ["mark-%", "john-1-%", "john-2-%", "john-3-1_"]
        world.text(kanite, _verses(connection, chapters))
        swahili = world.text_version(CANON, languages["Swahili"], "Swahili draft")
        world.text(swahili, _verses(connection, ["john-2-%"]))
        oracle.drain(connection)
    with postgrest(url) as rest, _gateway(rest) as address:
        yield address


def test_the_page_prints_what_it_shows(node: str, project: str, tmp_path: Path) -> None:
    page = text(PAGE)
    program, shown = "\n".join(fences(page, "js")), "".join(fences(page, "text"))
    assert program.count("console.log") > 5
    # Beside its packages, as a program of a project stands.
    (tmp_path / "node_modules").symlink_to(
        npm_package("@supabase/supabase-js", SUPABASE_JS) / "node_modules"
    )
    (tmp_path / "page.mjs").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [node, "--experimental-websocket", "--no-warnings", "page.mjs"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "SUPABASE_URL": project,
            "SUPABASE_ANON_KEY": token("anon")["Authorization"].removeprefix("Bearer "),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # Of an older node it complains there.
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown


def _verses(connection: psycopg.Connection[tuple[object, ...]], patterns: list[str]) -> list[str]:
    rows = connection.execute("select id from verses where id like any(%s)", [patterns]).fetchall()
    return [str(verse) for (verse,) in rows]


@contextmanager
def _gateway(rest: httpx.Client) -> Iterator[str]:
    """Serve PostgREST below /rest/v1, as the gateway of a Supabase project does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            wanted = re.sub("^/rest/v1", "", self.path)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            answer = rest.request(
                self.command, wanted, headers=headers, content=self.rfile.read(length)
            )
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers.get("content-type", ""))
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
