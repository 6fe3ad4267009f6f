"""A test whose program is missing is skipped, with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests import tools

T = TypeVar("T")


def or_skip(find: Callable[[], T]) -> T:
    try:
        return find()
    except tools.MissingToolError as error:
        pytest.skip(str(error))


def had(name: str) -> Path:
    """Path of a program."""
    return or_skip(lambda: tools.program(name))
