"""A good file that does not change with the bundle's own numbers, and edits of it."""

from pathlib import Path
from typing import Final

import yaml

from generator.thresholds import ConfigError, load, shapes
from generator.thresholds.levels import Unit
from generator.thresholds.settings import Alerts

FILE: Final = "thresholds.yaml"

_SAMPLES: Final = {
    Unit.DURATION: "5m",
    Unit.RATIO: "50%",
    Unit.COUNT: "20",
}


def _filled() -> str:
    """The written file, every alert that it does not show in its plainest form, and its end."""
    written, end = (
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("good.yaml", "good_end.yaml")
    )
    shown = yaml.safe_load(written)["alerts"]
    missing = (alert for alert in shapes.record(Alerts).fields.values() if alert.key not in shown)
    return written + "".join(f"  {alert.key}: {_alert(alert)}\n" for alert in missing) + end


def _alert(alert: shapes.Field) -> str:
    assert isinstance(alert.shape, shapes.Record)
    required = [field for field in alert.shape.fields.values() if field.required]
    parts = [f"{field.key}: {_sample(field.shape)}" for field in required]
    # Longer than any window above: a leak must outlast its own.
    aims = shapes.aims(alert.rows) if alert.rows else ()
    aim = next((f"fires_at: {aim}, " for aim in aims if aim.endswith(".poor")), "")
    return f"{{{', '.join(parts)}, warning: {{{aim}for: 20m}}}}"


def _sample(shape: shapes.Shape) -> str:
    return _SAMPLES[shape.unit] if isinstance(shape, shapes.Number) else "seen"


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
