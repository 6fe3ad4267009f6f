"""Every alert's definition, collected from the modules of the families."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from generator.alerts import families
from generator.alerts.definition import Definition
from generator.errors import InputError


@cache
def definitions() -> Mapping[str, Definition[Any]]:
    """The definitions by key, in the order of the modules' names and of the lines in each.

    A module declares them one by one, or several in a tuple. Raises InputError if two have the same
    name.
    """
    found = [
        (each, module.name)
        for module in pkgutil.iter_modules(families.__path__)
        for value in vars(importlib.import_module(f"{families.__name__}.{module.name}")).values()
        for each in _declared(value)
    ]
    modules: dict[str, list[str]] = {}
    for each, module in dict(found).items():
        modules.setdefault(each.name, []).append(module)
    twice = [f"{name} ({', '.join(where)})" for name, where in modules.items() if len(where) > 1]
    if twice:
        raise InputError(f"two alerts have the same name: {'; '.join(twice)}")
    return {each.key: each for each, _ in found}


def _declared(value: object) -> Iterator[Definition[Any]]:
    each: Iterable[object] = value if isinstance(value, tuple) else (value,)
    yield from (item for item in each if isinstance(item, Definition))
