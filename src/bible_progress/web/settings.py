"""How the web server is set up."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from ..errors import UsageError

MIN_SECRET_CHARACTERS = 16
SESSION_COOKIE = "bible_progress_session"
# Names that browsers keep only with Secure.
_SECURE_NAMES = ("__host-", "__secure-")
# What RFC 6265 takes for a name.
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, how long and how many a client may take of the server."""

    connections: int = 2000
    # The request line with its headers. Browsers send 1 KiB, and proxies pass on 8 to 32.
    head_bytes: int = 32 * 1024
    # Nothing here takes more than a form; hooks of databases bring a row.
    body_bytes: int = 64 * 1024
    head_seconds: float = 15.0
    body_seconds: float = 15.0
    idle_seconds: int = 5
    # How long a reader may take none of an answer that is ready: about 50 KiB.
    stall_seconds: float = 30.0
    # How long a download may hold its database connection.
    download_seconds: float = 600.0

    @property
    def listeners(self) -> int:
        """How many may listen to live updates."""
        return self.connections // 2

    @property
    def requests(self) -> int:
        """How many requests are answered at once, beside listeners and the probe.

        Less than the connections that listeners leave: the rest always waits for requests, and can
        be let go for one that comes.
        """
        return self.connections * 9 // 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where the server listens and who may do what; `secret` opens operations."""

    database_url: str
    host: str = "127.0.0.1"
    port: int = 8080
    secret: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    pool_size: int = 8
    trusted_proxies: tuple[str, ...] = ()
    secure_cookie: bool = False
    cookie_name: str = SESSION_COOKIE
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """Raise UsageError for settings that would not be safe."""
        if self.secret is not None and len(self.secret) < MIN_SECRET_CHARACTERS:
            raise UsageError(
                f"the secret is shorter than {MIN_SECRET_CHARACTERS} characters",
                hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        if not is_loopback(self.host) and self.secret is None:
            raise UsageError(
                f"will not listen on {self.host} without a secret: others could reach it",
                hint="Set BIBLE_PROGRESS_SECRET, or listen on 127.0.0.1.",
            )
        if not _COOKIE_NAME.fullmatch(self.cookie_name):
            raise UsageError(
                f"{self.cookie_name!r} cannot be the name of a cookie",
                hint="Use letters, digits, - and _, for example progress_session.",
            )
        try:
            self.proxies()
        except ValueError as error:
            raise UsageError(f"trusted proxies: {error}") from error

    def proxies(self) -> list[Network]:
        """Return the networks whose word on a request is taken. Raises ValueError."""
        return [network(text) for text in self.trusted_proxies]

    def is_cookie_secure(self, scheme: str) -> bool:
        """Whether a cookie that is given over `scheme` is for encrypted connections only."""
        return (
            self.secure_cookie
            or scheme == "https"
            or self.cookie_name.lower().startswith(_SECURE_NAMES)
        )

    def hosts(self) -> list[str]:
        """Return the host names that requests may name: what a hostile page cannot rebind."""
        if self.allowed_hosts:
            return list(self.allowed_hosts)
        return ["localhost", "127.0.0.1", "[::1]", "::1"] if is_loopback(self.host) else ["*"]


def network(text: str) -> Network:
    """Parse an address or a network. Raises ValueError that says what is wrong."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        wide = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither an address nor a network, such as 10.0.0.5 or 10.0.0.0/24"
        ) from None
    raise ValueError(f"{text} is an address within a network; the network is {wide}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
