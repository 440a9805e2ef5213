"""Wrong secrets make whoever gives them wait; nobody holds a thread meanwhile."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

# So many wrong secrets of one client are mistakes; from then on it waits 1, 2, 4, 8, ... seconds.
FREE_OF_CLIENT = 5
LONGEST_WAIT_SECONDS = 30
FORGOTTEN_SECONDS = 15 * 60
# Of all clients together; then one a second, but for those who gave the right secret before.
FREE_OF_ALL = 100
KEPT_CLIENTS = 10_000

_T = TypeVar("_T")


@dataclass(slots=True)
class _Client:
    wrong: int = 0
    last_at: float = 0.0
    # Until then nothing is looked at.
    until: float = 0.0


class Guesses:
    """How often which client was wrong lately; from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Both with the latest at the end, so that what is dropped is the oldest.
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._left = float(FREE_OF_ALL)
        self._left_at = clock()

    def wait(self, address: str, *, is_right: bool) -> int:
        """Take note of a secret that a client gave; return 0.

        Otherwise, where it has to wait, the seconds until it may try again. Then this one counts
        for nothing, and whether it was right must not be told.
        """
        client, now = _network(address), self._clock()
        with self._lock:
            self._left = min(FREE_OF_ALL, self._left + now - self._left_at)
            self._left_at = now
            seen = self._clients.get(client)
            if seen is not None and now - seen.last_at > FORGOTTEN_SECONDS:
                del self._clients[client]
                seen = None
            if seen is not None and now < seen.until:
                return math.ceil(seen.until - now)
            if self._left < 1 and client not in self._known:
                return math.ceil(1 - self._left)
            if is_right:
                self._clients.pop(client, None)
                _keep(self._known, client, None)
                return 0
            self._left = max(0.0, self._left - 1)
            seen = seen or _Client()
            seen.wrong, seen.last_at = seen.wrong + 1, now
            if seen.wrong >= FREE_OF_CLIENT:
                # The exponent has an end, or the number has none.
                doubled = 2 ** min(seen.wrong - FREE_OF_CLIENT, 10)
                seen.until = now + min(doubled, LONGEST_WAIT_SECONDS)
            _keep(self._clients, client, seen)
            return 0


def _keep(kept: OrderedDict[str, _T], key: str, value: _T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT_CLIENTS:
        kept.popitem(last=False)


def _network(address: str) -> str:
    """Return what one client has for itself: an address, of IPv6 a network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
