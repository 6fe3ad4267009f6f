"""The form of the file as data, read from the type hints of the dataclasses in `model`."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from generator.thresholds.forms import LINE, POSITIVE, Form
from generator.thresholds.levels import EDGE_BEFORE, Levels, Targets, Unit
from generator.thresholds.settings import Alerts, Rows


@dataclass(frozen=True)
class Number:
    """`limit`: in words, empty for none."""

    unit: Unit
    limit: str


@dataclass(frozen=True)
class Text:
    form: Form


@dataclass(frozen=True)
class Constant:
    value: int


@dataclass(frozen=True)
class Items:
    """A list of at least one number or text."""

    item: Number | Text


@dataclass(frozen=True)
class Texts:
    """A mapping of free names to texts."""


@dataclass(frozen=True)
class Record:
    """A mapping with the keys of a dataclass."""

    cls: type[Any]
    meaning: str
    fields: Mapping[str, Field]


Leaf = Number | Text | Constant
Shape = Leaf | Items | Texts | Record


@dataclass(frozen=True)
class Field:
    """A key of a record. `name` is the dataclass's name for it."""

    key: str
    name: str
    shape: Shape
    required: bool
    meaning: str
    rows: Rows | None


@cache
def record(cls: type[Any]) -> Record:
    """The shape of a dataclass of `model`, without its bookkeeping: fields that do not compare."""
    found = [
        _field(item.name, item.type, required=item.default is MISSING)
        for item in fields(cls)
        if item.compare
    ]
    return Record(cls, _meaning(cls), {item.key: item for item in found})


def _meaning(cls: type[Any]) -> str:
    """The first paragraph of the nearest docstring that somebody wrote."""
    for base in cls.__mro__:
        doc = base.__dict__.get("__doc__") or ""
        # A dataclass without a docstring gets its signature as one.
        if doc and not doc.startswith(f"{base.__name__}("):
            return " ".join(doc.partition("\n\n")[0].split()) if base is not object else ""
    return ""


def _field(name: str, hint: object, *, required: bool) -> Field:
    base, extras = _unwrapped(hint)
    meaning = next((extra for extra in extras if isinstance(extra, str)), "")
    rows = next((extra for extra in extras if isinstance(extra, Rows)), None)
    return Field(name.rstrip("_"), name, _shape(base, extras), required, meaning, rows)


def _unwrapped(hint: object) -> tuple[Any, list[object]]:
    """A hint without `Annotated` and `| None`, and what `Annotated` said, the outermost first."""
    extras: list[object] = []
    while True:
        if hasattr(hint, "__metadata__"):
            # Nested aliases come as one: the outermost last.
            extras += reversed(hint.__metadata__)
            hint = hint.__origin__  # type: ignore[attr-defined]  # every Annotated has it
        elif get_origin(hint) in (Union, types.UnionType):
            hint = next(arg for arg in get_args(hint) if arg is not types.NoneType)
        else:
            return hint, extras


def _shape(base: object, extras: list[object]) -> Shape:
    unit = next((extra for extra in extras if isinstance(extra, Unit)), None)
    if unit:
        return Number(unit, POSITIVE.value if POSITIVE in extras else "")
    if base is str:
        return Text(next((extra for extra in extras if isinstance(extra, Form)), LINE))
    if is_dataclass(base):
        return record(base)  # type: ignore[arg-type]  # is_dataclass also knows instances
    origin, args = get_origin(base), get_args(base)
    if origin is Literal:
        return Constant(args[0])
    if origin is tuple:
        item = _shape(*_unwrapped(args[0]))
        if isinstance(item, Number | Text):
            return Items(item)
    if origin is Mapping:
        return Texts()
    raise TypeError(f"no form for {base!r}")


@cache
def rows() -> Mapping[str, Record]:
    """The shape of every row of the targets by its path below `targets`, in the model's order."""
    return dict(_rows(record(Targets), ""))


def _rows(shape: Record, path: str) -> list[tuple[str, Record]]:
    if issubclass(shape.cls, Levels):
        return [(path, shape)]
    inner = ((f"{path}.{key}".lstrip("."), field.shape) for key, field in shape.fields.items())
    return [row for name, shape in inner if isinstance(shape, Record) for row in _rows(shape, name)]


@cache
def alert_rows() -> Mapping[str, Rows]:
    """The rows that each alert on a bound may fire at, by the alert's key."""
    found = record(Alerts).fields.values()
    return {item.key: item.rows for item in found if item.rows is not None}


@cache
def aims(rows_: Rows) -> tuple[str, ...]:
    """Every ROW.LEVEL that an alert on `rows_` may fire at."""
    return tuple(
        f"{path}.{level}"
        for path, shape in rows().items()
        if path == rows_.below or path.startswith(f"{rows_.below}.")
        if rows_.unit in (None, shape.cls.unit)
        for level, edge in EDGE_BEFORE.items()
        if edge in shape.fields
    )
