"""API keys and the rate limit for each client."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

from starlette.requests import Request

UNLIMITED_PATHS: Final = frozenset(("/health", "/metrics", "/docs", "/openapi.json"))


class RateLimiter:
    """Limits each client per minute and per second. Every worker counts on its own."""

    def __init__(
        self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self._clock = clock
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def retry_after(self, client: str) -> int:
        """Seconds until the next request is allowed. 0 allows this one and counts it."""
        now, times = self._clock(), self._times[client]
        while times and times[0] <= now - 60:
            times.popleft()
        if sum(each > now - 1 for each in times) >= self._burst:
            return 1
        if len(times) >= self._per_minute:
            return int(times[0] + 60 - now) + 1
        times.append(now)
        return 0


def client_id(request: Request) -> str:
    """The API key, else the first address in X-Forwarded-For, else the peer's address."""
    key = request.headers.get("X-API-Key")
    if key:
        return f"key {key}"
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "unknown")


def auth_error(request: Request, keys: frozenset[str]) -> str:
    """Why the request is answered with 401, or "". Credentials are optional but must be valid."""
    key = request.headers.get("X-API-Key")
    if key is not None and key not in keys:
        return "Invalid API key"
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and token not in keys:
        return "Invalid token"
    return ""
