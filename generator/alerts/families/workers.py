"""Worker processes: missing ones, and ones that keep restarting."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    ExpectedAlert,
    ExprTest,
    Panel,
    Recording,
    Series,
)
from generator.alerts.testcases.expectations import Span, exactly
from generator.alerts.testcases.inputs import HERE, THERE, gauge_inputs
from generator.alerts.testcases.series import selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import WORKER_STARTS, WORKERS
from generator.promql import number
from generator.thresholds.settings import ConditionAlert, Rows, WindowAlert
from generator.thresholds.units import Unit, format_duration


@define(ConditionAlert)
def workers_missing(context: Context, settings: ConditionAlert) -> Alert:
    expected = context.thresholds.service.expected_workers
    alert = Alert(
        family="workers",
        scope="instance",
        detects="workers missing",
        quantity=f"{WORKERS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=expected,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="{{ $labels.instance }} is running {{ $value }} of BOUND workers",
        description=(
            "{{ $labels.instance }} has been running fewer than BOUND workers for FOR (now "
            "{{ $value }}), so its capacity is reduced. Next: read the Auditor's log to see why a "
            "worker exited or cannot start, then restart the service."
        ),
        panel=Panel("system", "Workers", "Running workers", "{{instance}}"),
        origins=("service.expected_workers",),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {WORKERS: float}, context.workers, healthy=expected)
    )


def starts(window: float, expected: int) -> Recording:
    """Starts of worker processes in the window per expected worker.

    It is a difference because `increase` extrapolates: it reads 32 starts in 15 minutes as up to
    32.5. `increase` is used only where the counter was reset by a restart of the sidecar.
    """
    w = format_duration(window)
    since = f"{WORKER_STARTS}{{}} - {WORKER_STARTS}{{}} offset {w} > 0"
    return Recording(
        "workers",
        f"instance:auditor_worker_starts:per_worker_increase{w}",
        f"({since} or round(increase({WORKER_STARTS}{{}}[{w}]))) / {expected}",
    )


@define(WindowAlert, Rows("worker.starts"))
def worker_crash_loop(context: Context, settings: WindowAlert) -> Alert:
    expected = context.thresholds.service.expected_workers
    rate = starts(settings.window, expected)
    window = format_duration(settings.window)
    alert = Alert(
        family="workers",
        scope="instance",
        detects="worker restarts",
        quantity=rate.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(rate,),
        summary=(
            "Workers on {{ $labels.instance }} keep restarting: "
            f"{{{{ $value | humanize }}}} starts each in {window}"
        ),
        description=(
            f"The {expected} workers on {{{{ $labels.instance }}}} started "
            f"{{{{ $value | humanize }}}} times each on average in the last {window}, more than "
            "BOUND. Next: read the last lines of the Auditor's log before each start, and look for "
            "the kernel's out-of-memory killer in the system log."
        ),
        panel=Panel("system", "Workers", f"Starts per worker in {window}", "{{instance}}"),
        origins=("service.expected_workers",),
    )

    cases = (
        *_bursts(context, alert, settings.window),
        *_deploy(context, alert, settings.window),
        _counted(context, rate, settings.window),
    )
    return replace(alert, cases=cases)


def _bursts(context: Context, alert: Alert, window: float) -> tuple[Case, ...]:
    """Starts within one scrape interval: as many as the bound allows, and 1% more."""
    cases: list[Case] = []
    for trigger in alert.triggers:
        allowed = int(alert.bound(trigger) * context.thresholds.service.expected_workers)
        cases += [
            _burst(context, alert, window, f"at the {trigger.severity} threshold", allowed),
            _burst(
                context,
                alert,
                window,
                f"just above the {trigger.severity} threshold",
                1.01 * allowed,
            ),
        ]
    healthy = Series(
        selector(WORKER_STARTS, context.workers(THERE)),
        f"4x{2 * _quiet(context, window) // context.clock.interval}",
    )
    last = cases[-1]
    return (
        *cases,
        replace(
            last, title="only one of two instances is affected", series=(*last.series, healthy)
        ),
    )


def _quiet(context: Context, window: float) -> int:
    return context.clock.tick(window) + context.clock.interval


def _burst(context: Context, alert: Alert, window: float, title: str, count: float) -> Case:
    """`count` starts after a quiet window; they drop out at the end of the next one."""
    clock = context.clock
    expected = context.thresholds.service.expected_workers
    quiet, value = _quiet(context, window), count / expected
    gone = clock.tick(quiet + window) + clock.tick(alert.keep_firing_for)
    ill = [trigger for trigger in alert.triggers if value > alert.bound(trigger)]

    def firing(at: float) -> AlertTest:
        started = [trigger for trigger in ill if quiet + clock.tick(trigger.for_) <= at]
        return AlertTest(
            at,
            tuple(
                ExpectedAlert(trigger.severity, value, context.workers(HERE), {})
                for trigger in started
            ),
        )

    turns = sorted({quiet + clock.tick(trigger.for_) for trigger in alert.triggers})
    alert_tests = [firing(at) for turn in turns for at in (turn - clock.interval, turn)]
    samples = quiet // clock.interval, gone // clock.interval
    values = f"{expected}x{samples[0] - 1} {number(expected + count)}x{samples[1]}"
    return Case(
        title,
        (Series(selector(WORKER_STARTS, context.workers(HERE)), values),),
        (*alert_tests, firing(gone - clock.interval), AlertTest(gone, ())),
    )


def _counted(context: Context, recording: Recording, window: float) -> Case:
    """Counters without a reset are subtracted; those with one go through `increase`.

    Three scrapes of the first counter fail at the start of the window, so `increase` would
    extrapolate. Resets leave the next three much lower, a little lower and no lower; the last has
    none.
    """
    service = context.thresholds.service
    span = Span(context, window)
    part, rest, expected = span.samples // 4, 3 * span.samples, service.expected_workers
    early, late = span.at(0.75), span.at(2.25)
    begins = late // span.clock.interval - span.samples
    many = 100 * expected
    counters: tuple[tuple[str, dict[int, float]], ...] = (
        (f"4x{begins - 2} _x3 4x{part} {4 + many}x{rest}", {late: many}),
        (f"4x{2 * part - 1} 14x{4 * part - 1} 4x{2 * part - 1} 6x{rest}", {early: 10, late: 6}),
        (f"9x{6 * part - 1} 4x{part - 1} 8.5x{rest}", {late: 9}),
        (f"9x{6 * part - 1} 4x{part - 1} 9x{rest}", {late: 9}),
        (f"4x{6 * part - 1} 4.5x{rest}", {late: 0.5}),
    )
    series: list[Series] = []
    expr_tests: list[ExprTest] = []
    for scope, (values, counts) in enumerate(counters, 1):
        labels = context.workers(f"10.0.0.{scope}:9105")
        series.append(Series(selector(WORKER_STARTS, labels), values))
        expr_tests += [
            exactly(at, recording, labels, each / expected) for at, each in counts.items()
        ]
    return span.case("worker starts across a restart of the sidecar", series, expr_tests)


def _deploy(context: Context, alert: Alert, window: float) -> tuple[Case, ...]:
    """Every worker is replaced once, then the sidecar restarts and its counter is reset.

    That is two starts per worker within the window; there is no case if a bound is below that.
    """
    if min(alert.bound(trigger) for trigger in alert.triggers) < 2:
        return ()
    clock, expected = context.clock, context.thresholds.service.expected_workers
    pause = clock.tick(window * 2 / 3)
    samples = pause // clock.interval - 1
    values = f"{expected}x{samples} {2 * expected}x{samples} {expected}x{samples}"
    alert_tests = tuple(AlertTest(clock.tick(pause * part / 2), ()) for part in range(1, 7))
    starts_ = Series(selector(WORKER_STARTS, context.workers(HERE)), values)
    return (Case("a deployment, then a restart of the sidecar", (starts_,), alert_tests),)
