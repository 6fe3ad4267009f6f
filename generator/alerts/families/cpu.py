"""CPU usage of the workers: high under load, and any without load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.resources import WORKER_LEGEND
from generator.alerts.model import Alert, AlertTest, Case, Panel, Recording, Series
from generator.alerts.recordings import request_rate
from generator.alerts.testcases.inputs import HERE, InputGenerator, at_once, filling, request_series
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge, selector
from generator.alerts.testcases.standard import many_users, with_standard_cases, worst_alone
from generator.alerts.triggers import triggers, users_paths, while_users_allow
from generator.names import CPU_SECONDS, LATENCY
from generator.thresholds.settings import Rows, WindowAlert
from generator.thresholds.units import Unit, format_duration


def cpu(window: float) -> Recording:
    """Share of one core that a worker uses."""
    w = format_duration(window)
    return Recording(
        "saturation",
        f"worker:auditor_worker_cpu_seconds:rate{w}",
        f"sum by (job, instance, worker) (rate({CPU_SECONDS}{{}}[{w}]))",
    )


def _cpu_inputs(context: Context, window: float) -> InputGenerator:
    """Three quarters of the time in user mode; a replaced worker restarts its counter."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def mode(name: str, share: float) -> Series:
            return Series(
                selector(CPU_SECONDS, {**context.worker(instance), "mode": name}),
                counter(
                    context.clock,
                    phases,
                    lambda phase: (phase.value or 0.0) * share * context.clock.interval,
                ),
            )

        return mode("user", 0.75), mode("system", 0.25)

    inputs = InputGenerator(
        clock=context.clock,
        series=series,
        labels=context.worker,
        healthy=0.0,
        time_to_fire=at_once,
        counters=True,
    )
    return filling(context, inputs, window)


@define(WindowAlert, Rows("cpu"))
def high_cpu(context: Context, settings: WindowAlert) -> Alert:
    busy = cpu(settings.window)
    found = triggers(context.thresholds, settings, lower_guard=while_users_allow)
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="CPU time",
        quantity=busy.query,
        op=">",
        unit=Unit.RATIO,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(busy,),
        summary=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} is using "
            "{{ $value | humanizePercentage }} of a core"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has used more than BOUND of a "
            "core for FOR (now {{ $value | humanizePercentage }}). Next: if latency or queueing "
            "has risen as well, add workers or use smaller models; otherwise leave it alone."
        ),
        panel=Panel("system", "CPU", "CPU usage", WORKER_LEGEND),
        origins=users_paths(found),
    )
    inputs = _cpu_inputs(context, settings.window)
    return with_standard_cases(alert, inputs, *many_users(context, alert, inputs))


@define(WindowAlert, Rows("cpu"))
def idle_cpu(context: Context, settings: WindowAlert) -> Alert:
    busy, rate = cpu(settings.window), request_rate(settings.window)
    w = format_duration(settings.window)
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="CPU time without requests",
        quantity=busy.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(
            context.thresholds,
            settings,
            f"unless on (instance) {rate.query} > 0\nand on (instance) {LATENCY}_count{{}}",
        ),
        keep_firing_for=settings.keep_firing_for,
        recordings=(busy, rate),
        summary=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} is using "
            "{{ $value | humanizePercentage }} of a core without any requests"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has used more than BOUND of a "
            "core for FOR (now {{ $value | humanizePercentage }}) without any verification "
            "requests. Next: look in its log for something that it keeps retrying."
        ),
        panel=Panel("system", "CPU", f"CPU usage over {w}", WORKER_LEGEND),
    )
    blind = _cpu_inputs(context, settings.window)
    inputs = replace(
        blind,
        series=lambda instance, phases: (
            *blind.series(instance, phases),
            _answered(context, instance, phases),
        ),
    )
    value = 2 * alert.bound(alert.triggers[0])
    end = context.clock.tick(settings.window + alert.triggers[0].for_) + 2 * context.clock.interval
    length = [Phase(end + context.clock.interval, value)]
    requests = request_series(
        context.clock, context.api(HERE), [Phase(end + context.clock.interval, 0.0)], 1.0
    )

    def no_more(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        silent = request_series(
            context.clock,
            context.api(instance),
            [replace(each, traffic=0.0) for each in phases],
            1.0,
        )
        return (*inputs.series(instance, phases), *silent)

    return with_standard_cases(
        alert,
        inputs,
        Case(
            "busy serving requests",
            (*inputs.series(HERE, length), *requests),
            (AlertTest(end, ()),),
        ),
        worst_alone(alert, replace(inputs, series=no_more), "busy after requests have stopped"),
        requests_over_time(context, settings.window, alert.recordings),
        Case("app metrics are missing", tuple(blind.series(HERE, length)), (AlertTest(end, ()),)),
    )


def _answered(context: Context, instance: str, phases: Sequence[Phase]) -> Series:
    """The count of responses, which the app exports from its start, even while it is zero."""
    none = [replace(phase, value=None if phase.value is None else 0.0) for phase in phases]
    return Series(
        selector(f"{LATENCY}_count", context.api(instance)), gauge(context.clock, none, float)
    )
