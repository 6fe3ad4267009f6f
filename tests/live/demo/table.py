"""Writes the fault matrix from the rows that the tests have left.

python -m tests.live.demo.table
"""

from __future__ import annotations

import json
import sys

from generator.markdown import table
from tests.bundle import ROOT
from tests.live.demo.test_matrix import ROWS

HEAD = (
    *("fault", "versions", "alerts", "fired, s", "notified, s", "resolved, s"),
    *("pages", "tickets", "other alerts"),
)
FILE = ROOT / "build" / "fault-matrix.md"


def main() -> int:
    """Print and save the table; 1 if there are no rows."""
    rows = [json.loads(file.read_text()) for file in sorted(ROWS.glob("*.json"))]
    text = table(
        HEAD,
        (
            (
                row["fault"],
                row["versions"],
                ", ".join(row["alerts"]) or "none expected",
                *(
                    f"{row[name]:.0f}" if row["alerts"] else ""
                    for name in ("fired", "notified", "resolved")
                ),
                *(str(row[name]) for name in ("pages", "tickets")),
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
