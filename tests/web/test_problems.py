"""Errors are problems whoever finds them, with the headers that belong to their status."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from acceptance.installation import Installation
from bible_progress.web import app as application
from web.raw import Answer, ask
from web.site import SECRET, code, served

V1 = "/api/v1"
ORIGIN = "https://reader.example"
NOWHERE = "00000000-0000-4000-8000-000000000000"


def problem(answer: Answer) -> tuple[int, str]:
    """Return the status and code of a problem that came byte by byte."""
    return code(httpx.Response(answer.status, headers=answer.headers, content=answer.body))


@pytest.fixture(scope="module")
def nowhere() -> Iterator[str]:
    """A database URL that nobody answers; what is asked before the database is needs no other."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"postgresql://nobody@127.0.0.1:{taken.getsockname()[1]}/nowhere?connect_timeout=1"


@contextmanager
def hosts(nowhere: str, *names: str) -> Iterator[httpx.Client]:
    with served(nowhere, allowed_hosts=names) as api:
        yield api


@pytest.mark.parametrize(
    "named",
    [
        ("{here}", "{here}"),
        ("{here}", "evil.example"),
        ("evil.example", "{here}"),
        ("evil.example",),
        ("{here}, evil.example",),
        ("{here}/evil.example",),
        ("evil@{here}",),
        ("{here}:80:80",),
        ("{here}:port",),
        ("[::1",),
        ("[",),
        ("",),
        (" ",),
        ("\xff",),
        ("localhost\t.evil.example",),
        ("localhost.evil.example",),
        ("evillocalhost",),
        (),
    ],
)
def test_a_request_names_one_host_that_is_ours(nowhere: str, named: tuple[str, ...]) -> None:
    with served(nowhere) as api:
        here = api.base_url.netloc.decode()
        for path in ("/healthz", "/", f"{V1}/versions", "/static/dashboard.css", "/nothing"):
            answer = ask(api, path, *(f"Host: {n.format(here=here)}" for n in named), host=False)
            assert problem(answer) in ((400, "bad_request"), (400, "wrong_host"))


@pytest.mark.parametrize(
    ("allowed", "named", "is_ours"),
    [
        ("progress.example.org", "progress.example.org", True),
        ("progress.example.org", "Progress.Example.ORG:8443", True),
        ("progress.example.org", "progress.example.org.", True),
        ("progress.example.org", "www.progress.example.org", False),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "evilexample.org", False),
        ("[::1]", "[::1]:8080", True),
        ("::1", "[::1]", True),
        ("*", "anything.at.all", True),
        ("*", "[", False),
        ("*", "two, names", False),
        ("*", "[:::]", False),
        ("*", "[1.2.3.4]", False),
        ("*", "name:65535", True),
        ("*", "name:65536", False),
    ],
)
def test_hosts_are_names_endings_or_all(
    nowhere: str, allowed: str, named: str, is_ours: bool
) -> None:
    with hosts(nowhere, allowed) as api:
        for path in ("/healthz", "/static/dashboard.css", f"{V1}/openapi.json"):
            assert (ask(api, path, f"Host: {named}", host=False).status == 200) is is_ours


def test_every_error_of_a_middleware_or_a_mounted_application_is_a_problem(nowhere: str) -> None:
    preflight = ("Access-Control-Request-Method: GET",)
    with served(nowhere, cors_origins=(ORIGIN,)) as api:

        def asked(path: str, *headers: str, method: str = "GET") -> tuple[int, str]:
            return problem(ask(api, path, *headers, method=method))

        elsewhere = ("Origin: https://elsewhere.example", *preflight)
        assert asked(f"{V1}/versions", *elsewhere, method="OPTIONS") == (400, "bad_request")
        wanted = (f"Origin: {ORIGIN}", "Access-Control-Request-Method: DELETE")
        assert asked(f"{V1}/versions", *wanted, method="OPTIONS") == (400, "bad_request")
        for path in ("/static", "/static/", "/static/nothing", "/static/../app.py", "/static/%00"):
            assert asked(path) == (404, "not_found")
        assert asked("/static/dashboard.css", method="POST") == (405, "method_not_allowed")
        out = "Range: bytes=99999999-"
        assert asked("/static/dashboard.css", out) == (416, "no_such_range")
        assert asked("/static/dashboard.css", "Range: bytes=x-y") == (400, "bad_request")
        for path in ("/healthz/", "/languages/", f"{V1}/versions/", f"{V1}/", "//", "/api"):
            assert asked(path) == (404, "not_found")
        allowed = ask(api, f"{V1}/versions", f"Origin: {ORIGIN}", *preflight, method="OPTIONS")
        assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)
        outside = ask(api, "/static/dashboard.css", out)
        assert outside.headers["content-range"].startswith("bytes */")


def test_what_is_not_allowed_says_what_is(nowhere: str) -> None:
    letter = f"/operations/dead-letters/{NOWHERE}"
    wanted = {
        "/login": "GET, POST, HEAD",
        "/logout": "POST",
        "/": "GET, HEAD",
        letter: "POST",
        f"{V1}{letter}": "DELETE",
        f"{V1}{letter}/retry": "POST",
        f"{V1}/refresh": "POST",
        f"{V1}/events": "GET",
        f"{V1}/versions/text/{NOWHERE}": "GET, HEAD",
        f"{V1}/openapi.json": "GET, HEAD",
        "/static/dashboard.css": "GET, HEAD",
    }
    with served(nowhere, secret=SECRET) as api:
        for path, methods in wanted.items():
            for method in {"PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "DELETE"}:
                if method not in methods:
                    for accept in ("*/*", "text/html"):
                        answer = api.request(method, path, headers={"Accept": accept})
                        assert answer.status_code == 405
                        assert answer.headers["allow"] == methods, (path, method)
        assert api.head(f"{V1}/events").headers["allow"] == "GET"


def test_every_path_of_the_description_says_what_is_allowed(nowhere: str) -> None:
    with served(nowhere, secret=SECRET) as api:
        for path, operations in api.get(f"{V1}/openapi.json").json()["paths"].items():
            named = path.replace("{kind}", "text").replace("{", "").replace("}", "")
            answer = api.put(named)
            assert code(answer) == (405, "method_not_allowed")
            allowed = set(answer.headers["allow"].split(", ")) - {"HEAD"}
            assert allowed == {method.upper() for method in operations}


def test_problems_as_pages_have_the_headers_of_problems(
    nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "POOL_WAIT_SECONDS", 0.1)
    page = {"Accept": "text/html"}
    with served(nowhere, secret=SECRET) as api:
        for headers in ({}, page):
            away = api.get("/", headers=headers)
            assert (away.status_code, away.headers["retry-after"]) == (503, "1")
            assert away.headers["cache-control"] == "no-store"
        assert away.headers["content-type"].startswith("text/html")
        wrong = api.post("/login", data={"secret": "x"}, headers=page)
        assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")


def test_the_door_is_the_same_for_pages_of_other_sites(database: str, site: Installation) -> None:
    site.texts(1)
    with served(database, secret=SECRET) as api:
        for origin in ("http://[", "null", "", "https://elsewhere.example", "\xff"):
            answer = ask(api, "/logout", f"Origin: {origin}", method="POST")
            assert problem(answer) == (403, "forbidden")
