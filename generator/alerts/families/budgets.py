"""Budgets that burn too fast: multiwindow, multi-burn-rate alerts on both objectives.

The method is that of the Site Reliability Workbook, chapter 5: a long window shows that a burn
matters, a short one that it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from generator.alerts import objectives, remedies
from generator.alerts.context import Context
from generator.alerts.definition import Definition
from generator.alerts.model import Alert, Cause, Dashboard, Effect, Panel, Query, Runbook
from generator.alerts.objectives import Objective
from generator.alerts.testcases.budgets import BudgetCases
from generator.alerts.triggers import triggers
from generator.names import CPU_SECONDS, DB_CONNECTIONS, LATENCY, REQUESTS, WORKER_STARTS
from generator.promql import le, number
from generator.thresholds.levels import Unit
from generator.thresholds.model import Burn, Thresholds
from generator.thresholds.settings import BurnAlert
from generator.thresholds.units import format_duration


@dataclass(frozen=True)
class _Kind:
    """What the alerts on one objective have in common."""

    dashboard: Dashboard
    detects: Effect
    bad: str
    look: str
    meaning: str
    impact: str
    causes: tuple[Cause, ...]


_KINDS: Final[Mapping[str, _Kind]] = {
    "error": _Kind(
        dashboard="errors",
        detects="failed requests",
        bad="failed",
        look="read the newest ERROR lines on the errors dashboard; they name the failing part",
        meaning=(
            "Bad are verifications that end with an error in their handler. Refused ones (401, "
            "422, 429) and those that gave up while they waited are counted nowhere."
        ),
        impact="Clients get no verification for these answers.",
        causes=(
            remedies.ROLL_BACK,
            remedies.BROKEN_MODELS,
            remedies.LARGER_POOL,
            remedies.KERNEL_KILLS,
        ),
    ),
    "latency": _Kind(
        dashboard="latency",
        detects="answers slower than the objective",
        bad="too slow",
        look=(
            "compare with CPU and database connections on the system dashboard, which tell slow "
            "models from a slow database"
        ),
        meaning=(
            "Bad are successful verifications that spend longer in their handler than the "
            "objective allows, counted by a bucket of the histogram and not interpolated. Waiting "
            "for a worker is not in it."
        ),
        impact="Clients wait longer than they were promised, and some give up.",
        causes=(
            remedies.ROLL_BACK,
            remedies.SLOW_DATABASE,
            remedies.SMALLER_MODELS,
            remedies.HEAVY_REQUESTS,
            remedies.STATISTICS_CALLS,
        ),
    ),
}


@dataclass(frozen=True)
class _Urgency:
    """What the alerts of one pace have in common."""

    summary: str
    first: str
    escalate: str


_NOW: Final = (
    "To the developers after 15 minutes, at once if it began with a release. To the database's "
    "administrators as soon as the database is found at fault."
)
_BY_DAY: Final = (
    "Wake nobody. A ticket for the developers; if it comes back within the week, put it before "
    "new features."
)
_URGENCIES: Final[Mapping[str, _Urgency]] = {
    "fast": _Urgency(
        "so fast that it is gone within days",
        "Something broke within the hour: find what changed, and undo it before you understand it.",
        _NOW,
    ),
    "steady": _Urgency(
        "fast enough to be gone within a week",
        "Something has been half broken for hours: see since when, and what changed then.",
        _NOW,
    ),
    "slow": _Urgency(
        "faster than it may, all day",
        "Nothing tonight. By day, see which requests are bad and what they have in common.",
        _BY_DAY,
    ),
    "creeping": _Urgency(
        "a little faster than it may, for days",
        "Nothing tonight. By day, see what has been a little worse than promised for days.",
        _BY_DAY,
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
    kind, urgency = _KINDS[own.objective], _URGENCIES[own.pace]
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
        key=own.key,
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
        runbook=Runbook(
            summary=f"The {objective.key} budget burns {urgency.summary}.",
            first=(
                urgency.first,
                f"{kind.look[0].upper()}{kind.look[1:]}.",
                (
                    "See on the panel below how the shorter windows run. They fall: it is over, "
                    "and the alert will end by itself. They do not: it goes on."
                ),
            ),
            meaning=(
                f"{objective.good[0].upper()}{objective.good[1:]}, over {period}; what may be bad "
                f"is the budget. Over {long} more of it was used up than "
                f"{number(bound)} times its even share, and over {short} as well, and at least "
                f"{enough} requests were bad. {kind.meaning} It does not say how much of "
                "the budget is left: a panel beside it does."
            ),
            impact=kind.impact,
            queries=(
                Query(f"Burn rate over {short}: does it go on?", short_burn.query),
                Query("Budget left", objectives.remaining(context.thresholds, objective).query),
                Query(f"Requests that were {kind.bad}, over {long}", bad.query),
                *_further(context, objective, short),
            ),
            causes=kind.causes,
            escalate=urgency.escalate,
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


def _further(context: Context, objective: Objective, short: str) -> tuple[Query, ...]:
    """What tells the causes apart."""
    if objective.key == "error":
        return (
            Query(
                "Requests a second, by status",
                f"sum by (instance, status) (rate({REQUESTS}{{}}[{short}]))",
            ),
            Query("Starts of workers", f"increase({WORKER_STARTS}{{}}[{short}])"),
        )
    within = le(context.thresholds.slo.latency.within)
    return (
        Query(
            "Share that is fast enough",
            f'sum by (instance) (rate({LATENCY}_bucket{{le="{within}"}}[{short}])) / '
            f"sum by (instance) (rate({LATENCY}_count{{}}[{short}]))",
        ),
        Query(
            "Processor time of each worker, in cores",
            f"sum by (instance, worker) (rate({CPU_SECONDS}{{}}[{short}]))",
        ),
        Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
    )


DEFINITIONS: Final = tuple(
    Definition(each.key, BurnAlert, None, partial(_burn, each)) for each in _ALERTS
)
