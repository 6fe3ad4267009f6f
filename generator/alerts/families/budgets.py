"""Multiwindow, multi-burn-rate alerts on both error budgets.

The method is that of the Site Reliability Workbook, chapter 5: the long window shows that the burn
is significant, the short one that it is still going on.
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
from generator.alerts.objectives import BurnAlert
from generator.alerts.testcases.budgets import BudgetCases
from generator.promql import number
from generator.thresholds.model import Burn, Thresholds
from generator.thresholds.units import Unit, format_duration, spoken

# The dashboard, the effect and the next step of the alerts on one objective.
_KINDS: Final[Mapping[str, tuple[Dashboard, Effect, str]]] = {
    "error": (
        "errors",
        "failed requests",
        "read the newest ERROR lines on the errors dashboard; they name the failing component",
    ),
    "latency": (
        "latency",
        "answers slower than the objective",
        (
            "compare with CPU and database connections on the system dashboard to tell slow models "
            "from a slow database"
        ),
    ),
}


@dataclass(frozen=True)
class _Burn:
    """An alert on one objective and burn.

    It is not evaluated until requests have come for longer than the long window of the burn
    `after`, whose alert covers the time until then.
    """

    key: str
    objective: Literal["error", "latency"]
    burn: str
    after: str = ""


# The fastest burn of each objective first.
_ALERTS: Final = (
    _Burn(key="error_budget_fast_burn", objective="error", burn="fast"),
    _Burn(key="error_budget_steady_burn", objective="error", burn="steady", after="fast"),
    _Burn(key="error_budget_slow_burn", objective="error", burn="slow", after="steady"),
    _Burn(key="error_budget_creeping_burn", objective="error", burn="creeping", after="steady"),
    _Burn(key="latency_budget_fast_burn", objective="latency", burn="fast"),
    _Burn(key="latency_budget_steady_burn", objective="latency", burn="steady", after="fast"),
    _Burn(key="latency_budget_slow_burn", objective="latency", burn="slow", after="steady"),
    _Burn(key="latency_budget_creeping_burn", objective="latency", burn="creeping", after="steady"),
)


def _slower(own: _Burn) -> tuple[str, ...]:
    """The next slower alert on the same objective: it only repeats what this one says."""
    later = _ALERTS[_ALERTS.index(own) + 1 :]
    return tuple(each.key for each in later if each.objective == own.objective)[:1]


def burn_of(thresholds: Thresholds, key: str) -> Burn:
    """The windows and the consumption of an alert's burn."""
    burn: Burn = getattr(thresholds.slo.burn, _own(key).burn)
    return burn


def judged_after(thresholds: Thresholds, key: str) -> float:
    """How long requests must have come before an alert is evaluated."""
    after = _own(key).after
    return getattr(thresholds.slo.burn, after).window if after else 0.0


def _own(key: str) -> _Burn:
    return next(each for each in _ALERTS if each.key == key)


def _burn(own: _Burn, context: Context, settings: BurnAlert) -> Alert:
    thresholds, slo = context.thresholds, context.thresholds.slo
    dashboard, detects, look = _KINDS[own.objective]
    objective = next(
        each for each in objectives.objectives(thresholds) if each.key == own.objective
    )
    windows, after = burn_of(thresholds, own.key), judged_after(thresholds, own.key)
    context = context.for_window(windows.window, slowest=240)
    long, short, period = map(format_duration, (windows.window, windows.short_window, slo.period))
    bound = objectives.factor(thresholds, windows)
    short_burn = objectives.burn_rate(objective, windows.short_window).query
    bad, enough = objective.bad(windows.window).query, objective.expected + settings.min_bad
    guard = f"and on (job) {short_burn} > {number(bound)}\nand on (job) {bad} >= {enough}"
    if after:
        counted = objective.all_(slo.burn.fast.window).query
        guard += f"\nand on (job) {counted} offset {format_duration(after)}"
    gone = (
        f'{{{{ with printf "round(vector({number(slo.period)} / %f), 60)" $value | query }}}}'
        "{{ . | first | value | humanizeDuration }}{{ end }}"
    )
    # What longer windows are summed from, and `after`.
    burns = dict.fromkeys(("fast", own.after or "fast"))
    alert = Alert(
        family=own.objective,
        scope="job",
        detects=detects,
        quantity=objectives.burn_rate(objective, windows.window).query,
        constant=bound,
        constant_unit=Unit.FACTOR,
        triggers=context.triggers(settings, guard),
        recordings=objectives.burn_recordings(thresholds, objective, windows),
        summary=(f"JOB is burning its {objective.key} budget at VALUE times the allowed rate"),
        description=(
            f"JOB burned its {objective.key} budget at VALUE times the allowed "
            f"rate over the last {spoken(long)}, more than BOUND; the rate over the last "
            f"{spoken(short)} is above BOUND, too. Objective: {objective.good}. At this rate, the "
            f"whole {period} budget lasts {gone}. Next: {look}."
        ),
        panel=Panel(dashboard, f"{own.objective.capitalize()} budget", f"Burn rate over {long}"),
        origins=(
            f"slo.burn.{own.burn}",
            objective.settings,
            "slo.period",
            "slo.evaluation_interval",
            *(f"slo.burn.{each}.window" for each in burns if each != own.burn),
            *(("service.expected_workers",) if objective.expected else ()),
        ),
        inhibits=_slower(own),
    )
    return BudgetCases(context, objective, windows, settings, alert, gone, after).with_cases()


DEFINITIONS: Final = tuple(
    Definition(each.key, BurnAlert, None, partial(_burn, each)) for each in _ALERTS
)
