"""The file of thresholds, with the settings of the alerts that there are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from generator import thresholds
from generator.alerts.references import references
from generator.alerts.registry import definitions
from generator.thresholds import ConfigError, Importer, Thresholds
from generator.thresholds.load import NO_KEY, UNKNOWN_KEY


@cache
def model() -> type[Thresholds]:
    """The form of the file."""
    return thresholds.model_of({key: each.form for key, each in definitions().items()})


def load(
    text: str,
    file: str,
    overlays: Sequence[tuple[str, str]] = (),
    importer: Importer | None = None,
) -> Thresholds:
    """`thresholds.load` with that form.

    For an alert that has settings and no definition, or the reverse, the problems include every
    place in the code that speaks of it.
    """
    try:
        return thresholds.load(text, file, model(), overlays, importer)
    except ConfigError as error:
        halves = [
            each.path for each in error.problems if each.found.startswith((NO_KEY, UNKNOWN_KEY))
        ]
        keys = (path.removeprefix("alerts.") for path in halves if path.startswith("alerts."))
        places = [each for key in keys if "." not in key for each in references(key)]
        raise ConfigError([*error.problems, *places]) from None
