"""What the modules of the families share: triggers from settings, recordings, drives, and texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from generator.alerts.clock import Clock
from generator.alerts.model import Alert, Case, Firing, Moment, Recording, Series, Trigger
from generator.alerts.testcases.series import Phase, counter, gauge, just_over, selector
from generator.alerts.testcases.standard import HERE, InputGenerator, at_once, worst_alone
from generator.names import API_CLIENTS, REQUESTS, UP
from generator.thresholds.levels import Levels, LoadLevels
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, AlertSettings, BoundTrigger
from generator.thresholds.units import format_duration

Level = Literal["instance", "job"]

ERROR: Final = 'status="error"'


def triggers(
    thresholds: Thresholds,
    settings: AlertSettings,
    guard: str = "",
    lower_guard: Callable[[Levels], str] | None = None,
) -> tuple[Trigger, ...]:
    """The severities that `settings` set, worst first.

    `guard` belongs to all of them; `milder_guard` gives, from the row, one more for all but the
    worst.
    """
    found: list[Trigger] = []
    for severity in SEVERITIES:
        tier = getattr(settings, severity, None)
        if tier is None:
            continue
        bound = thresholds.bound(tier.fires_at) if isinstance(tier, BoundTrigger) else None
        guards = [guard, lower_guard(bound.levels) if lower_guard and bound and found else ""]
        found.append(Trigger(severity, tier.for_, bound, "\n".join(filter(None, guards))))
    return tuple(found)


def users_of(levels: Levels) -> int | None:
    """The users up to which a row holds; None where it knows no such limit."""
    return levels.up_to_users if isinstance(levels, LoadLevels) else None


def while_users_allow(levels: Levels) -> str:
    """Holds a bound back while there are more users than its row speaks of.

    Unknown users hold nothing back.
    """
    users = users_of(levels)
    return "" if users is None else f"unless on (instance) {API_CLIENTS}{{}} > {users}"


# The labels by which something is counted of each instance, or of a whole job.
LEVELS: Final[Mapping[Level, str]] = {"instance": "job, instance", "job": "job"}


def requests(window: float, level: Level = "instance") -> Recording:
    """Requests the app counted in the window.

    A status has no series before its first request, so `increase` would miss what a new series
    starts with: where a series did not exist at the window's begin although the target was scraped,
    all of it is new.
    """
    w = format_duration(window)
    return Recording(
        "error",
        f"{level}:auditor_verify_requests:increase{w}",
        f"sum by ({LEVELS[level]}) ({_increase('', w)})",
    )


def errors(window: float, level: Level = "instance") -> Recording:
    """Failed ones of `requests`; 0 where none ever failed."""
    w = format_duration(window)
    return Recording(
        "error",
        f"{level}:auditor_verify_errors:increase{w}",
        f"sum by ({LEVELS[level]}) ({_increase(ERROR, w)})\nor\n"
        f"0 * {requests(window, level).query}",
    )


def _increase(matcher: str, w: str) -> str:
    series = f"{REQUESTS}{{{matcher}}}"
    return (
        f"\n  ({series} unless {REQUESTS}{{}} offset {w})\n    and on (job, instance) "
        f"({UP}{{}} offset {w} == 1)\n  or\n  increase({series}[{w}])\n"
    )


def error_ratio(window: float) -> Recording:
    """Share of the window's requests that failed; no sample while there are none."""
    return Recording(
        "error",
        f"instance:auditor_verify_errors:ratio{format_duration(window)}",
        f"{errors(window).query} / ({requests(window).query} > 0)",
    )


def request_rate(window: float) -> Recording:
    """Requests per second."""
    w = format_duration(window)
    return Recording(
        "traffic",
        f"instance:auditor_verify_requests:rate{w}",
        f"sum by (job, instance) (rate({REQUESTS}{{}}[{w}]))",
    )


def steady_rate(window: float) -> str:
    """`request_rate` where its window is full; until then it reads too low."""
    rate = request_rate(window).query
    return f"({rate} and {rate} offset {format_duration(window)})"


@dataclass(frozen=True)
class Context:
    """The thresholds with what the cases of every family need."""

    thresholds: Thresholds
    slower: int = 1

    @property
    def clock(self) -> Clock:
        """As slow as the slower of scrape and evaluation, times `slower`."""
        service = self.thresholds.service
        return Clock(int(max(service.scrape_interval, service.evaluation_interval)) * self.slower)

    def for_window(self, window: float, slowest: float = 90) -> Context:
        """A kit with a slower clock where a window would hold more than a hundred samples.

        Samples stay within `slowest` seconds of each other. Prometheus looks back five minutes, so
        with up to two it sees through a failed scrape.
        """
        interval = self.clock.interval
        slower = min(int(window / interval / 50), int(slowest / interval))
        return replace(self, slower=max(1, slower))

    def api(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.api, "instance": instance}

    def workers(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.workers, "instance": instance}

    def worker(self, instance: str) -> dict[str, str]:
        return {**self.workers(instance), "worker": "0"}

    def second_sample(self, _value: float, _bound: float) -> int:
        """The onset of a rate: it needs two samples."""
        return self.clock.tick(self.clock.interval)

    def filling(self, inputs: InputGenerator, window: float) -> InputGenerator:
        """`drive` for a rate or an increase: it rises steadily while the window fills."""

        def time_to_fire(value: float, bound: float) -> int:
            return (
                math.floor(window * bound / value / self.clock.interval + 1) * self.clock.interval
            )

        return replace(inputs, time_to_fire=time_to_fire, window=window)

    def steady(self, window: float) -> Callable[[float, float], int]:
        """The onset of a quantity over `steady_rate`."""
        return lambda _value, _bound: self.clock.tick(self.clock.interval) + self.clock.tick(window)

    def traffic_multiplier(self, window: float, share: float = 0.001) -> float:
        """Traffic of which one scrape leaves less than `share` of a window's to the rest."""
        return 2 * window / self.clock.interval / share

    def gauge_inputs(
        self,
        metrics: Mapping[str, Callable[[float], float]],
        labels: Callable[[str], Mapping[str, str]],
        healthy: float,
        exact: bool = True,
        alert_labels: Callable[[str], Mapping[str, str]] | None = None,
    ) -> InputGenerator:
        """A drive by gauges alone: each metric's level for a value of the quantity."""

        def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
            return tuple(
                Series(selector(name, labels(instance)), gauge(self.clock, phases, level))
                for name, level in metrics.items()
            )

        return InputGenerator(
            clock=self.clock,
            series=series,
            labels=alert_labels or labels,
            healthy=healthy,
            time_to_fire=at_once,
            exact=exact,
        )

    def request_series(
        self, instance: str, phases: Sequence[Phase], per_scrape: float, start: float = 0.0
    ) -> tuple[Series, ...]:
        """The app's request counter with a phase's value as the share of errors."""

        def status(name: str, share: Callable[[float], float]) -> Series:
            return Series(
                selector(REQUESTS, {**self.api(instance), "status": name}),
                counter(
                    self.clock,
                    phases,
                    lambda phase: per_scrape * phase.traffic * share(phase.value or 0.0),
                    start,
                ),
            )

        return status("success", lambda value: 1 - value), status("error", lambda value: value)


def thousandfold(value: float) -> float:
    """1000 times `value` without the product's error: a ratio to 1000 gives `value` exactly."""
    return float(f"{value * 1000:.12g}")


def many_users(context: Context, alert: Alert, inputs: InputGenerator) -> tuple[Case, ...]:
    """Under more users than its row speaks of the milder severity is silent.

    Unknown users change nothing.
    """
    for trigger in alert.triggers[1:]:
        limit = users_of(trigger.bound.levels) if trigger.bound else None
        if limit is not None:
            return _many_users(context, alert, inputs, trigger, limit)
    return ()


def _many_users(
    context: Context, alert: Alert, inputs: InputGenerator, mild: Trigger, limit: int
) -> tuple[Case, ...]:
    value = just_over(alert.bound(mild))
    end = (
        context.clock.tick(inputs.time_to_fire(value, alert.bound(mild)) + mild.for_)
        + 2 * context.clock.interval
    )
    length = end + context.clock.interval
    firing = (Firing(mild.severity, value, inputs.labels(HERE), {}),)

    def case(title: str, clients: int, expected: tuple[Firing, ...]) -> Case:
        users = gauge(context.clock, [Phase(length, clients)], float)
        return Case(
            title,
            (
                *inputs.series(HERE, [Phase(length, value)]),
                Series(selector(API_CLIENTS, context.workers(HERE)), users),
            ),
            (Moment(end, expected),),
        )

    def crowded(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        users = gauge(context.clock, phases, lambda _value: limit + 1)
        clients = Series(selector(API_CLIENTS, context.workers(instance)), users)
        return (*inputs.series(instance, phases), clients)

    return (
        case(f"at most {limit} users", limit, firing),
        case(f"more than {limit} users", limit + 1, ()),
        worst_alone(alert, replace(inputs, series=crowded), f"ill with more than {limit} users"),
    )


def users_paths(alert_triggers: Sequence[Trigger]) -> tuple[str, ...]:
    """Paths of the loads that hold back the milder severities."""
    rows = (trigger.bound for trigger in alert_triggers[1:] if trigger.bound)
    return tuple(
        f"targets.{bound.row}.up_to_users" for bound in rows if users_of(bound.levels) is not None
    )
