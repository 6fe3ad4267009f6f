"""The command `scoreboard`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from generator import rules
from generator.alerts import all_alerts, all_recordings
from generator.alerts.context import Context
from generator.arguments import load
from generator.files import write
from generator.scenarios import all_scenarios
from generator.scenarios.input_series import process_memory
from generator.scenarios.render import families, scenario_document
from generator.scenarios.scenario import Scenario
from generator.scoreboard import page
from generator.scoreboard.firings import PromtoolError, first_firings, nothing_fired
from generator.scoreboard.results import Result, result
from generator.thresholds import Thresholds

GUIDE_RULES: Final = Path(__file__).with_name("guide_rules.yaml")
GUIDE_GROUP: Final = "guide"


def scoreboard(arguments: argparse.Namespace) -> bool:
    """Whether every incident is detected in time without false alerts. Raises PromtoolError."""
    results = compare(load(arguments), _program(arguments.promtool))
    text = page.render(results)
    print(text)
    for problem in page.problems(results):
        print(problem, file=sys.stderr)
    for path in write(arguments.out, {page.PATH: text}):
        print(f"wrote {arguments.out / path}")
    return all(each.good for each in results)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise PromtoolError(f"{name}: program not found; set --promtool, or run `make tools`")
    return Path(found).resolve()


def compare(thresholds: Thresholds, promtool: Path) -> list[Result]:
    """The results of every scenario. Raises PromtoolError."""
    alerts, base = all_alerts(thresholds), Context(thresholds).clock
    recordings = all_recordings(thresholds, alerts)
    scenarios = all_scenarios(thresholds, alerts)
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        write(Path(folder), rules.render(thresholds, alerts, recordings))
        groups = rules.groups(thresholds, families(alerts, recordings), f"{folder}/")
        bundle = first_firings(promtool, _tests(thresholds, scenarios, groups))
    guide = first_firings(promtool, _tests(thresholds, scenarios, {str(GUIDE_RULES): GUIDE_GROUP}))
    return [
        result(scenario, scenario.clock(base), alerts, *fired)
        for scenario, *fired in zip(scenarios, bundle, guide, strict=True)
    ]


def _tests(
    thresholds: Thresholds, scenarios: Sequence[Scenario], groups: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A test file for each scenario with these rule files, given with their groups."""
    context = Context(thresholds)
    found = []
    for each in scenarios:
        clock, length = each.samples(context.clock)
        memory = [process_memory(instance, context, clock, length) for instance in each.instances]
        expected = [nothing_fired(clock.tick(each.length), clock.interval)]
        found.append(scenario_document(thresholds, each, groups, expected, memory))
    return found
