"""The scenarios as promtool test files, one each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Alert, Recording, Series
from generator.promtool import document
from generator.rules import groups
from generator.scenarios.input_series import lost_notifications, series
from generator.scenarios.scenario import RequiredAlert, Scenario
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, Severity
from generator.thresholds.units import format_duration
from generator.yamlfile import dump

FOLDER: Final = "promtool-tests/scenarios"
# Always fires.
WATCHDOG: Final = "AuditorWatchdog"
_BY: Final = "alertname, instance, severity"


def render(
    thresholds: Thresholds,
    scenarios: Sequence[Scenario],
    alerts: Sequence[Alert],
    recordings: Mapping[str, Sequence[Recording]],
) -> dict[str, str]:
    """`promtool-tests/scenarios/NAME.yml` of every scenario, by path."""
    rule_groups = groups(thresholds, families(alerts, recordings), "../../")
    files = {}
    for each in scenarios:
        expected = expectations(each, alerts, each.clock(Context(thresholds).clock))
        content = scenario_document(thresholds, each, rule_groups, expected)
        files[f"{FOLDER}/{each.name}.yml"] = dump(content)
    return files


def families(alerts: Sequence[Alert], recordings: Iterable[str]) -> list[str]:
    """Every family of alerts or recordings, in an order of evaluation."""
    return [*dict.fromkeys((*recordings, *(alert.family for alert in alerts)))]


def scenario_document(
    thresholds: Thresholds,
    scenario: Scenario,
    rule_groups: Mapping[str, str],
    expected: Sequence[Mapping[str, Any]],
    more: Sequence[Series] = (),
) -> dict[str, Any]:
    """A test file that evaluates the rules over the scenario's series, and `more` of these."""
    context = Context(thresholds)
    clock, length = scenario.samples(context.clock)
    own = [each for one in scenario.instances for each in series(one, context, clock, length)]
    if scenario.lost_notifications:
        own.append(lost_notifications(scenario.lost_notifications, clock, length))
    scenario_test = {
        "name": scenario.story,
        "interval": format_duration(clock.interval),
        "input_series": [each.written for each in (*own, *more)],
        "promql_expr_test": list(expected),
    }
    return document(rule_groups, clock, [scenario_test])


def expectations(scenario: Scenario, alerts: Sequence[Alert], clock: Clock) -> list[dict[str, Any]]:
    """What ALERTS, which promtool records as it evaluates rules, must hold and must not."""
    found: list[dict[str, Any]] = []
    if scenario.begins:
        before = clock.tick(scenario.begins) - clock.interval
        found.append(expectation(before, _ever(f'alertname!="{WATCHDOG}"', before)))
    for each in scenario.required:
        found += _required(each, clock)
    end = clock.tick(scenario.length)
    return [*found, expectation(end, others(scenario, alerts, end))]


def others(scenario: Scenario, alerts: Sequence[Alert], end: int) -> str:
    """Whatever has fired by the end but should not have."""
    allowed = "|".join((WATCHDOG, *scenario.allowed(alerts)))
    parts = [_ever(f'alertname!~"{allowed}"', end)]
    for each in scenario.required:
        labels = {**each.labels, "severity": "|".join(with_lower_severities(each))}
        parts.append(f"unless on ({_BY})\n{_ever(_labels(labels), end)}")
    return "\n".join(parts)


def with_lower_severities(required: RequiredAlert) -> tuple[Severity, ...]:
    """The required severity and the lower ones, which the same incident may reach first."""
    return SEVERITIES[SEVERITIES.index(required.trigger.severity) :]


def due(required: RequiredAlert, clock: Clock) -> int:
    """The deadline and two evaluations: one for the sample, one for what is made of it."""
    return clock.tick(required.due) + 2 * clock.interval


def _required(required: RequiredAlert, clock: Clock) -> Iterator[dict[str, Any]]:
    """Fires by its deadline, and no more once it must have ended."""
    by = due(required, clock)
    labels = _labels(required.labels)
    shown = ", ".join(f'{name}="{value}"' for name, value in required.labels.items())
    yield expectation(by, _ever(labels, by), f"{{{shown}}}")
    if required.resolved is not None:
        resolved = clock.tick(required.resolved) + 2 * clock.interval
        yield expectation(resolved, f'ALERTS{{alertstate="firing",{labels}}}')


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(
        f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in labels.items()
    )


def _ever(matchers: str, end: int) -> str:
    """The alerts that have fired from the start to `end`, each with the value 1."""
    since = format_duration(end + 1)
    return f'group by ({_BY}) (last_over_time(ALERTS{{alertstate="firing",{matchers}}}[{since}]))'


def expectation(at: int, expr: str, labels: str | None = None) -> dict[str, Any]:
    samples = [] if labels is None else [{"labels": labels, "value": 1}]
    return {"expr": expr, "eval_time": format_duration(at), "exp_samples": samples}
