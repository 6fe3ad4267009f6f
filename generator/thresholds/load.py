"""Text to `Thresholds`, with every problem of the file and its overlays at once."""

from __future__ import annotations

from collections.abc import Sequence

from generator.thresholds.jsonnet import Importer, is_jsonnet, read_jsonnet
from generator.thresholds.model import Thresholds
from generator.thresholds.nodes import merged
from generator.thresholds.notes import misplaced
from generator.thresholds.problems import ConfigError, Problem
from generator.thresholds.validate import validate
from generator.thresholds.yaml_text import read_yaml


def load(
    text: str,
    file: str,
    model: type[Thresholds],
    overlays: Sequence[tuple[str, str]] = (),
    importer: Importer | None = None,
) -> Thresholds:
    """The thresholds that `text` spells, changed by each overlay, a pair of file and text, in turn.

    `model` is the form of the file, with the settings of the alerts that there are.
    File names are shown as given; jsonnet evaluates those that end in .jsonnet, .libsonnet or
    .json, and `importer` reads its imports. Raises ConfigError with every problem there is.
    """
    found: list[Problem] = []
    root = read_yaml(text, file, found)
    for name, overlay in overlays:
        if is_jsonnet(name):
            change = read_jsonnet(overlay, name, importer, found)
        else:
            change = read_yaml(overlay, name, found)
        if change and not isinstance(change.value, dict):
            expected = "a mapping of the keys to change"
            found.append(Problem(change.position, "", change.shown(), expected))
        elif change and root and isinstance(root.value, dict):
            root = merged(root, change)
    thresholds = validate(root, model, found) if root else None
    if thresholds and not found and not overlays:
        found += misplaced(thresholds)
    if found or not thresholds:
        ranks = {name: rank for rank, name in enumerate([file, *(name for name, _ in overlays)])}
        raise ConfigError(sorted(found, key=lambda problem: _rank(problem, ranks)))
    return thresholds


def _rank(problem: Problem, ranks: dict[str, int]) -> tuple[int, int, int, str]:
    place = problem.position
    return ranks.get(place.file, len(ranks)), place.line, place.column, problem.path
