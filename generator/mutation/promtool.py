"""Running promtool over many files in one process, with a verdict on each."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_PASSED: Final = "  SUCCESS"
_FAILED: Final = "  FAILED:"
# What promtool says of an assertion that fails, and of a rule that cannot be evaluated.
_ASSERTION: Final = re.compile(r"^    (alertname|expr|rule): ", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """On one file. `said` are promtool's words where it failed; None: it did not end in time."""

    passed: bool
    said: str | None
    seconds: float

    @property
    def by_assertion(self) -> bool:
        """It failed because of what the rules do, not because a file could not be used."""
        return not self.passed and (self.said is None or bool(_ASSERTION.search(self.said)))


@dataclass(frozen=True)
class Promtool:
    """`path` as it can be run from anywhere, `folder` for its temporary files."""

    path: str
    folder: Path

    def check(self, files: Sequence[Path]) -> list[Verdict]:
        """Whether each rule file can be loaded."""
        return self._run(("check", "rules", "--lint=none"), files, 600)

    def test(self, files: Sequence[Path], patience: float = 600) -> list[Verdict]:
        """On each test file in turn, fewer where one took longer than `patience` seconds."""
        return self._run(("test", "rules"), files, patience)

    def words(self, file: Path) -> str:
        """All that promtool says on one test file."""
        done = subprocess.run(  # noqa: S603  # the program that the user names
            (self.path, "test", "rules", str(file)),
            capture_output=True,
            text=True,
            check=False,
            env=self._environment(),
        )
        return f"{done.stdout}{done.stderr}".strip()

    def _run(self, command: Sequence[str], files: Sequence[Path], patience: float) -> list[Verdict]:
        if not files:
            return []
        with subprocess.Popen(  # noqa: S603  # the program that the user names
            (self.path, *command, *map(str, files)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._environment(),
        ) as process:
            output = process.stdout
            if output is None:
                raise ValueError("no pipe")
            watch = _Watch(process, patience)
            verdicts = list(_verdicts(output, watch))
            watch.end()
        if watch.ran_out and len(verdicts) < len(files):
            verdicts.append(Verdict(passed=False, said=None, seconds=patience))
        return verdicts

    def _environment(self) -> dict[str, str]:
        """Memory for speed, and its storage beside our files."""
        return {**os.environ, "GOGC": "400", "TMPDIR": str(self.folder)}


class _Watch:
    """Ends a process that says nothing for too long."""

    def __init__(self, process: subprocess.Popen[str], patience: float) -> None:
        self.ran_out = False
        self._process, self._patience = process, patience
        self._timer = self._start()

    def heard(self) -> None:
        self._timer.cancel()
        self._timer = self._start()

    def end(self) -> None:
        self._timer.cancel()

    def _start(self) -> threading.Timer:
        timer = threading.Timer(self._patience, self._stop)
        timer.daemon = True
        timer.start()
        return timer

    def _stop(self) -> None:
        self.ran_out = True
        self._process.kill()


def _verdicts(output: IO[str], watch: _Watch) -> Iterator[Verdict]:
    """promtool 3 does not name the files, but all versions keep to their order."""
    began = time.monotonic()
    said: list[str] | None = None
    for raw in output:
        line = raw.rstrip("\n")
        if line.startswith(_PASSED) or line == _FAILED:
            if said is not None:
                yield Verdict(passed=False, said="\n".join(said).strip("\n"), seconds=0.0)
                said = None
            now = time.monotonic()
            watch.heard()
            if line == _FAILED:
                said = []
            else:
                yield Verdict(passed=True, said="", seconds=now - began)
            began = now
        elif said is not None and not line.startswith(("Unit Testing: ", "Checking ")):
            said.append(line)
    if said is not None and not watch.ran_out:
        yield Verdict(passed=False, said="\n".join(said).strip("\n"), seconds=0.0)
