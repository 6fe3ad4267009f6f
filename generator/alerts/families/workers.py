"""Worker processes: missing ones, and ones that keep restarting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, AlertTest, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import Span, exactly
from generator.alerts.testcases.inputs import HERE, THERE, InputGenerator, gauge_inputs
from generator.alerts.testcases.series import Phase, counter, every_other_minute, gauge
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import WORKER_STARTS, WORKERS
from generator.promql import number
from generator.thresholds.fields import PositiveCount, PositiveSeconds, doc
from generator.thresholds.settings import ConditionAlert, Rows, WindowAlert
from generator.thresholds.units import format_duration, spoken

# Workers of an instance in the tests, unless the thresholds say how many there must be.
_RUNNING: Final = 4


class WorkersAlert(ConditionAlert):
    before: PositiveSeconds = doc("How far back to look for the most workers an instance has run.")
    envelope: PositiveSeconds = doc(
        "How long it must have run them, as old and new workers overlap in a reload."
    )
    expected: PositiveCount | None = doc("Compare with this number of workers instead.", None)


def settled_workers(settings: WorkersAlert) -> Recording:
    """Workers that have run all the time, so without those that a reload runs for a moment."""
    e = format_duration(settings.envelope)
    return Recording(
        "workers", f"instance:auditor_workers:min{e}", f"min_over_time({WORKERS}{{}}[{e}])"
    )


def wanted_workers(settings: WorkersAlert) -> tuple[str, str]:
    """How many an instance should run, as PromQL and in words."""
    if settings.expected:
        return number(settings.expected), f"the expected {settings.expected}"
    before = format_duration(settings.before)
    most = f"max_over_time({settled_workers(settings).query}[{before}])"
    return most, f"the most it ran in the last {spoken(before)}"


@define(WorkersAlert)
def workers_missing(context: Context, settings: WorkersAlert) -> Alert:
    wanted, in_words = wanted_workers(settings)
    alert = Alert(
        family="workers",
        detects="workers missing",
        quantity=f"{wanted} - {WORKERS}{{}}",
        triggers=context.triggers(settings),
        recordings=() if settings.expected else (settled_workers(settings),),
        summary="INSTANCE is missing VALUE of its workers",
        description=(
            f"For FOR, INSTANCE has been running fewer workers than {in_words} (VALUE missing), so "
            "its capacity is reduced. Next: read the Auditor's log to see why a worker exited or "
            "cannot start, then restart the service."
        ),
        panel=Panel("system", "Workers", "Missing workers"),
    )
    if settings.expected:
        return with_standard_cases(alert, _missing(context, settings.expected))
    return with_standard_cases(
        alert,
        _with_history(_missing(context, _RUNNING)),
        *_reloads(context, alert, settings),
        _forgotten(context, alert, settings),
    )


def _missing(context: Context, wanted: int) -> InputGenerator:
    return gauge_inputs(
        context, {WORKERS: lambda missing: wanted - missing}, context.workers, healthy=0
    )


def _with_history(inputs: InputGenerator) -> InputGenerator:
    """The same inputs, but no worker is missing yet at the first sample."""
    interval = inputs.clock.interval

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        first, *others = phases
        late = replace(first, seconds=first.seconds - interval)
        return inputs.series(instance, [Phase(interval, 0), late, *others])

    return replace(inputs, series=series, delay=interval)


def _reloads(context: Context, alert: Alert, settings: WorkersAlert) -> tuple[Case, ...]:
    """New workers start before the old ones end: twice as many, but not for long."""
    clock, i, here = context.clock, context.clock.interval, context.workers(HERE)
    before, fires = clock.tick(settings.envelope) + i, clock.tick(alert.longest_for)

    def overlap(seconds: int) -> tuple[Series, ...]:
        phases = [Phase(before, 1), Phase(seconds, 2), Phase(fires + 2 * i, 1)]
        return (Series(WORKERS, here, gauge(clock, phases, lambda times: times * _RUNNING)),)

    short, long = (clock.tick(settings.envelope) + each * i for each in (-1, 1))
    end = before + long + fires
    return (
        Case("old and new workers overlap", overlap(short), silent(before + short + fires + i)),
        Case(
            "fewer workers after a while with more",
            overlap(long),
            (*silent(end - i), alert.firing(end, _RUNNING, here)),
        ),
    )


def _forgotten(context: Context, alert: Alert, settings: WorkersAlert) -> Case:
    """Once the range holds no more workers than now, none is missing."""
    clock, i, here = context.clock, context.clock.interval, context.workers(HERE)
    more, before = 2 * i, clock.tick(settings.before)
    # Prometheus 3 no longer sees the sample at the start of the range, which 2.42 still does.
    seen, gone = more + before - 3 * i, more + before + clock.tick(alert.keep_firing_for)
    values = gauge(clock, [Phase(more, 4), Phase(gone, 3)], float)
    tests: tuple[AlertTest, ...] = ()
    if before > alert.longest_for + 4 * i:
        tests = (alert.firing(seen, 1, here),)
    return Case(
        "fewer workers for longer than is looked back",
        (Series(WORKERS, here, values),),
        (*tests, *silent(gone)),
    )


def starts(window: float) -> Recording:
    """Starts of a worker, which its slot identifies, in the window.

    It is a difference because `increase` extrapolates: it reads 32 starts in 15 minutes as up to
    32.5. `increase` is used only where the sidecar has restarted or has not seen the slot for as
    long. A sidecar that restarts counts the running worker, which is no start.
    """
    w, counter = format_duration(window), f"{WORKER_STARTS}{{}}"
    resets = f"resets({counter}[{w}])"
    return Recording(
        "workers",
        f"worker:auditor_worker_starts:increase{w}",
        f"{counter} - {counter} offset {w} > 0 unless {resets} > 0\n"
        f"or\nround(increase({counter}[{w}])) - {resets}",
    )


@define(WindowAlert, Rows("worker.starts"))
def worker_crash_loop(context: Context, settings: WindowAlert) -> Alert:
    started, window = starts(settings.window), format_duration(settings.window)
    alert = Alert(
        family="workers",
        scope="worker",
        detects="worker restarts",
        quantity=started.query,
        triggers=context.triggers(settings),
        recordings=(started,),
        summary=f"WORKER keeps restarting: VALUE starts in {window}",
        description=(
            f"WORKER was started VALUE times in the last {spoken(window)}, more than BOUND. Next: "
            "read the last lines of the Auditor's log before each start, and look for the kernel's "
            "out-of-memory killer in the system log."
        ),
        panel=Panel("system", "Workers", f"Starts per worker in {window}"),
    )
    cases = (
        *_bursts(context, alert, settings.window),
        *_deploy(context, alert, settings.window),
        _counted(context, started, settings.window),
        _while_scrapes_fail(context, alert, settings.window),
    )
    return replace(alert, cases=cases)


def _while_scrapes_fail(context: Context, alert: Alert, window: float) -> Case:
    """Twice as many starts as the bound allows, and scrapes fail every other minute."""
    clock, length = context.clock, context.clock.tick(2 * window)
    per_scrape = 2 * alert.bound(alert.triggers[0]) * clock.interval / window
    phases = every_other_minute(clock, Phase(length, per_scrape))
    values = counter(clock, phases, lambda phase: phase.value or 0.0, start=1)
    series = Series(WORKER_STARTS, context.worker(HERE), values)
    return Case("scrapes fail every other minute", (series,), (alert.is_firing(length),))


def _bursts(context: Context, alert: Alert, window: float) -> tuple[Case, ...]:
    """Starts within one scrape interval: as many as the bound allows, and 1% more."""
    cases: list[Case] = []
    for trigger in alert.triggers:
        allowed = alert.bound(trigger)
        for side, count in (("at", allowed), ("just above", 1.01 * allowed)):
            title = f"{side} the {trigger.severity} threshold"
            cases.append(_burst(context, alert, window, title, count))
    samples = 2 * _quiet(context, window) // context.clock.interval
    healthy = [
        Series(WORKER_STARTS, each, f"1x{samples}")
        for each in (context.worker(HERE, "1"), context.worker(THERE))
    ]
    series, title = (*cases[-1].series, *healthy), "only one worker of two instances is affected"
    return (*cases, replace(cases[-1], title=title, series=series))


def _quiet(context: Context, window: float) -> int:
    return context.clock.tick(window) + context.clock.interval


def _burst(context: Context, alert: Alert, window: float, title: str, count: float) -> Case:
    """`count` starts after a quiet window; they drop out at the end of the next one."""
    clock, i, here = context.clock, context.clock.interval, context.worker(HERE)
    quiet = _quiet(context, window)
    gone = clock.tick(quiet + window) + clock.tick(alert.keep_firing_for)
    fires = {each: quiet + clock.tick(each.for_) for each in alert.triggers}

    def firing(at: float) -> AlertTest:
        affected = (each for each in fires if count > alert.bound(each) and fires[each] <= at)
        return replace(alert, triggers=tuple(affected)).firing(at, count, here)

    turns = sorted(set(fires.values()))
    times = [*(at for turn in turns for at in (turn - i, turn)), gone - i]
    values = f"1x{quiet // i - 1} {number(1 + count)}x{gone // i}"
    return Case(
        title,
        (Series(WORKER_STARTS, here, values),),
        (*(firing(at) for at in times), *silent(gone)),
    )


def _counted(context: Context, recording: Recording, window: float) -> Case:
    """Counters without a reset are subtracted; others, and new ones, go through `increase`.

    Three scrapes of the first counter fail at the start of the window, so `increase` would
    extrapolate; its reset is older. The second is new. Resets leave the next five lower, a little
    lower, no lower, higher, and higher once more. The next one's falls into a gap at the start of
    the window. The last has none.
    """
    span = Span(context, window)
    part, rest = span.samples // 4, 3 * span.samples
    early, late = span.at(0.75), span.at(2.25)
    begins = late // span.clock.interval - span.samples
    counters: tuple[tuple[str, dict[int, float]], ...] = (
        (f"9x{2 * part - 1} 1x{begins - 2 * part - 2} _x3 1x{part} 101x{rest}", {late: 100}),
        (f"_x{6 * part} 1x{part - 1} 4x{rest}", {late: 3}),
        (f"1x{2 * part - 1} 11x{4 * part - 1} 1x{part - 1} 3x{rest}", {early: 10, late: 2}),
        (f"9x{6 * part - 1} 1x{part - 1} 8.5x{rest}", {late: 8}),
        (f"9x{6 * part - 1} 1x{part - 1} 9x{rest}", {late: 8}),
        (f"3x{6 * part - 1} 1x{part - 1} 5x{rest}", {late: 4}),
        (f"3x{6 * part - 1} 1x{part - 1} 2x{part // 2 - 1} 1x{part // 2 - 1} 5x{rest}", {late: 5}),
        (f"9x{begins - 2} _x3 1x{part} 9x{rest}", {late: 8}),
        (f"1x{6 * part - 1} 1.5x{rest}", {late: 0.5}),
    )
    slots = [context.worker(HERE, str(slot)) for slot in range(len(counters))]
    series = [
        Series(WORKER_STARTS, labels, values)
        for labels, (values, _) in zip(slots, counters, strict=True)
    ]
    expr_tests = [
        exactly(at, recording, labels, count)
        for labels, (_, counts) in zip(slots, counters, strict=True)
        for at, count in counts.items()
    ]
    return span.case("worker starts across a restart of the sidecar", series, expr_tests)


def _deploy(context: Context, alert: Alert, window: float) -> tuple[Case, ...]:
    """Every worker is replaced twice, then the sidecar restarts and its counter is reset.

    That is two starts of each worker within the window; there is no case if a bound is below that.
    """
    if min(alert.bound(trigger) for trigger in alert.triggers) < 2:
        return ()
    clock = context.clock
    pause = clock.tick(window / 4)
    samples = pause // clock.interval - 1
    values = " ".join(f"{count}x{samples}" for count in (1, 2, 3, 1, 1))
    return (
        Case(
            "a deployment and its rollback, then a restart of the sidecar",
            (Series(WORKER_STARTS, context.worker(HERE), values),),
            silent(*(clock.tick(pause * part / 2) for part in range(1, 10))),
        ),
    )
