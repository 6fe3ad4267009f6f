"""Running promtool over many files in one process, with a verdict on each."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SUCCESS: Final = "  SUCCESS"
_FAILED: Final = "  FAILED:"
_TIMEOUT: Final = 3600.0
# What promtool prints for a failing assertion and for a rule that cannot be evaluated.
_ASSERTION: Final = re.compile(r"^    (alertname|expr|rule): ", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """On one file; `message` is what promtool printed on a failure, None if it timed out."""

    passed: bool
    message: str | None
    seconds: float

    @property
    def is_kill(self) -> bool:
        """It failed because of what the rules do, not because a file could not be used."""
        return not self.passed and (self.message is None or bool(_ASSERTION.search(self.message)))


@dataclass(frozen=True)
class Promtool:
    """`program` is an absolute path; `folder` is for promtool's temporary files."""

    program: str
    folder: Path

    def check(self, files: Sequence[Path]) -> list[Verdict]:
        """Whether each rule file can be loaded."""
        return self._run(("check", "rules", "--lint=none"), files, _TIMEOUT)

    def test(self, files: Sequence[Path], timeout: float = _TIMEOUT) -> list[Verdict]:
        """On each test file in order, up to the one that is running when the time is up."""
        return self._run(("test", "rules"), files, timeout)

    def output(self, file: Path) -> str:
        """Everything that promtool prints on one test file."""
        done = subprocess.run(  # noqa: S603  # the user's own promtool
            (self.program, "test", "rules", str(file)),
            capture_output=True,
            text=True,
            check=False,
            env=self._environment(),
        )
        return f"{done.stdout}{done.stderr}".strip()

    def _run(self, command: Sequence[str], files: Sequence[Path], timeout: float) -> list[Verdict]:
        if not files:
            return []
        timed_out = threading.Event()
        with subprocess.Popen(  # noqa: S603  # the user's own promtool
            (self.program, *command, *map(str, files)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._environment(),
        ) as process:

            def stop() -> None:
                timed_out.set()
                process.kill()

            timer = threading.Timer(timeout, stop)
            timer.daemon = True
            timer.start()
            verdicts = list(_verdicts(process.stdout or ()))
            timer.cancel()
        if timed_out.is_set() and len(verdicts) < len(files):
            verdicts.append(Verdict(passed=False, message=None, seconds=timeout))
        return verdicts

    def _environment(self) -> dict[str, str]:
        """Less garbage collection, and the test databases next to the test files."""
        return {**os.environ, "GOGC": "400", "TMPDIR": str(self.folder)}


def _verdicts(output: Iterable[str]) -> Iterator[Verdict]:
    """In the order of the files, which promtool 3 does not name."""
    started = time.monotonic()
    failure: list[str] | None = None
    for raw in output:
        line = raw.rstrip("\n")
        if line.startswith(_SUCCESS) or line == _FAILED:
            if failure is not None:
                yield _failure(failure)
                failure = None
            now = time.monotonic()
            if line == _FAILED:
                failure = []
            else:
                yield Verdict(passed=True, message="", seconds=now - started)
            started = now
        elif failure is not None and not line.startswith(("Unit Testing: ", "Checking ")):
            failure.append(line)
    if failure is not None:
        yield _failure(failure)


def _failure(lines: Sequence[str]) -> Verdict:
    return Verdict(passed=False, message="\n".join(lines).strip("\n"), seconds=0.0)
