"""The scenarios as promtool test files, one each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from generator.alerts.build import Kit
from generator.alerts.clock import Clock
from generator.alerts.model import Alert, Recording
from generator.rules import group_name
from generator.scenarios.exposition import series
from generator.scenarios.model import Demand, Scenario
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

FOLDER: Final = "promtool-tests/scenarios"
# Always fires.
_WATCHDOG: Final = "AuditorWatchdog"
_BY: Final = "alertname, instance, severity"


def render(
    thresholds: Thresholds,
    scenarios: Sequence[Scenario],
    alerts: Sequence[Alert],
    recordings: Mapping[str, Sequence[Recording]],
) -> dict[str, str]:
    """`promtool-tests/scenarios/NAME.yml` of every scenario, by path."""
    families = tuple(dict.fromkeys((*recordings, *(alert.family for alert in alerts))))
    return {
        f"{FOLDER}/{each.name}.yml": dump(
            document(
                thresholds,
                each,
                [f"../../alerts/{family}.yml" for family in families],
                [group_name(thresholds, family) for family in families],
                expectations(each, alerts, each.clock(Kit(thresholds).clock)),
            )
        )
        for each in scenarios
    }


def document(
    thresholds: Thresholds,
    scenario: Scenario,
    rule_files: Sequence[str],
    order: Sequence[str],
    expected: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A test file that evaluates the rules over the scenario's series."""
    kit = Kit(thresholds)
    clock = scenario.clock(kit.clock)
    length = clock.tick(scenario.length) + clock.interval
    return {
        "rule_files": list(rule_files),
        "evaluation_interval": format_duration(clock.interval),
        "group_eval_order": list(order),
        "tests": [
            {
                "name": scenario.story,
                "interval": format_duration(clock.interval),
                "input_series": [
                    {"series": each.series, "values": each.values}
                    for world in scenario.worlds
                    for each in series(world, kit, clock, length)
                ],
                "promql_expr_test": list(expected),
            }
        ],
    }


def expectations(scenario: Scenario, alerts: Sequence[Alert], clock: Clock) -> list[dict[str, Any]]:
    """What ALERTS, which promtool records as it evaluates rules, must hold and must not."""
    found: list[dict[str, Any]] = []
    if scenario.begins:
        before = clock.tick(scenario.begins) - clock.interval
        found.append(_expectation(before, _ever(f'alertname!="{_WATCHDOG}"', before)))
    for demand in scenario.must:
        found += _demanded(demand, clock)
    end = clock.tick(scenario.length)
    return [*found, _expectation(end, others(scenario, alerts, end))]


def others(scenario: Scenario, alerts: Sequence[Alert], end: int) -> str:
    """Whatever has fired by the end but should not have."""
    allowed = "|".join((_WATCHDOG, *scenario.allowed(alerts)))
    parts = [_ever(f'alertname!~"{allowed}"', end)]
    parts += [
        f"unless on ({_BY})\n{_ever(_labels(_with_milder(each)), end)}" for each in scenario.must
    ]
    return "\n".join(parts)


def _with_milder(demand: Demand) -> dict[str, str]:
    """The milder severities of an alert tell of the same incident."""
    worst = SEVERITIES.index(demand.trigger.severity)
    return {**demand.labels, "severity": "|".join(SEVERITIES[worst:])}


def _demanded(demand: Demand, clock: Clock) -> Iterator[dict[str, Any]]:
    """Fires by its deadline and two evaluations: one for the sample, one for what it is made of."""
    due = clock.tick(demand.due) + 2 * clock.interval
    labels = _labels(demand.labels)
    shown = ", ".join(f'{name}="{value}"' for name, value in demand.labels.items())
    yield _expectation(due, _ever(labels, due), f"{{{shown}}}")
    if demand.gone is not None:
        gone = clock.tick(demand.gone) + 2 * clock.interval
        yield _expectation(gone, f'ALERTS{{alertstate="firing",{labels}}}')


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(
        f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in labels.items()
    )


def _ever(matchers: str, end: int) -> str:
    """The alerts that have fired from the start to `end`, each with the value 1."""
    since = format_duration(end + 1)
    return f'group by ({_BY}) (last_over_time(ALERTS{{alertstate="firing",{matchers}}}[{since}]))'


def _expectation(at: int, expr: str, labels: str | None = None) -> dict[str, Any]:
    samples = [] if labels is None else [{"labels": labels, "value": 1}]
    return {"expr": expr, "eval_time": format_duration(at), "exp_samples": samples}
