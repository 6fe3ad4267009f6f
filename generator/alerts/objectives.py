"""The error budgets of the objectives: how much of each is left, and how fast it burns.

Each belongs to a whole job: clients do not care which instance failed them, and instances come and
go within the weeks of a period.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

from generator.alerts.model import Recording
from generator.alerts.recordings import errors, observations, requests
from generator.names import LATENCY
from generator.promql import le, number
from generator.thresholds.fields import PositiveCount, doc
from generator.thresholds.model import Burn, Thresholds
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit, format_duration, format_value


class BurnAlert(ConditionAlert):
    min_bad: PositiveCount = doc(
        "Minimum number of failed requests in the long window, or of slow ones not "
        "counting the first of each worker."
    )


# Rule files whose groups have their own interval. The remaining budget looks back for weeks, so it
# has its own file, which can be left out.
BURNS: Final = ("error-burn", "latency-burn")
LEFT: Final = "budget"
FAMILIES: Final = (*BURNS, LEFT)

# A range longer than this many tiles, each as long as the long window of the fast burn, is summed
# from the recordings of its tiles. It costs one sample per tile instead of one per scrape, and lags
# by at most one tile.
_TILES: Final = 12

Count = Callable[[float], Recording]


@dataclass(frozen=True)
class Objective:
    """A share of requests that must be good.

    `allowed` is the share that may be bad, the budget. `good` is the objective in words. `all_` and
    `bad` count requests in a window; `expected` bad ones are normal.
    """

    key: Literal["error", "latency"]
    settings: str
    good: str
    allowed: float
    all_: Count
    bad: Count
    expected: int = 0

    @property
    def family(self) -> str:
        return f"{self.key}-burn"

    @property
    def budget(self) -> str:
        return f"job:auditor_{self.key}_budget"


def objectives(thresholds: Thresholds) -> tuple[Objective, Objective]:
    """Availability and speed."""
    slo = thresholds.slo
    available, fast, within = slo.availability.objective, slo.latency.objective, slo.latency.within
    errors_family, latency_family = BURNS
    return (
        Objective(
            key="error",
            settings="slo.availability",
            good=f"{format_value(available, Unit.RATIO)} of requests succeed",
            allowed=round(1 - available, 12),
            all_=partial(_counted, thresholds, errors_family, partial(requests, level="job")),
            bad=partial(_counted, thresholds, errors_family, partial(errors, level="job")),
        ),
        Objective(
            key="latency",
            settings="slo.latency",
            good=(
                f"{format_value(fast, Unit.RATIO)} of successful requests take at most "
                f"{format_value(within, Unit.DURATION)}"
            ),
            allowed=round(1 - fast, 12),
            all_=partial(_counted, thresholds, latency_family, _answered),
            bad=partial(_counted, thresholds, latency_family, partial(slow, within=within)),
            # A worker loads its models with its first request.
            expected=thresholds.service.expected_workers,
        ),
    )


_answered: Final = partial(observations, LATENCY, level="job")


def slow(window: float, within: float) -> Recording:
    """Observations above `within`, a bucket bound of the histogram."""
    w = format_duration(window)
    return Recording(
        "latency",
        f"job:{LATENCY}_slow:increase{w}",
        f"{_answered(window).query}\n- sum by (job) "
        f'(increase({LATENCY}_bucket{{le="{le(within)}"}}[{w}]))',
    )


def _counted(thresholds: Thresholds, family: str, count: Count, window: float) -> Recording:
    """`count` of a window, as a recording of the budget's family."""
    length = tile(thresholds, window)
    if not length:
        return replace(count(window), family=family)
    part = count(length)
    w, step = format_duration(window), format_duration(length)
    return Recording(
        family,
        part.name.removesuffix(f"increase{step}") + f"sum{w}",
        f"sum_over_time({part.query}[{w}:{step}])",
    )


def tile(thresholds: Thresholds, window: float) -> float:
    """The length of the tiles that a window is summed from; 0 if it counts scrapes."""
    length = thresholds.slo.burn.fast.window
    return length if window > _TILES * length else 0.0


def remaining(thresholds: Thresholds, objective: Objective) -> Recording:
    """Share of the period's budget that is left; negative once it is overspent."""
    period = thresholds.slo.period
    bad, all_ = objective.bad(period), objective.all_(period)
    return Recording(
        LEFT,
        f"{objective.budget}:remaining{format_duration(period)}",
        f"1 - {bad.query} / ({all_.query} > 0) / {number(objective.allowed)}",
    )


def burn_rate(objective: Objective, window: float) -> Recording:
    """The rate at which the budget burns; at 1 it lasts exactly for the period."""
    return Recording(
        objective.family,
        f"{objective.budget}:burn_rate{format_duration(window)}",
        f"{objective.bad(window).query} / ({objective.all_(window).query} > 0) / "
        f"{number(objective.allowed)}",
    )


def burn_recordings(
    thresholds: Thresholds, objective: Objective, burn: Burn
) -> tuple[Recording, ...]:
    """The recordings of a burn rate alert in the order of evaluation, tiles first."""
    own = (burn.window, burn.short_window)
    counted = dict.fromkeys((thresholds.slo.burn.fast.window, *own))
    counts = (each for w in counted for each in (objective.all_(w), objective.bad(w)))
    return (*counts, *(burn_rate(objective, window) for window in own))


def factor(thresholds: Thresholds, burn: Burn) -> float:
    """The burn rate that uses up `burn.consumes` of the budget within the long window."""
    return float(f"{burn.consumes * thresholds.slo.period / burn.window:.12g}")


def recordings(thresholds: Thresholds) -> tuple[Recording, ...]:
    """Recordings that no alert needs: how much is left of each budget."""
    period = thresholds.slo.period
    return tuple(
        replace(recording, family=LEFT)
        for each in objectives(thresholds)
        for recording in (each.all_(period), each.bad(period), remaining(thresholds, each))
    )


def windows(thresholds: Thresholds) -> tuple[float, ...]:
    """Every window over which burn rates are recorded, the shortest first."""
    burn = thresholds.slo.burn
    burns = (burn.fast, burn.steady, burn.slow, burn.creeping)
    return tuple(sorted({w for each in burns for w in (each.window, each.short_window)}))
