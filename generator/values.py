"""Every value of the thresholds as the file may spell it, with what it means and why it is so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.thresholds import Thresholds, shapes
from generator.thresholds.units import format_value


@dataclass(frozen=True)
class Value:
    """A value of the file.

    `text` is the shortest spelling, `why` that of the mapping it is in or the next around.
    """

    path: str
    text: str
    meaning: str
    why: str


def values(thresholds: Thresholds) -> tuple[Value, ...]:
    """Every value but the texts of `why`, in the order of the model."""
    return tuple(_record(thresholds, shapes.record(Thresholds), "", ""))


def _record(node: object, shape: shapes.Record, path: str, why: str) -> Iterator[Value]:
    why = getattr(node, "why", why)
    for field in shape.fields.values():
        value = getattr(node, field.name)
        if value is not None and field.key != "why":
            inner = f"{path}.{field.key}" if path else field.key
            yield from _value(value, field, inner, why)


def _value(value: object, field: shapes.Field, path: str, why: str) -> Iterator[Value]:
    match field.shape:
        case shapes.Record():
            yield from _record(value, field.shape, path, why)
        case shapes.Number(unit=unit):
            yield Value(path, format_value(value, unit), field.meaning, why)
        case shapes.Items(item=shapes.Number(unit=unit)) if isinstance(value, tuple):
            text = ", ".join(format_value(each, unit) for each in value)
            yield Value(path, text, field.meaning, why)
        case shapes.Items() if isinstance(value, tuple):
            yield Value(path, ", ".join(value), field.meaning, why)
        case shapes.Texts() if isinstance(value, Mapping):
            text = ", ".join(f"{name}: {each}" for name, each in value.items())
            yield Value(path, text or "none", field.meaning, why)
        case _:
            yield Value(path, str(value), field.meaning, why)
