"""Running other programs, with their last words in the error."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.tools.wanted import UnavailableError


def which(name: str) -> str:
    """Absolute path of a program on PATH. Raises UnavailableError."""
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"no {name} on PATH")
    return path


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Standard output of a command. Raises UnavailableError when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        name = Path(command[0]).name
        raise UnavailableError(f"{name} failed: {' | '.join(words[-3:])}")
    return done.stdout


def version_text(program: str | Path, asked: str = "--version") -> str:
    """First line of what it answers to `asked`, on whichever stream. Raises UnavailableError."""
    try:
        done = subprocess.run(
            [program, asked], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{program} does not run: {error}") from error
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode:
        raise UnavailableError(f"{program} does not run: {lines[-1] if lines else 'no output'}")
    return lines[0] if lines else ""
