"""Every value of the thresholds as the file may spell it, with what it means and why it is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.thresholds import Thresholds
from generator.thresholds.fields import Model, Quantity, below, kind
from generator.thresholds.units import format_value


@dataclass(frozen=True)
class Value:
    """A value of the file.

    `text` is the shortest spelling, `why` that of the mapping at the path `reasoned`: the one it is
    in or the next around.
    """

    path: str
    text: str
    meaning: str
    why: str
    reasoned: str


def values(thresholds: Thresholds) -> tuple[Value, ...]:
    """Every value but the texts of `why`, in the order of the model."""
    return tuple(_below(thresholds, "", "", ""))


def reasons(found: Iterable[Value]) -> dict[str, str]:
    """Why the values are what they are, by the path of the mapping that each reason is for."""
    return {value.reasoned: value.why for value in found if value.why}


def _below(node: Model, path: str, why: str, reasoned: str) -> Iterator[Value]:
    if hasattr(node, "why"):
        why, reasoned = node.why, path
    for name, field in type(node).model_fields.items():
        key = field.alias or name
        value, inner = getattr(node, name), f"{path}.{key}".lstrip(".")
        if isinstance(value, Model):
            yield from _below(value, inner, why, reasoned)
        elif key == "alerts":
            for alert, settings in value.items():
                yield from _below(settings, f"{inner}.{alert}", why, reasoned)
        elif value is not None and key not in ("why", "accepted_notes"):
            yield Value(inner, _text(value, kind(field)), field.description or "", why, reasoned)


def _text(value: object, form: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_text(each, below(form, 0)) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in value.items()) or "none"
    if isinstance(value, float | int) and isinstance(form, Quantity):
        return format_value(value, form.unit)
    return str(value)
