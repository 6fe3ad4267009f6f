"""The file's JSON Schema (draft 2020-12), for editors."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from generator.thresholds.fields import Model, Schema
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, BoundAlert, ConditionAlert


class _Generator(GenerateJsonSchema):
    """Without pydantic's titles, and without null: in an overlay it removes a key."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        found.pop("title", None)
        model: type[Model] = schema["cls"]
        found.pop("description", None)
        if model.meaning():
            found = {"description": model.meaning(), **found}
        named = [{"required": [severity]} for severity in SEVERITIES]
        if issubclass(model, BoundAlert):
            found["anyOf"] = named
        if issubclass(model, ConditionAlert):
            found["oneOf"] = named
        return found


def schema(model: type[Thresholds]) -> Schema:
    """The schema of a whole file."""
    found = model.model_json_schema(schema_generator=_Generator)
    alerts = found["$defs"]["Alerts"]["properties"]
    for key, form in model.forms.items():
        if form.rows:
            severity = {"properties": {"fires_at": {"enum": list(form.aims)}}}
            aims = {"properties": dict.fromkeys(SEVERITIES, severity)}
            alerts[key] = {"allOf": [alerts[key], aims]}
    return {
        "$schema": _Generator.schema_dialect,
        "title": "Thresholds of the Auditor's monitoring",
        **found,
    }


def schema_text(model: type[Thresholds]) -> str:
    """The schema as it is committed."""
    return json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"
