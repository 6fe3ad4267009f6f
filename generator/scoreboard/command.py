"""The command `scoreboard`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from generator import rules
from generator.alerts import all_alerts, all_recordings
from generator.alerts.context import Context
from generator.alerts.model import Alert
from generator.files import write
from generator.scenarios import all_scenarios
from generator.scenarios.input_series import process_memory
from generator.scenarios.render import document, rule_groups
from generator.scenarios.scenario import Scenario
from generator.scoreboard import guide, page
from generator.scoreboard.judge import guess, judge
from generator.scoreboard.measure import ExpectedAlert, PromtoolError, firings, question
from generator.thresholds import Thresholds


def run_scoreboard(arguments: argparse.Namespace, thresholds: Thresholds) -> bool:
    """Whether every incident was told of in time and no quiet course was. Raises PromtoolError."""
    rows = measured(thresholds, _program(arguments.promtool))
    text = page.render(rows)
    print(page.body(rows))
    for problem in page.problems(rows):
        print(problem, file=sys.stderr)
    for path in write(arguments.out, {page.PATH: text}):
        print(f"\nwrote {arguments.out / path}")
    return all(row.verdict.good for row in rows)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise PromtoolError(f"{name}: no such program; --promtool names one, `make tools` gets one")
    return Path(found).resolve()


def measured(thresholds: Thresholds, promtool: Path) -> tuple[page.Row, ...]:
    """Every scenario with what both sets of rules made of it. Raises PromtoolError."""
    context, alerts = Context(thresholds), all_alerts(thresholds)
    scenarios = all_scenarios(thresholds, alerts)
    ours = _bundle_firings(thresholds, alerts, scenarios, promtool)
    theirs = _guide_firings(thresholds, scenarios, promtool)
    return tuple(
        page.Row(
            scenario,
            judge(scenario, scenario.clock(context.clock), alerts, one),
            guess(scenario, other),
        )
        for scenario, one, other in zip(scenarios, ours, theirs, strict=True)
    )


def _bundle_firings(
    thresholds: Thresholds, alerts: Sequence[Alert], scenarios: Sequence[Scenario], promtool: Path
) -> list[tuple[ExpectedAlert, ...]]:
    recordings = all_recordings(thresholds, alerts)
    groups = rule_groups(thresholds, alerts, recordings)
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        write(Path(folder), rules.render(thresholds, alerts, recordings))
        paths = [str(Path(folder, path)) for path in groups]
        documents = [
            document(thresholds, each, paths, list(groups.values()), [_question(thresholds, each)])
            for each in scenarios
        ]
        return firings(promtool, documents)


def _guide_firings(
    thresholds: Thresholds, scenarios: Sequence[Scenario], promtool: Path
) -> list[tuple[ExpectedAlert, ...]]:
    context = Context(thresholds)
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        write(Path(folder), {"guide.yml": guide.RULES})
        path = str(Path(folder, "guide.yml"))
        documents = [
            document(
                thresholds,
                each,
                [path],
                [guide.GROUP],
                [_question(thresholds, each)],
                [
                    process_memory(instance, context, *each.samples(context.clock))
                    for instance in each.instances
                ],
            )
            for each in scenarios
        ]
        return firings(promtool, documents)


def _question(thresholds: Thresholds, scenario: Scenario) -> dict[str, object]:
    clock = scenario.clock(Context(thresholds).clock)
    return question(clock.tick(scenario.length), clock.interval)
