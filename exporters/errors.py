"""Counts what could not be read or written, and says it in the log now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from exporters.contract import EXPORTER_ERRORS
from exporters.exposition import Block, label_set
from exporters.reasons import Reason

LOG: Final = logging.getLogger("exporters")
QUIET_SECONDS: Final = 3600.0


class Errors:
    """The error counter; every reason is there from the start, so that the first one shows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts = dict.fromkeys(Reason, 0)
        self._said: dict[Reason, float] = {}

    def report(self, reason: Reason, about: str) -> None:
        """Count one failure; log it unless its reason has been logged within the hour."""
        self._counts[reason] += 1
        now = self._clock()
        if now - self._said.get(reason, -QUIET_SECONDS) >= QUIET_SECONDS:
            self._said[reason] = now
            LOG.warning("%s: %s (further ones within the hour are only counted)", reason, about)

    def block(self) -> Block:
        return Block(
            EXPORTER_ERRORS,
            [
                ("_total", label_set({"reason": reason}), count)
                for reason, count in self._counts.items()
            ],
        )
