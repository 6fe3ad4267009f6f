"""Text to `Thresholds`, with every problem of the file and its overlays at once."""

from __future__ import annotations

from collections.abc import Sequence

from generator.thresholds.jsonnet import Importer, is_jsonnet, read_jsonnet
from generator.thresholds.model import Thresholds
from generator.thresholds.nodes import Table, merged, shown
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
    root, problems = read_yaml(text, file)
    found = list(problems)
    for name, overlay in overlays:
        if is_jsonnet(name):
            change, problems = read_jsonnet(overlay, name, importer)
        else:
            change, problems = read_yaml(overlay, name)
        found += problems
        if isinstance(change, Table) and isinstance(root, Table):
            root = merged(root, change)
        elif change is not None and not isinstance(change, Table):
            found.append(
                Problem(change.position, "", shown(change), "a mapping of the keys to change")
            )
    if root is None:
        raise ConfigError(found)
    thresholds, wrong = validate(root, model)
    found += wrong
    if thresholds and not found and not overlays:
        found += misplaced(thresholds)
    if found or thresholds is None:
        ranks = {name: rank for rank, name in enumerate([file, *(name for name, _ in overlays)])}
        raise ConfigError(sorted(found, key=lambda problem: _rank(problem, ranks)))
    return thresholds


def _rank(problem: Problem, ranks: dict[str, int]) -> tuple[int, int, int, str]:
    place = problem.position
    return ranks.get(place.file, len(ranks)), place.line, place.column, problem.path
