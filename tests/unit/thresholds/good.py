"""A good file that does not change with the bundle's own numbers, and edits of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from generator.alerts.definition import Definition
from generator.alerts.registry import definitions
from generator.config import load, model
from generator.thresholds import ConfigError
from generator.thresholds.fields import Model, Quantity, kind
from generator.thresholds.levels import Levels
from generator.thresholds.units import Unit

FILE: Final = "thresholds.yaml"

# Three values of each unit, rising.
_SAMPLES: Final = {
    Unit.DURATION: ("5m", "6m", "7m"),
    Unit.BYTES: ("1MiB", "2MiB", "3MiB"),
    Unit.GROWTH: ("1MiB/h", "2MiB/h", "3MiB/h"),
    Unit.RATIO: ("50%", "60%", "70%"),
    Unit.RATE: ("1/s", "2/s", "3/s"),
    Unit.COUNT: ("20", "21", "22"),
    Unit.COUNT_RATE: ("1/h", "2/h", "3/h"),
    Unit.SCORE: ("0.2", "0.4", "0.6"),
}


def _filled() -> str:
    """The written file, in plainest form every row and alert it does not show, and its end."""
    written, end = (
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("good.yaml", "good_end.yaml")
    )
    shown = yaml.safe_load(written)
    for path, levels in model().row_forms.items():
        section, _, row = path.partition(".")
        group = f"\n  {section}:\n"
        if section not in shown["targets"]:
            shown["targets"][section] = {}
            written = written.replace("\ntargets:\n", f"\ntargets:{group}")
        if row and row not in shown["targets"][section]:
            written = written.replace(group, f"{group}    {row}: {_row(levels)}\n")
    missing = (each for each in definitions().values() if each.key not in shown["alerts"])
    return written + "".join(f"  {each.key}: {_alert(each)}\n" for each in missing) + end


def _row(levels: type[Levels]) -> str:
    samples = _SAMPLES[levels.unit][:: -1 if levels.worse == "below" else 1]
    edges = {
        edge: samples[index]
        for index, edge in enumerate(("target", "acceptable", "poor"))
        if edge in levels.model_fields
    }
    return _flow({**_required(levels), **edges})


def _alert(alert: Definition[Any]) -> str:
    # Longer than any window above: a leak must outlast its own.
    severity = {"for": "20m"}
    aims = model().forms[alert.key].aims
    if aims:
        severity["fires_at"] = next(aim for aim in aims if aim.endswith(".poor"))
    return _flow({**_required(alert.settings), "warning": _flow(severity)})


def _required(model: type[Model]) -> dict[str, str]:
    fields = {key: field for key, field in model.by_key().items() if field.is_required()}
    return {key: _sample(kind(field)) for key, field in fields.items()}


def _sample(form: object) -> str:
    return _SAMPLES[form.unit][0] if isinstance(form, Quantity) else "seen"


def _flow(items: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"


GOOD: Final = _filled()


def edited(old: str, new: str, text: str = GOOD) -> str:
    """`text` with its only `old` replaced."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text"
    return text.replace(old, new)


def problems(text: str, *overlays: tuple[str, str]) -> list[str]:
    """What `load` says about a text, a line each."""
    try:
        load(text, FILE, overlays)
    except ConfigError as error:
        return str(error).splitlines()
    return []
