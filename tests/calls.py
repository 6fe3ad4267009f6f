"""A command line run in this process: the same texts and exit code, without starting Python."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

Main = Callable[[Sequence[str]], int]


def call(
    main: Main, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `main` in a folder, with nothing in the environment but what is given."""
    output, errors = StringIO(), StringIO()
    with (
        chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            code = main(arguments)
        except SystemExit as ended:  # by argparse
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())
