"""The processes of the demo, which end with it however it ends."""

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
STOP_SECONDS: Final = 15.0
# The kernel sends SIGTERM to the child even if the demo is killed.
_DIE_WITH_PARENT: Final = ("setpriv", "--pdeathsig", "TERM", "--")


class ComponentError(Exception):
    """A component did not start or has exited; the message says where its log is."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def responds(url: str) -> Callable[[], bool]:
    """A readiness check: whether the URL answers with a success status."""

    def check() -> bool:
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    return check


@dataclass
class Component:
    """One program of the stack. Its output goes to `log`."""

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
        """Does not wait until it is ready. Raises ComponentError if the program is missing."""
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    [*_DIE_WITH_PARENT, *self.command],
                    cwd=self.folder,
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ComponentError(f"{self.name} could not be started: {error}") from error

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Raises ComponentError if it exits or is not ready in time."""
        end = time.monotonic() + seconds
        while not self.ready():
            if not self.alive:
                raise ComponentError(f"{self.name} exited; see {self.log}")
            if time.monotonic() > end:
                text = f"{self.name} was not ready after {seconds:.0f} s; see {self.log}"
                raise ComponentError(text)
            time.sleep(0.05)

    def stop(self) -> None:
        """Terminate it, then kill whatever is left of its process group."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill its process group."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._process = None
