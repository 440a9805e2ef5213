"""Whatever is sent, the answer is never a fault of ours, and is told, logged and counted truly."""

import logging
from collections.abc import Iterator
from itertools import cycle, product
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from acceptance.command_line import soon
from acceptance.installation import Installation
from bible_progress.web import dashboard
from bible_progress.web.settings import SESSION_COOKIE
from web.raw import Answer, ask
from web.site import BEARER, SECRET, code, served

V1 = "/api/v1"
FORM = "Content-Type: application/x-www-form-urlencoded"
TOKEN = f"Authorization: Bearer {SECRET}"
EVERY_ANSWER = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-resource-policy",
}
HEADERS = [
    "Cookie", "Authorization", "If-None-Match", "If-Modified-Since", "If-Range", "Range", "Accept",
    "Accept-Encoding", "Accept-Language", "Last-Event-ID", "Origin", "Sec-Fetch-Site", "Content-Type",
    "Content-Encoding", "Expect", "Upgrade", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded",
    "Access-Control-Request-Method", "X-HTTP-Method-Override", "TE", "Referer", "User-Agent",
]  # fmt: skip
VALUES = [
    "\xff", "é", "", '"', "=", ";", ",", "*", 'W/"', "Bearer", "Bearer ", "Bearer \xff\xfe", "Basic =",
    "bytes=", "bytes=-", "bytes=9-1", "bytes=0-0,1-1", "bytes=99999999-", "bytes=-0", "bytes=a-b",
    "bytes=" + "0-," * 500, "Thu, 99 Foo 0000 99:99:99", "Thu, 01 Jan 0000 00:00:00 GMT", "x" * 3000,
    "q=0;q=nan, text/html;q=\xff", "text/html", "http://[", "https://elsewhere.example", "null",
    f"{SESSION_COOKIE}=\xff", f"{SESSION_COOKIE}=%ff; {SESSION_COOKIE}", f'{SESSION_COOKIE}="\\377\\0"',
    "a=b; " * 300, "100-continue", "websocket", "0-0", "\u00b2",
]  # fmt: skip
TARGETS = [
    "/healthz", "/readyz", "/metrics", "/", "/languages", "/operations", "/login", "/nothing",
    "/static/dashboard.css", "/static/nothing", f"{V1}/versions", f"{V1}/versions?format=csv&limit=1",
    f"{V1}/operations/queue", f"{V1}/nothing", f"{V1}/openapi.json",
]  # fmt: skip
JUNK = [
    "", "%", "%zz", "%00", "%ff", "%ed%a0%80", "%5B", "//", "%2F..%2F..", "..", "\\", '"', "'", "\xff", "é",
    "0" * 5000, "9" * 5000, "-1", "1e999", "nan", "²", "%D9%A1", "%F0%9F%98%80" * 300, "x" * 9000,
]  # fmt: skip


class Log(logging.Handler):
    """The statuses that the log names, by the id of the request."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: dict[str, list[int]] = {}
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "request":
            said = vars(record)
            self.statuses.setdefault(said["request_id"], []).append(said["status"])
        elif record.levelno >= logging.ERROR:
            self.faults.append(record.getMessage())

    def assert_whole(self, answer: Answer) -> None:
        """Assert that an answer has what every answer has, and that its status is logged."""
        assert answer.headers.keys() >= EVERY_ANSWER, answer
        request_id = answer.headers["x-request-id"]
        assert soon(lambda: self.statuses.get(request_id) == [answer.status]), answer
        if answer.status >= 400:
            kind = answer.headers["content-type"]
            assert kind == "application/problem+json" or kind.startswith("text/html"), answer


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    loggers = [logging.getLogger(name) for name in ("bible_progress.web", "uvicorn.error")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
    yield handler
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        logger.removeHandler(handler)


@pytest.fixture
def version(site: Installation) -> UUID:
    return site.texts(1)[0]


@pytest.fixture
def api(database: str, version: UUID) -> Iterator[httpx.Client]:
    with served(database, secret=SECRET) as client:
        yield client


def test_no_header_is_a_fault(api: httpx.Client, log: Log) -> None:
    gets = cycle([*TARGETS, "/static/dashboard.css", "/operations"])
    posts = cycle(["/login", "/logout", f"{V1}/refresh?seconds=0.01"])
    for header, value in product(HEADERS, VALUES):
        for answer in (
            ask(api, next(gets), f"{header}: {value}"),
            ask(api, next(posts), f"{header}: {value}", FORM, method="POST", body=b"secret=x"),
        ):
            assert answer.status < 500, (header, value, answer)
            log.assert_whole(answer)
    assert log.faults == []


def test_no_path_or_query_is_a_fault(api: httpx.Client, log: Log, version: UUID) -> None:
    one = f"{V1}/versions/text/{version}"
    page = f"/versions/text/{version}"
    names = [
        ("/", "q kind status min_percent sort cursor"),
        (page, "chapter with"),
        ("/languages", "q descendants with_versions cursor"),
        (f"/compare?version=text:{version}", "version order book"),
        ("/operations", "message"),
        ("/login", "x"),
        (
            f"{V1}/versions",
            "kind language descendants q status min_percent sort limit cursor format",
        ),
        (f"{V1}/versions?format=csv&limit=1", "q cursor x"),
        (f"{V1}/languages", "q with_versions descendants limit cursor"),
        (f"{V1}/compare", "version format"),
        (f"{V1}/operations/dead-letters", "limit cursor"),
        (one, "consistency max_staleness"),
        (f"{one}/tree", "depth book"),
        (f"{one}/chapters", "book"),
        (f"{one}/chapter", "id"),
        (f"{one}/gaps", "limit cursor"),
        (f"{one}/history", "days"),
        (f"{one}/badge.svg", "label"),
    ]
    targets = [
        f"{path}{'&' if '?' in path else '?'}{name}={junk}"
        for path, queries in names
        for name in queries.split()
        for junk in JUNK
    ]
    targets += [
        f"{path}{junk}"
        for path in (
            "/",
            "/static/",
            "/languages/",
            f"{page}/",
            f"{V1}/",
            f"{one}/chapters/",
            "/login?",
        )
        for junk in JUNK
    ]
    refused: list[str] = []
    for target in targets:
        answer = ask(api, target, TOKEN)
        # What is no path at all is refused before it is a request of the application.
        if answer.status == 400 and "x-request-id" not in answer.headers:
            refused.append(target)
            continue
        assert answer.status < 500, (target, answer)
        log.assert_whole(answer)
    assert len(refused) < len(targets) / 4
    assert log.faults == []


@pytest.mark.parametrize(
    ("body", "kind", "wanted"),
    [
        ("&".join(f"f{n}={n}" for n in range(11)), None, (422, "invalid_request")),
        ("&" * 50, None, (422, "invalid_request")),
        ("x" * 20_000, None, (413, "too_large")),
        ("secret=x", "application/json", (415, "not_a_form")),
        ("secret=x", "multipart/form-data", (415, "not_a_form")),
        ("secret=x", "\xff", (415, "not_a_form")),
        ("secret=x", "", (415, "not_a_form")),
    ],
)
def test_what_is_no_form_is_told_so(
    api: httpx.Client, log: Log, body: str, kind: str | None, wanted: tuple[int, str]
) -> None:
    header = FORM if kind is None else f"Content-Type: {kind}"
    for path in ("/login", f"/operations/dead-letters/{UUID(int=0)}"):
        answer = ask(api, path, header, TOKEN, method="POST", body=body.encode())
        found = httpx.Response(answer.status, headers=answer.headers, content=answer.body)
        assert code(found) == wanted
        log.assert_whole(answer)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [b"secret", b"action", b"=", b"&", b";", b"%", b"%0", b"%00", b"%ff", b"+", b"\xc3"]
            ),
            max_size=40,
        ).map(b"".join),
    )
)
def test_no_form_is_a_fault(shared: tuple[httpx.Client, Log], body: bytes) -> None:
    api, log = shared
    for path in ("/login", f"/operations/dead-letters/{UUID(int=0)}"):
        answer = ask(api, path, FORM, TOKEN, method="POST", body=body)
        assert answer.status in (303, 401, 413, 422, 429), answer
        log.assert_whole(answer)
    assert log.faults == []


@pytest.fixture
def shared(api: httpx.Client, log: Log) -> tuple[httpx.Client, Log]:
    return api, log


def test_a_fault_of_ours_is_told_as_one_everywhere(
    database: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("an inner detail")

    origin = "https://elsewhere.example"
    with served(database, secret=SECRET, cors_origins=(origin,)) as api:
        # In a route, in what a route depends on, in a middleware, in a mounted application, and
        # where a problem is shown as a page.
        for place in (
            "bible_progress.web.reads.Reads.snapshot",
            "bible_progress.web.security.Sessions.holds",
            "starlette.middleware.gzip.GZipResponder.__call__",
            "bible_progress.web.security.Hosts._check",
            "starlette.staticfiles.StaticFiles.get_path",
        ):
            with monkeypatch.context() as patch:
                patch.setattr(place, broken)
                statuses = set[int]()
                for path in (f"{V1}/versions", "/", "/operations", "/static/dashboard.css"):
                    for accept in ("*/*", "text/html"):
                        headers = (
                            f"Accept: {accept}",
                            f"Origin: {origin}",
                            "Accept-Encoding: gzip",
                        )
                        answer = ask(api, path, *headers)
                        log.assert_whole(answer)
                        assert b"an inner detail" not in answer.body
                        statuses.add(answer.status)
                assert 500 in statuses, place
        with monkeypatch.context() as patch:
            patch.setattr(dashboard, "page", broken)
            answer = ask(api, "/nothing", "Accept: text/html")
            assert answer.headers["content-type"] == "application/problem+json"
            log.assert_whole(answer)
        # Pages of other sites that may read answers may read what went wrong too.
        with monkeypatch.context() as patch:
            patch.setattr("bible_progress.web.reads.Reads.snapshot", broken)
            answer = ask(api, f"{V1}/versions", f"Origin: {origin}")
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (500, origin)
        counted = [
            sample.labels["status"]
            for family in text_string_to_metric_families(api.get("/metrics", headers=BEARER).text)
            for sample in family.samples
            if sample.name == "bible_progress_http_requests_total"
        ]
    assert "5xx" in counted
    assert "none" not in counted
    assert set(log.faults) <= {"request failed", "cannot show a problem"}


def test_the_link_to_the_next_page_keeps_what_was_asked(
    api: httpx.Client, site: Installation
) -> None:
    site.texts(2)
    first = api.get(f"{V1}/versions?format=csv&limit=1&x=%FF&sort=-name")
    link = first.headers["link"]
    assert link.startswith("<?")
    rest = api.get(f"{V1}/versions{link[1:].partition('>')[0]}")
    assert rest.status_code == 200
    assert first.text.splitlines()[0] == rest.text.splitlines()[0]
    assert first.text.splitlines()[1:] != rest.text.splitlines()[1:]
