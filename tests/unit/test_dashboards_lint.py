"""The dashboards keep the rules of grafana/dashboard-linter, but for exclusions with a reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.bundle import alerts
from tests.dashboard_rules import RULES
from tests.grafana import Json, dashboards


@dataclass(frozen=True)
class Exclusion:
    """Takes a panel out of a rule."""

    rule: str
    dashboard: str
    panel: str
    reason: str


WHOLE: Final = "it is about all targets, whichever are selected"
ABSENT: Final = "absent() over a selection calls a job missing that is only not selected"
ALERTS: Final = "alerts of the whole bundle have neither job nor instance"
ALERTMANAGER: Final = "Alertmanager is neither a job nor an instance of the service"
AUTO: Final = (
    "Grafana knows $__auto only from version 10.2 on; $__interval and $__range do the same"
)
JOB: Final = "budgets are of whole jobs, whose instances come and go"
BUDGETS: Final = {
    "overview": (
        *("Error budget left", "Error budget left of 30d", "Error budget burn rate"),
        *("Latency budget left", "Latency budget burn rate", "Budget burn rate over 1h"),
    ),
    "errors": ("Error budget left",),
    "latency": ("Latency budget left",),
}
EXCLUSIONS: Final = (
    *(
        Exclusion("target-instance-rule", name, panel, JOB)
        for name, panels in BUDGETS.items()
        for panel in panels
    ),
    *(
        Exclusion("target-instance-rule", alert.panel.dashboard, alert.panel.title, JOB)
        for alert in alerts()
        if alert.key.endswith("_burn")
    ),
    Exclusion("target-instance-rule", "overview", "Instances missing", JOB),
    *(
        Exclusion(rule, "overview", panel, reason)
        for rule in ("target-job-rule", "target-instance-rule")
        for panel, reason in (
            ("Firing alerts", ALERTS),
            ("Alerts over time", ALERTS),
            ("Jobs without a target", ABSENT),
            ("Targets", WHOLE),
            ("Scrape success of the probes", WHOLE),
            ("Notifications lost in 15m", ALERTMANAGER),
        )
    ),
    Exclusion("target-logql-auto-rule", "errors", "ERROR lines by kind", AUTO),
    Exclusion("target-logql-auto-rule", "errors", "Kinds of ERROR lines", AUTO),
)
EXCLUDED: Final = {(each.rule, each.dashboard, each.panel) for each in EXCLUSIONS}


def wrong(rule: str, name: str, board: Json) -> list[tuple[str, str]]:
    found = RULES[rule](name, board)
    return [(panel, text) for panel, text in found if (rule, name, panel) not in EXCLUDED]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["overview", "latency", "system", "errors"])
def test_the_dashboard_keeps_the_rule(rule: str, name: str) -> None:
    assert wrong(rule, name, dashboards()[name]) == []


@pytest.mark.parametrize("exclusion", EXCLUSIONS, ids=lambda each: f"{each.rule} {each.panel}")
def test_every_exclusion_is_needed_and_has_a_reason(exclusion: Exclusion) -> None:
    found = RULES[exclusion.rule](exclusion.dashboard, dashboards()[exclusion.dashboard])
    assert exclusion.panel in {panel for panel, _ in found}
    assert exclusion.reason


def _variable(name: str, /, **changes: Any) -> Callable[[Json], None]:
    def change(dashboard: Json) -> None:
        found = next(v for v in dashboard["templating"]["list"] if v["name"] == name)
        found.update(changes)

    return change


def _panel(**changes: Any) -> Callable[[Json], None]:
    return lambda dashboard: _chart(dashboard).update(changes)


def _query(expr: str) -> Callable[[Json], None]:
    return lambda dashboard: _chart(dashboard)["targets"][0].update(expr=expr)


def _chart(dashboard: Json) -> Json:
    found: Json = next(panel for panel in dashboard["panels"] if panel["type"] == "timeseries")
    return found


def _log_query(expr: str) -> Callable[[Json], None]:
    def change(dashboard: Json) -> None:
        target = _chart(dashboard)["targets"][0]
        target["datasource"]["type"] = "loki"
        target["expr"] = expr

    return change


def _no_unit(dashboard: Json) -> None:
    _chart(dashboard)["fieldConfig"]["defaults"]["unit"] = "furlong"


MATCHED: Final = 'job=~"$job",instance=~"$instance"'
BROKEN: Final[dict[str, tuple[Callable[[Json], Any], ...]]] = {
    "template-datasource-rule": (
        _variable("prometheus_datasource", name="ds"),
        _variable("prometheus_datasource", label="Source"),
        _variable("prometheus_datasource", type="custom"),
    ),
    "template-job-rule": (
        _variable("job", multi=False),
        _variable("job", allValue=".*"),
        _variable("job", datasource={"type": "prometheus", "uid": "P1"}),
        _variable("job", name="service"),
    ),
    "template-instance-rule": (_variable("instance", label="Host"),),
    "template-label-promql-rule": (
        _variable("job", query={"query": "label_values(up{, job)"}),
        _variable("job", query={"query": "labels(up, job)"}),
    ),
    "template-on-time-change-reload-rule": (_variable("job", refresh=1),),
    "panel-datasource-rule": (_panel(datasource={"type": "prometheus", "uid": "P1"}),),
    "panel-title-description-rule": (_panel(title=""), _panel(description="")),
    "panel-units-rule": (_no_unit,),
    "panel-no-targets-rule": (_panel(targets=[]),),
    "target-promql-rule": (_query("sum(up{"),),
    "target-rate-interval-rule": (
        _query(f"rate(auditor_verify_requests_total{{{MATCHED}}}[5m])"),
        _query(f"irate(auditor_verify_requests_total{{{MATCHED}}}[5m])"),
    ),
    "target-job-rule": (_query('up{instance=~"$instance"}'), _query('up{job="$job"}')),
    "target-instance-rule": (_query('up{job=~"$job"}'),),
    "target-counter-agg-rule": (
        _query(f"auditor_verify_requests_total{{{MATCHED}}}"),
        _query(f"delta(auditor_verify_requests_total{{{MATCHED}}}[5m])"),
    ),
    "target-logql-rule": (
        _log_query('sum(count_over_time({app="auditor"} [5m])'),
        _log_query("{app=auditor}"),
    ),
    "target-logql-auto-rule": (_log_query('sum(count_over_time({app="auditor"} [5m]))'),),
    "uneditable-dashboard-rule": (lambda dashboard: dashboard.update(editable=True),),
}


def test_every_rule_is_tried_with_a_broken_dashboard() -> None:
    assert BROKEN.keys() == RULES.keys()


@pytest.mark.parametrize("rule", BROKEN)
def test_the_rule_finds_what_is_broken(rule: str) -> None:
    assert not wrong(rule, "latency", dashboards()["latency"])
    for change in BROKEN[rule]:
        broken = copy.deepcopy(dashboards()["latency"])
        change(broken)
        assert wrong(rule, "latency", broken), change
