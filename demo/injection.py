"""The control file through which the demo injects faults into the stand-in's workers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

FILE: Final = "faults.json"


class Effect(StrEnum):
    """What an injection does to a worker, or to all of the host. Comments: unit of its amount."""

    ERRORS = "errors"  # ratio of requests
    DELAY = "delay"  # seconds that a request sleeps without blocking others
    BLOCK = "block"  # seconds that a request blocks its worker
    WEAKNESS = "weakness"  # subtracted from the confidence score
    LEAK = "leak"  # bytes per second
    SAWTOOTH = "sawtooth"  # bytes per second, all freed every few seconds
    FDS = "fds"  # file descriptors per second
    THREADS = "threads"  # threads per second
    CONNECTIONS = "connections"  # database connections per second
    CPU = "cpu"  # busy threads
    CRASH = "crash"  # any: once
    CRASH_AFTER = "crash_after"  # seconds after every start
    HANG = "hang"  # any: blocks the event loop
    HOST = "host"  # any: neither the service nor its sidecar runs
    OUTSIDE = "outside"  # any: blackbox_exporter does not run
    FLAPPING = "flapping"  # seconds for which the sidecar is away, then there


@dataclass(frozen=True)
class Injection:
    """An effect on one worker, or on all if `worker` is None; `since` is Unix time."""

    effect: Effect
    amount: float
    since: float
    worker: int | None = None

    def applies_to(self, worker: int) -> bool:
        return self.worker is None or self.worker == worker


def parse(document: list[dict[str, Any]]) -> list[Injection]:
    return [Injection(**{**each, "effect": Effect(each["effect"])}) for each in document]


def write(folder: Path, injections: Iterable[Injection]) -> None:
    """Replace the current injections."""
    text = json.dumps([asdict(each) for each in injections], indent=2)
    new = folder / f"{FILE}.new"
    new.write_text(text + "\n")
    new.replace(folder / FILE)


def read(folder: Path) -> list[Injection]:
    try:
        return parse(json.loads((folder / FILE).read_text()))
    except FileNotFoundError:
        return []
