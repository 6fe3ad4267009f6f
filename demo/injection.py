"""What is injected into which worker: the file between the demo and the stand-in's workers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

FILE: Final = "faults.json"


class Effect(StrEnum):
    """What a worker can be made to do; its amount is in the unit given here."""

    ERRORS = "errors"  # share of requests
    DELAY = "delay"  # seconds a request waits, while others go on
    BLOCK = "block"  # seconds a request computes, while all others wait
    WEAKNESS = "weakness"  # taken off the confidence
    LEAK = "leak"  # bytes a second
    SAWTOOTH = "sawtooth"  # bytes a second, all freed every few seconds
    FDS = "fds"  # descriptors a second
    THREADS = "threads"  # threads a second
    CONNECTIONS = "connections"  # connections a second
    CPU = "cpu"  # busy threads
    CRASH = "crash"  # once
    CRASH_AFTER = "crash_after"  # seconds from each start
    HANG = "hang"  # the event loop stands still


@dataclass(frozen=True)
class Injection:
    """An effect on one worker, or on all if that is None; `since` is Unix time."""

    effect: Effect
    amount: float
    since: float
    worker: int | None = None

    def meets(self, worker: int) -> bool:
        return self.worker is None or self.worker == worker


def parse(document: list[dict[str, Any]]) -> list[Injection]:
    return [Injection(**{**each, "effect": Effect(each["effect"])}) for each in document]


def write(folder: Path, injections: Iterable[Injection]) -> None:
    """Put them in place of what was injected before."""
    text = json.dumps([asdict(each) for each in injections], indent=2)
    new = folder / f"{FILE}.new"
    new.write_text(text + "\n")
    new.replace(folder / FILE)


def read(folder: Path) -> list[Injection]:
    try:
        return parse(json.loads((folder / FILE).read_text()))
    except FileNotFoundError:
        return []
