"""Child processes that end with the demo, whatever ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests

READY_SECONDS: Final = 60.0
END_SECONDS: Final = 15.0
# Even if the demo is killed, the kernel passes SIGTERM on.
_BOUND: Final = ("setpriv", "--pdeathsig", "TERM", "--")


class FailedError(Exception):
    """A part of the stack did not start, or has ended; the text says where its log is."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> Callable[[], bool]:
    """Whether the URL is answered with success."""

    def ask() -> bool:
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    return ask


@dataclass
class Part:
    """A program of the stack, its output in `log`; `ready` says when it serves."""

    name: str
    command: Sequence[str | Path]
    log: Path
    ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Without waiting; raises FailedError where there is no such program."""
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    [*_BOUND, *self.command],
                    cwd=self.folder,
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise FailedError(f"{self.name} cannot be started: {error}") from error

    def wait(self, seconds: float = READY_SECONDS) -> None:
        """Until it is ready; raises FailedError if it ends before, or takes longer."""
        end = time.monotonic() + seconds
        while not self.ready():
            if not self.alive:
                raise FailedError(f"{self.name} has ended; its last words are in {self.log}")
            if time.monotonic() > end:
                raise FailedError(f"{self.name} is not ready after {seconds:.0f} s, see {self.log}")
            time.sleep(0.05)

    def end(self) -> None:
        """Ask it to, then make it and all that it started; a second call does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Without a warning, with all that it started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(END_SECONDS)
        self._process = None
