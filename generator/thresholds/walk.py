"""Nodes to the model's dataclasses, by their shapes; problems are collected, never raised."""

from __future__ import annotations

from typing import Final

from generator.thresholds import shapes
from generator.thresholds.draft import Draft, Leaf
from generator.thresholds.forms import LINE
from generator.thresholds.levels import Unit
from generator.thresholds.model import Thresholds
from generator.thresholds.nodes import Hole, Node, Scalar, Sequence, Table, joined, shown
from generator.thresholds.problems import Problem, nearest, quoted
from generator.thresholds.units import form, parse

_BROKEN: Final = object()
_MOST_KEYS: Final = 12
# Numbers that stand in the file as YAML's own, without a unit.
_PLAIN_UNITS: Final = (Unit.COUNT, Unit.SCORE)


class Walk:
    """One pass over a file: `draft` holds what could be read, `problems` what could not."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.problems: list[Problem] = []

    def thresholds(self, root: Node) -> Thresholds | None:
        """The whole file, None if any part of it is broken."""
        value = self._record(shapes.record(Thresholds), root, "")
        return value if isinstance(value, Thresholds) else None

    def _record(self, shape: shapes.Record, node: Node, path: str) -> object:
        if not isinstance(node, Table):
            return self._refuse(node, path, _described(shape))
        self.draft.records[path] = shape.cls
        values: dict[str, object] = {}
        typed: set[str] = set()  # keys that somebody meant to write
        for key, entry in node.entries.items():
            inner = joined(path, key)
            field = shape.fields.get(key)
            if field is None:
                typed |= self._unknown(shape, node, key, path)
                values[key] = _BROKEN
            elif not entry.removes:
                values[field.name] = self._value(field.shape, entry.value, inner)
            elif field.required:
                values[field.name] = self._refuse(entry.value, inner, _described(field.shape))
        for field in shape.fields.values():
            if field.required and field.key not in node.entries.keys() | typed:
                inner, expected = joined(path, field.key), _described(field.shape)
                self.problems.append(Problem(node.position, inner, "no such key", expected))
                values[field.name] = _BROKEN
        if any(value is _BROKEN for value in values.values()):
            return _BROKEN
        if shape.cls is Thresholds:
            values["positions"] = self.draft.positions
        built: object = shape.cls(**values)
        return built

    def _unknown(self, shape: shapes.Record, node: Table, key: str, path: str) -> set[str]:
        """Report an unknown key; the key that it was meant to be, if that is missing."""
        self.draft.flawed.add(path)
        absent = nearest(key, [name for name in shape.fields if name not in node.entries])
        near = absent or nearest(key, shape.fields)
        hint = f"did you mean {quoted(near)}?" if near else f"one of {_keys(shape)}"
        position = node.entries[key].position
        self.problems.append(
            Problem(position, joined(path, key), "an unknown key", f"a known one: {hint}")
        )
        return {absent} if absent else set()

    def _value(self, shape: shapes.Shape, node: Node, path: str) -> object:
        self.draft.positions[path] = node.position
        match shape:
            case shapes.Record():
                return self._record(shape, node, path)
            case shapes.Items():
                return self._items(shape, node, path)
            case shapes.Texts():
                return self._texts(shape, node, path)
            case _:
                return self._leaf(shape, node, path)

    def _leaf(self, shape: shapes.Leaf, node: Node, path: str) -> object:
        if not isinstance(node, Scalar) or node.is_null:
            return self._refuse(node, path, _described(shape))
        try:
            value = _scalar(shape, node)
        except ValueError as error:
            return self._refuse(node, path, str(error))
        self.draft.leaves[path] = Leaf(value, node.text)
        return value

    def _items(self, shape: shapes.Items, node: Node, path: str) -> object:
        if not isinstance(node, Sequence) or not node.items:
            return self._refuse(node, path, _described(shape))
        self.draft.lengths[path] = len(node.items)
        items = [
            self._value(shape.item, item, f"{path}[{index}]")
            for index, item in enumerate(node.items)
        ]
        return _BROKEN if any(item is _BROKEN for item in items) else tuple(items)

    def _texts(self, shape: shapes.Texts, node: Node, path: str) -> object:
        if not isinstance(node, Table):
            return self._refuse(node, path, _described(shape))
        kept = {key: entry.value for key, entry in node.entries.items() if not entry.removes}
        self.draft.texts[path] = tuple(kept)
        line = shapes.Text(LINE)
        items = {key: self._value(line, value, joined(path, key)) for key, value in kept.items()}
        return _BROKEN if any(item is _BROKEN for item in items.values()) else items

    def _refuse(self, node: Node, path: str, expected: str) -> object:
        if not isinstance(node, Hole):
            self.problems.append(Problem(node.position, path, shown(node), expected))
        return _BROKEN


def _keys(shape: shapes.Record) -> str:
    shown = [quoted(key) for key in shape.fields]
    left = len(shown) - _MOST_KEYS
    return ", ".join(shown[:_MOST_KEYS] + [f"{left} more"] * (left > 0))


def _scalar(shape: shapes.Leaf, node: Scalar) -> float | int | str:
    match shape:
        case shapes.Number():
            if shape.unit in _PLAIN_UNITS and not node.plain:
                raise ValueError(f"{form(shape.unit)}, without quotes")
            value = parse(node.text, shape.unit)
            if shape.limit and not value:
                raise ValueError(_described(shape))
            return value
        case shapes.Text():
            other = node.not_text()
            if other:
                raise ValueError(f"{shape.form.words}, in quotes: without them it is {other}")
            if not shape.form.fits(node.text):
                raise ValueError(shape.form.words)
            return node.text
        case shapes.Constant():
            if not node.plain or node.text != str(shape.value):
                raise ValueError(_described(shape))
            return shape.value


def _described(shape: shapes.Shape) -> str:
    match shape:
        case shapes.Number():
            return form(shape.unit, shape.limit)
        case shapes.Text():
            return shape.form.words
        case shapes.Constant():
            return quoted(str(shape.value))
        case shapes.Items():
            return f"a list of at least one entry, each {_described(shape.item)}"
        case shapes.Texts():
            return "a mapping of names to texts, {} for none"
        case shapes.Record():
            return f"a mapping with the keys {_keys(shape)}"
