"""Waiting for what other processes do."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

# Seconds, far more than a busy machine needs; only a test that fails waits so long.
PATIENCE: Final = 180.0
# A command that has not ended by then hangs.
HANGS: Final = 600.0


def until(
    condition: Callable[[], T], what: str, seconds: float = PATIENCE, pause: float = 0.02
) -> T:
    """The first true value; OSError and HTTP errors mean "not yet"."""
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
