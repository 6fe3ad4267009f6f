"""Who may ask, and how often: API keys and a limit of requests for each client."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

from starlette.requests import Request

UNLIMITED: Final = frozenset(("/health", "/metrics", "/docs", "/openapi.json"))


class RateLimiter:
    """So many a minute and so many a second of each client; each worker counts for itself."""

    def __init__(
        self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self._clock = clock
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, client: str) -> int:
        """Seconds until the client may ask again; 0: it may, and this request counts."""
        now, times = self._clock(), self._times[client]
        while times and times[0] <= now - 60:
            times.popleft()
        if sum(each > now - 1 for each in times) >= self._burst:
            return 1
        if len(times) >= self._per_minute:
            return int(times[0] + 60 - now) + 1
        times.append(now)
        return 0


def client_of(request: Request) -> str:
    """The key, else the first address that a proxy names, else the peer's."""
    key = request.headers.get("X-API-Key")
    if key:
        return f"key {key}"
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "unknown")


def refused(request: Request, keys: frozenset[str]) -> str:
    """Why a request is answered 401, or nothing: a key is optional, but a wrong one is refused."""
    key = request.headers.get("X-API-Key")
    if key is not None and key not in keys:
        return "Invalid API key"
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if bearer and bearer not in keys:
        return "Invalid token"
    return ""
