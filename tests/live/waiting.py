"""Waiting for what other processes do."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = 60, pause: float = 0.02) -> T:
    """The first true value; what raises OSError or an HTTP error is not yet."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            if last := condition():
                return last
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s: {what}; last {last!r}")
