"""What `make test` leaves to `make full-test`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def older_in_full(versions: Sequence[T]) -> list[Any]:
    """Parameters of which only the last, the newest version, is for `make test`."""
    older = [pytest.param(each, marks=pytest.mark.full) for each in versions[:-1]]
    return [*older, versions[-1]]
