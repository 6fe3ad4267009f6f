"""Records samples of the workers during a run, in memory and in a file."""

from __future__ import annotations

import csv
import itertools
import random
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from tests.performance.workers import WorkerSample, WorkersError, WorkerSource

FILE: Final = "workers.csv"


def sample_times(interval: float) -> Iterator[float]:
    """Seconds from the start: 0, then a random time in each interval.

    Samples in step with a garbage collector's sawtooth would drift slowly, like a leak.
    """
    yield 0.0
    for number in itertools.count():
        yield (number + random.random()) * interval  # noqa: S311  # no secret


class Recording:
    """Samples are written at once, so that a killed run leaves what it has seen."""

    def __init__(self, source: WorkerSource | None, folder: Path | None = None) -> None:
        """Without a source nothing is read, and without a folder nothing is written."""
        self.samples: list[WorkerSample] = []
        self.problem = "" if source else "the host is another machine and no sidecar is given"
        self._source = source
        self._file = folder / FILE if folder and source else None
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._append([tuple(each.name for each in fields(WorkerSample))])

    def sample(self) -> None:
        """Take one sample of all workers. A problem is printed when it begins."""
        if not self._source:
            return
        try:
            samples = self._source.read()
        except WorkersError as error:
            if str(error) != self.problem:
                print(f"warning: {error}", file=sys.stderr)
            self.problem = str(error)
            return
        self.problem = ""
        self.samples += samples
        self._append([astuple(each) for each in samples])

    def _append(self, rows: list[tuple[object, ...]]) -> None:
        if self._file:
            with self._file.open("a", newline="") as file:
                csv.writer(file).writerows(rows)
