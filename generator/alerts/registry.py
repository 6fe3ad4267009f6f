"""Every alert's definition, collected from the modules of the families."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from generator.alerts import families
from generator.alerts.definition import Definition


@cache
def definitions() -> Mapping[str, Definition[Any]]:
    """The definitions by key, in the order of the modules' names and of the lines in each.

    A module declares them one by one, or several in a tuple. Raises ValueError for a key that two
    of them have.
    """
    found: dict[str, Definition[Any]] = {}
    for module in pkgutil.iter_modules(families.__path__):
        for value in vars(importlib.import_module(f"{families.__name__}.{module.name}")).values():
            for each in _declared(value):
                if found.setdefault(each.key, each) is not each:
                    raise ValueError(f"two alerts named {each.key}")
    return found


def _declared(value: object) -> Iterator[Definition[Any]]:
    each: Iterable[object] = value if isinstance(value, tuple) else (value,)
    yield from (item for item in each if isinstance(item, Definition))
