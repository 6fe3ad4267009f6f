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
from generator.deploy import alertmanager
from generator.files import write
from generator.scenarios import all_scenarios
from generator.scenarios.input_series import process_memory
from generator.scenarios.render import families, scenario_document
from generator.scenarios.scenario import Scenario
from generator.scoreboard import page
from generator.scoreboard.firings import PromtoolError, all_firings, nothing_fires
from generator.scoreboard.notifications import Alertmanager
from generator.scoreboard.results import Observed, Result, result
from generator.thresholds import Thresholds

GUIDE_RULES: Final = Path(__file__).with_name("guide_rules.yaml")
GUIDE_GROUP: Final = "guide"
GUIDE_ALERTMANAGER: Final = GUIDE_RULES.with_name("guide_alertmanager.yaml")


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
        bundle = all_firings(promtool, _tests(thresholds, scenarios, groups))
    guide = all_firings(promtool, _tests(thresholds, scenarios, {str(GUIDE_RULES): GUIDE_GROUP}))
    alertmanagers = (
        Alertmanager.read(alertmanager.render(thresholds, alerts)[alertmanager.PATH]),
        Alertmanager.read(GUIDE_ALERTMANAGER.read_text()),
    )
    results = []
    for scenario, *both in zip(scenarios, bundle, guide, strict=True):
        observed = (
            Observed(firings, each.notifications(firings, scenario.length))
            for each, firings in zip(alertmanagers, both, strict=True)
        )
        results.append(result(scenario, scenario.clock(base), alerts, *observed))
    return results


def _tests(
    thresholds: Thresholds, scenarios: Sequence[Scenario], groups: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A test file for each scenario with these rule files, given with their groups."""
    context = Context(thresholds)
    found = []
    for each in scenarios:
        clock, length = each.samples(context.clock)
        memory = [process_memory(instance, context, clock, length) for instance in each.instances]
        expected = nothing_fires(clock.tick(each.length), clock.interval)
        found.append(scenario_document(thresholds, each, groups, expected, memory))
    return found
