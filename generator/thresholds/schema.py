"""The file's JSON Schema (draft 2020-12), for editors, derived from the model's dataclasses."""

from __future__ import annotations

import json
from typing import Any, Final

from generator.thresholds import shapes
from generator.thresholds.checks.service import OWN_LABELS
from generator.thresholds.forms import LABEL_NAME, LINE
from generator.thresholds.levels import Unit
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, BoundAlert, ConditionAlert, Rows
from generator.thresholds.units import LARGEST_COUNT, PATTERNS, form

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# JSON Schema compares numbers only, so a pattern must keep a share at or under 100%.
_SHARE: Final = r"(?:100(?:\.0+)?|[1-9]?[0-9](?:\.[0-9]+)?)%"
_NOT_ZERO: Final = "(?=.*[1-9])"

Schema = dict[str, Any]


def schema() -> Schema:
    """The schema of a whole file."""
    definitions = _Definitions()
    root = definitions.record(shapes.record(Thresholds), None)
    return {
        "$schema": _DIALECT,
        "title": "Thresholds of the Auditor's monitoring",
        **root,
        "$defs": dict(sorted(definitions.found.items())),
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Definitions:
    """Schemas of the classes and units, each once; `found` grows as they are referred to."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def record(self, shape: shapes.Record, rows: Rows | None) -> Schema:
        """A mapping with the keys of a class; `rows` are those that a `fires_at` in it may name."""
        fields = shape.fields.values()
        return {
            **({"description": shape.meaning} if shape.meaning else {}),
            "type": "object",
            "properties": {field.key: self._field(field, rows) for field in fields},
            "required": [field.key for field in fields if field.required],
            "additionalProperties": False,
            **_severities(shape.cls),
        }

    def _field(self, field: shapes.Field, rows: Rows | None) -> Schema:
        if field.name == "fires_at" and rows is not None:
            found: Schema = {"enum": list(shapes.aims(rows))}
        else:
            found = self._shape(field.shape, field.rows or rows)
        return {"description": field.meaning, **found} if field.meaning else found

    def _shape(self, shape: shapes.Shape, rows: Rows | None) -> Schema:
        match shape:
            case shapes.Record():
                name = "-".join(filter(None, [shape.cls.__name__, _rows_name(rows)]))
                if name not in self.found:
                    self.found[name] = self.record(shape, rows)
                return {"$ref": f"#/$defs/{name}"}
            case shapes.Number():
                name = f"{shape.limit} {shape.unit.value}".strip().replace(" ", "-")
                self.found[name] = _number(shape)
                return {"$ref": f"#/$defs/{name}"}
            case shapes.Items():
                items = self._shape(shape.item, rows)
                return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
            case shapes.Text():
                return {"type": "string", "pattern": _whole(shape.form.pattern)}
            case shapes.Texts():
                return _texts()
            case shapes.Constant():
                return {"const": shape.value}


def _severities(cls: type[object]) -> Schema:
    named = [{"required": [severity]} for severity in SEVERITIES]
    if issubclass(cls, BoundAlert):
        return {"anyOf": named}
    return {"oneOf": named} if issubclass(cls, ConditionAlert) else {}


def _rows_name(rows: Rows | None) -> str:
    return (
        f"{rows.below} {rows.unit.value if rows.unit else ''}".strip().replace(" ", "-")
        if rows
        else ""
    )


def _number(shape: shapes.Number) -> Schema:
    described = {"description": form(shape.unit, shape.limit)}
    match shape.unit:
        case Unit.COUNT:
            least = 1 if shape.limit else 0
            return {**described, "type": "integer", "minimum": least, "maximum": LARGEST_COUNT}
        case Unit.SCORE:
            return {**described, "type": "number", "minimum": 0, "maximum": 1}
    pattern = _SHARE if shape.unit is Unit.RATIO else PATTERNS[shape.unit]
    zero = _NOT_ZERO if shape.limit else ""
    return {**described, "type": "string", "pattern": _whole(zero + pattern)}


def _texts() -> Schema:
    names = {"pattern": _whole(LABEL_NAME.pattern), "not": {"enum": sorted(OWN_LABELS)}}
    values = {"type": "string", "pattern": _whole(LINE.pattern)}
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"
