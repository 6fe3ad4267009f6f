"""Budgets that burn too fast: multiwindow, multi-burn-rate alerts on both objectives.

The method is that of the Site Reliability Workbook, chapter 5: a long window shows that a burn
matters, a short one that it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from generator.alerts import objectives
from generator.alerts.context import Context
from generator.alerts.definition import Definition
from generator.alerts.model import Alert, Dashboard, Effect, Panel
from generator.alerts.objectives import BurnAlert, Objective
from generator.alerts.testcases.budgets import BudgetCases
from generator.alerts.triggers import triggers
from generator.promql import number
from generator.thresholds.model import Burn, Thresholds
from generator.thresholds.units import Unit, format_duration


@dataclass(frozen=True)
class _Kind:
    """What the alerts on one objective have in common."""

    dashboard: Dashboard
    detects: Effect
    look: str


_KINDS: Final[Mapping[str, _Kind]] = {
    "error": _Kind(
        dashboard="errors",
        detects="failed requests",
        look="read the newest ERROR lines on the errors dashboard; they name the failing part",
    ),
    "latency": _Kind(
        dashboard="latency",
        detects="answers slower than the objective",
        look=(
            "compare with CPU and database connections on the system dashboard, which tell slow "
            "models from a slow database"
        ),
    ),
}


@dataclass(frozen=True)
class _Burn:
    """An alert on one objective and pace.

    It is not judged before requests have come for longer than the long window of the pace `after`,
    which says the same until then.
    """

    key: str
    objective: Literal["error", "latency"]
    pace: str
    after: str = ""


# Of each objective the fastest pace first.
_ALERTS: Final = (
    _Burn(key="error_budget_fast_burn", objective="error", pace="fast"),
    _Burn(key="error_budget_steady_burn", objective="error", pace="steady", after="fast"),
    _Burn(key="error_budget_slow_burn", objective="error", pace="slow", after="steady"),
    _Burn(
        key="error_budget_creeping_burn",
        objective="error",
        pace="creeping",
        after="steady",
    ),
    _Burn(key="latency_budget_fast_burn", objective="latency", pace="fast"),
    _Burn(
        key="latency_budget_steady_burn",
        objective="latency",
        pace="steady",
        after="fast",
    ),
    _Burn(key="latency_budget_slow_burn", objective="latency", pace="slow", after="steady"),
    _Burn(
        key="latency_budget_creeping_burn",
        objective="latency",
        pace="creeping",
        after="steady",
    ),
)


def _slower(own: _Burn) -> tuple[str, ...]:
    """What says the same later, once the faster alert has."""
    later = _ALERTS[_ALERTS.index(own) + 1 :]
    return tuple(each.key for each in later if each.objective == own.objective)


def burn_of(thresholds: Thresholds, key: str) -> Burn:
    """The pace of an alert."""
    pace: Burn = getattr(thresholds.slo.burn, _own(key).pace)
    return pace


def judged_after(thresholds: Thresholds, key: str) -> float:
    """How long requests must have come before an alert is judged."""
    after = _own(key).after
    return getattr(thresholds.slo.burn, after).window if after else 0.0


def _own(key: str) -> _Burn:
    return next(each for each in _ALERTS if each.key == key)


def _windows(own: _Burn) -> tuple[str, ...]:
    """Paths of the windows of other paces: what longer ones are summed from, and `after`."""
    paces = dict.fromkeys(("fast", own.after or "fast"))
    return tuple(f"slo.burn.{pace}.window" for pace in paces if pace != own.pace)


def _since(thresholds: Thresholds, objective: Objective, after: float) -> tuple[str, ...]:
    counted = objective.all_(thresholds.slo.burn.fast.window).query
    return (f"and on (job) {counted} offset {format_duration(after)}",) if after else ()


def _burn(own: _Burn, context: Context, settings: BurnAlert) -> Alert:
    slo = context.thresholds.slo
    objective = next(
        each for each in objectives.objectives(context.thresholds) if each.key == own.objective
    )
    windows = burn_of(context.thresholds, own.key)
    after = judged_after(context.thresholds, own.key)
    context = context.for_window(windows.window, slowest=240)
    kind = _KINDS[own.objective]
    long, short, period = map(format_duration, (windows.window, windows.short_window, slo.period))
    bound = objectives.factor(context.thresholds, windows)
    long_burn, short_burn = (
        objectives.burn_rate(objective, window) for window in (windows.window, windows.short_window)
    )
    bad, enough = objective.bad(windows.window), objective.expected + settings.min_bad
    gone = (
        f'{{{{ with printf "round(vector({number(slo.period)} / %f), 60)" $value | query }}}}'
        "{{ . | first | value | humanizeDuration }}{{ end }}"
    )
    alert = Alert(
        family=own.objective,
        scope="job",
        detects=kind.detects,
        quantity=long_burn.query,
        op=">",
        unit=Unit.FACTOR,
        constant=bound,
        triggers=triggers(
            context.thresholds,
            settings,
            "\n".join(
                (
                    f"and on (job) {short_burn.query} > {number(bound)}",
                    f"and on (job) {bad.query} >= {enough}",
                    *_since(context.thresholds, objective, after),
                )
            ),
        ),
        keep_firing_for=settings.keep_firing_for,
        recordings=objectives.burn_recordings(context.thresholds, objective, windows),
        summary=(
            f"{{{{ $labels.job }}}} uses up its {objective.key} budget "
            "{{ $value | humanize }} times as fast as it may"
        ),
        description=(
            f"Over the last {long}, and still over the last {short}, {{{{ $labels.job }}}} "
            f"used up its {objective.key} budget {{{{ $value | humanize }}}} times as fast as it "
            f"may, more than BOUND: {objective.good}. At this pace the whole budget of {period} is "
            f"gone in {gone}. Next: {kind.look}."
        ),
        panel=Panel(
            kind.dashboard,
            f"{objective.key.capitalize()} budget",
            f"Burn rate over {long}",
            "{{job}}",
        ),
        origins=(
            f"slo.burn.{own.pace}",
            objective.settings,
            "slo.period",
            "slo.evaluation_interval",
            *_windows(own),
            *(("service.expected_workers",) if objective.expected else ()),
        ),
        inhibits=_slower(own),
    )
    return BudgetCases(context, objective, windows, settings, alert, gone, after).with_cases()


DEFINITIONS: Final = tuple(
    Definition(each.key, BurnAlert, None, partial(_burn, each)) for each in _ALERTS
)
