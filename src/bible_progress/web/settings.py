"""How the web server is set up."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from ..errors import UsageError

MIN_SECRET_CHARACTERS = 16


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
    secure_cookie: bool = False

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

    def hosts(self) -> list[str]:
        """Return the host names that requests may name: what a hostile page cannot rebind."""
        if self.allowed_hosts:
            return list(self.allowed_hosts)
        return ["localhost", "127.0.0.1", "[::1]", "::1"] if is_loopback(self.host) else ["*"]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
