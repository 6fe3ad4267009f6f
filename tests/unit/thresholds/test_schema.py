import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from generator.config import model
from generator.thresholds.schema import schema, schema_text
from tests.unit.thresholds.cases import Case, read_cases
from tests.unit.thresholds.good import GOOD

ROOT = Path(__file__).parents[3]

VALIDATOR = jsonschema.Draft202012Validator(schema(model()))

# What a schema cannot say: it compares no fields, counts no text, and sees YAML's values only.
BEYOND = (
    *("duration: parts", "duration: more than a year", "size: parts", "size: beyond any machine"),
    *("count: octal", "text: a date", "label: a template", "jobs alike", "levels", "rows"),
    *(
        "buckets: out of order",
        "confidence",
        "interval",
        "lookback",
        "window",
        "objective",
        "dashboards",
    ),
    *("fires_at: a level that the row lacks", "severities: the lower", "severities: both"),
    "severities: equal",
    *("bound", "leak", "key: twice"),
)
NO_YAML = ("YAML", "key: a list")


class Reader(yaml.CSafeLoader):
    """YAML as editors read it: version 1.2, so a date is a text and a key stays what it is."""


Reader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def errors(text: str) -> list[str]:
    value: Any = yaml.load(text, Loader=Reader)  # noqa: S506 - a SafeLoader
    return [error.message for error in VALIDATOR.iter_errors(value)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(model())))


def test_descriptions_are_written_by_people() -> None:
    assert schema(model())["$defs"]["WaitAlert"]["description"] == (
        "An alert on a bound; at least one severity is set."
    )
    assert "(*" not in schema_text(model())
    assert "Annotated" not in schema_text(model())


@pytest.mark.parametrize("file", ["thresholds.yaml", "tests/unit/thresholds/good.yaml"])
def test_good_files(file: str) -> None:
    text = GOOD if "good" in file else (ROOT / file).read_text(encoding="utf-8")
    assert errors(text) == []


@pytest.mark.parametrize(
    "case",
    [case for case in read_cases("broken.txt") if not case.name.startswith(NO_YAML)],
    ids=lambda case: case.name,
)
def test_broken_files(case: Case) -> None:
    """A schema finds what a schema can find."""
    assert bool(errors(case.broken(GOOD))) != case.name.startswith(BEYOND)
