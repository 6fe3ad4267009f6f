"""The sidecar's command line."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from exporters.settings import MULTIPROCESS, Settings, load

OK, FAILED, BAD_INPUT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code; bad arguments exit with 2."""
    settings = load(sys.argv[1:] if argv is None else argv, os.environ)
    # With it set, prometheus_client would write files of the sidecar's own to the workers' folder.
    os.environ.pop(MULTIPROCESS, None)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from exporters.sidecar import Sidecar
    from exporters.web.problems import ConfigError

    try:
        asyncio.run(Sidecar(settings).run())
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        host, port = settings.listen
        print(f"cannot listen on {host}:{port}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return OK
