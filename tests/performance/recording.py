"""The readings of the workers while a run lasts, in memory and in a file."""

from __future__ import annotations

import csv
import itertools
import random
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from tests.performance.workers import Reading, Source, WorkersError

FILE: Final = "workers.csv"


def moments(interval: float) -> Iterator[float]:
    """Seconds from the start at which to read: 0, and a random moment of each interval.

    What is read in step with a sawtooth of the garbage collector drifts slowly, as a leak does.
    """
    yield 0.0
    for number in itertools.count():
        yield (number + random.random()) * interval  # noqa: S311  # no secret


class Recording:
    """Each reading is written at once, so that a run that is killed leaves what it has seen."""

    def __init__(self, source: Source | None, folder: Path | None = None) -> None:
        """Without a source there is nothing to read; without a folder nothing is written."""
        self.readings: list[Reading] = []
        self.problem = "" if source else "no sidecar is named, and the host is another machine"
        self._source = source
        self._file = folder / FILE if folder and source else None
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._append([tuple(each.name for each in fields(Reading))])

    def read(self) -> None:
        """Once; what cannot be read is said on stderr when it begins."""
        if not self._source:
            return
        try:
            found = self._source.read()
        except WorkersError as error:
            if str(error) != self.problem:
                print(f"warning: {error}", file=sys.stderr)
            self.problem = str(error)
            return
        self.problem = ""
        self.readings += found
        self._append([astuple(each) for each in found])

    def _append(self, rows: list[tuple[object, ...]]) -> None:
        if self._file:
            with self._file.open("a", newline="") as file:
                csv.writer(file).writerows(rows)
