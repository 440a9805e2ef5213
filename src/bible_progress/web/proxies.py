"""What a proxy before the server says of a request, where it is believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from .settings import Network, network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LOOPBACK = (network("127.0.0.0/8"), network("::1"))


class Forwarded:
    """Takes scheme, client and host of a request from the proxy that passed it on.

    `proxies` are believed. Where none are named, those of this machine are, but for the host: a
    page in a browser of this machine could send one, and so get past the names that are allowed.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[Network]) -> None:
        self._app = app
        self._takes_host = bool(proxies)
        self._trusted = tuple(proxies) or _LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and self._trusts(_address((scope["client"] or ("",))[0])):
            self._take(scope)
        await self._app(scope, receive, send)

    def _take(self, scope: Scope) -> None:
        # What the nearest proxy added stands last; what is before it anybody may have sent.
        said = dict(_said(scope))
        scheme = said.get(b"x-forwarded-proto", b"").lower()
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()
        for name, value in reversed(list(_said(scope))):
            if name == b"x-forwarded-for":
                client = _address(value.decode("latin-1"))
                if client is None:
                    break
                scope["client"] = (str(client), 0)
                if not self._trusts(client):
                    break
        host = said.get(b"x-forwarded-host", b"")
        if self._takes_host and _HOST.fullmatch(host):
            scope["headers"] = [
                (name, host if name == b"host" else value) for name, value in scope["headers"]
            ]

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _said(scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and values of what proxies add to, each value of a list by itself."""
    for name, values in scope["headers"]:
        if name.startswith(b"x-forwarded-"):
            for value in values.split(b","):
                yield name, value.strip()


def _address(text: str) -> Address | None:
    """Return an address, which may stand with a port; IPv4 is the same within IPv6."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
