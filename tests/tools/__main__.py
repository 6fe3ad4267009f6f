"""Put the outside programs that tests run under .tools/, each by the first way that works.

The ways are a program already on PATH, a Debian or Ubuntu package, and a build with Go. Building
Prometheus takes minutes, so it is done only with --all, or where there would be no promtool at all.
"""

import argparse
import fcntl
import sys
from typing import Final

from tests.tools import FOLDER, promtools
from tests.tools.install import install, report

ADVICE: Final = (
    "To get what is missing, put it on PATH (promtool comes with Prometheus, vmalert with"
    " VictoriaMetrics) or install Go 1.21 or newer, then run `make all-tools`."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools", description=__doc__)
    parser.add_argument("--all", action="store_true", help="build the rest; fail if one is missing")
    everything = parser.parse_args().all
    for name in ("bin", "origin", "missing", "share"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = report(install(everything=everything))
    if missing:
        print(ADVICE, file=sys.stderr)
    return 1 if not promtools() or (everything and missing) else 0


if __name__ == "__main__":
    sys.exit(main())
