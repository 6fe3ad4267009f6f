"""Type-checks dashboards against Grafana's published schema."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.tools import typescript
from tests.tools.typescript import Typed

TYPES: Final = Path(__file__).with_name("dashboard.ts")


def check(tsc: Path, folder: Path, dashboards: Mapping[str, Any]) -> dict[str, list[str]]:
    """The errors of each dashboard, as `typescript.check` gives them."""
    shutil.copy(TYPES, folder)
    return typescript.check(
        tsc,
        folder,
        {name: Typed(each, "AuditorDashboard", "./dashboard") for name, each in dashboards.items()},
    )
