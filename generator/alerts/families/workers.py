"""Worker processes: missing ones, and ones that keep restarting."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import Span, exactly
from generator.alerts.testcases.inputs import HERE, THERE, gauge_inputs
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import WORKER_STARTS, WORKERS
from generator.promql import number
from generator.thresholds.settings import ConditionAlert, Rows, WindowAlert
from generator.thresholds.units import format_duration, spoken


@define(ConditionAlert)
def workers_missing(context: Context, settings: ConditionAlert) -> Alert:
    expected = context.thresholds.service.expected_workers
    alert = Alert(
        family="workers",
        detects="workers missing",
        quantity=f"{WORKERS}{{}}",
        op="<",
        constant=expected,
        triggers=context.triggers(settings),
        summary="INSTANCE is running VALUE of BOUND workers",
        description=(
            "INSTANCE has been running fewer than BOUND workers for FOR (now VALUE), so its "
            "capacity is reduced. Next: read the Auditor's log to see why a worker exited or "
            "cannot start, then restart the service."
        ),
        panel=Panel("system", "Workers", "Running workers"),
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
        detects="worker restarts",
        quantity=rate.query,
        triggers=context.triggers(settings),
        recordings=(rate,),
        summary=(
            "Workers on INSTANCE keep restarting: "
            f"{{{{ $value | humanize }}}} starts each in {window}"
        ),
        description=(
            f"The {expected} workers on INSTANCE started {{{{ $value | humanize }}}} times each on "
            f"average in the last {spoken(window)}, more than BOUND. Next: read the last lines of "
            "the Auditor's log before each start, and look for the kernel's out-of-memory killer "
            "in the system log."
        ),
        panel=Panel("system", "Workers", f"Starts per worker in {window}"),
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
        for side, count in (("at", allowed), ("just above", 1.01 * allowed)):
            title = f"{side} the {trigger.severity} threshold"
            cases.append(_burst(context, alert, window, title, count))
    samples = 2 * _quiet(context, window) // context.clock.interval
    healthy = Series(WORKER_STARTS, context.workers(THERE), f"4x{samples}")
    series, title = (*cases[-1].series, healthy), "only one of two instances is affected"
    return (*cases, replace(cases[-1], title=title, series=series))


def _quiet(context: Context, window: float) -> int:
    return context.clock.tick(window) + context.clock.interval


def _burst(context: Context, alert: Alert, window: float, title: str, count: float) -> Case:
    """`count` starts after a quiet window; they drop out at the end of the next one."""
    clock, i, here = context.clock, context.clock.interval, context.workers(HERE)
    expected = context.thresholds.service.expected_workers
    quiet, value = _quiet(context, window), count / expected
    gone = clock.tick(quiet + window) + clock.tick(alert.keep_firing_for)
    fires = {each: quiet + clock.tick(each.for_) for each in alert.triggers}

    def firing(at: float) -> AlertTest:
        affected = (each for each in fires if value > alert.bound(each) and fires[each] <= at)
        return replace(alert, triggers=tuple(affected)).firing(at, value, here)

    turns = sorted(set(fires.values()))
    times = [*(at for turn in turns for at in (turn - i, turn)), gone - i]
    values = f"{expected}x{quiet // i - 1} {number(expected + count)}x{gone // i}"
    return Case(
        title,
        (Series(WORKER_STARTS, here, values),),
        (*(firing(at) for at in times), *silent(gone)),
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
    places = [context.workers(f"10.0.0.{each}:9105") for each in range(1, 1 + len(counters))]
    series = [
        Series(WORKER_STARTS, labels, values)
        for labels, (values, _) in zip(places, counters, strict=True)
    ]
    expr_tests = [
        exactly(at, recording, labels, count / expected)
        for labels, (_, counts) in zip(places, counters, strict=True)
        for at, count in counts.items()
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
    return (
        Case(
            "a deployment, then a restart of the sidecar",
            (Series(WORKER_STARTS, context.workers(HERE), values),),
            silent(*(clock.tick(pause * part / 2) for part in range(1, 7))),
        ),
    )
