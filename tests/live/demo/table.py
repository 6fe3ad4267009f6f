"""The table of the fault matrix, out of the rows that its tests have left.

python -m tests.live.demo.table
"""

from __future__ import annotations

import json
import sys

from generator.markdown import table
from tests.bundle import ROOT
from tests.live.demo.test_matrix import ROWS

HEAD = ("fault", "with", "alert", "s to fire", "s to notify", "s to resolve", "other alerts seen")
FILE = ROOT / "build" / "fault-matrix.md"


def main() -> int:
    """Print it and write it down; 1 if there are no rows."""
    rows = [json.loads(file.read_text()) for file in sorted(ROWS.glob("*.json"))]
    text = table(
        HEAD,
        (
            (
                row["fault"],
                row["with"],
                ", ".join(row["alert"]) or "none, rightly",
                *(
                    f"{row[name]:.0f}" if row["alert"] else ""
                    for name in ("fire", "notify", "resolve")
                ),
                ", ".join(row["others"]),
            )
            for row in rows
        ),
    )
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text)
    print(text)
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
