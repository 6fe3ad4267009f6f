"""CPU usage of the workers: high under load, and any without load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.recordings import request_rate
from generator.alerts.testcases.inputs import HERE, InputGenerator, request_series
from generator.alerts.testcases.recordings import requests_over_time
from generator.alerts.testcases.series import Phase, counter, gauge
from generator.alerts.testcases.standard import many_users, with_standard_cases, worst_alone
from generator.names import CPU_SECONDS, LATENCY
from generator.thresholds.settings import Rows, WindowAlert
from generator.thresholds.units import format_duration


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
            def growth(phase: Phase) -> float:
                return (phase.value or 0.0) * share * context.clock.interval

            labels = {**context.worker(instance), "mode": name}
            return Series(CPU_SECONDS, labels, counter(context.clock, phases, growth))

        return mode("user", 0.75), mode("system", 0.25)

    return InputGenerator(
        context=context,
        series=series,
        labels=context.worker,
        window=window,
        counters=True,
        margin=1.6,
    )


@define(WindowAlert, Rows("cpu"))
def high_cpu(context: Context, settings: WindowAlert) -> Alert:
    busy = cpu(settings.window)
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="CPU time",
        quantity=busy.query,
        triggers=context.triggers(settings, by_users=True),
        recordings=(busy,),
        summary="WORKER is using VALUE of a core",
        description=(
            "WORKER has used more than BOUND of a core for FOR (now VALUE). Next: if latency or "
            "queueing has risen as well, add workers or use smaller models; otherwise leave it "
            "alone."
        ),
        panel=Panel("system", "CPU", "CPU usage"),
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
        triggers=context.triggers(
            settings,
            f"unless on (instance) {rate.query} > 0\nand on (instance) {LATENCY}_count{{}}",
        ),
        recordings=(busy, rate),
        summary="WORKER is using VALUE of a core without any requests",
        description=(
            "WORKER has used more than BOUND of a core for FOR (now VALUE) without any "
            "verification requests. Next: look in its log for something that it keeps retrying."
        ),
        panel=Panel("system", "CPU", f"CPU usage over {w}"),
    )

    def answered(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        """The count of responses, which the app exports from its start, even while it is zero."""
        values = gauge(context.clock, phases, lambda _value: 0.0)
        return [Series(f"{LATENCY}_count", context.api(instance), values)]

    def no_more(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        stopped = [replace(each, traffic=0.0) for each in phases]
        return request_series(context.clock, context.api(instance), stopped, 1.0)

    clock, blind = context.clock, _cpu_inputs(context, settings.window)
    inputs = blind.beside(answered)
    end = clock.tick(settings.window + alert.longest_for) + 2 * clock.interval
    busily = [Phase(end + clock.interval, 2 * alert.bound(alert.triggers[0]))]
    requests = request_series(clock, context.api(HERE), [replace(busily[0], value=0.0)], 1.0)
    return with_standard_cases(
        alert,
        inputs,
        Case("busy serving requests", (*inputs.series(HERE, busily), *requests), silent(end)),
        worst_alone(alert, inputs.beside(no_more), "busy after requests have stopped"),
        requests_over_time(context, settings.window, alert.recordings),
        Case("app metrics are missing", blind.series(HERE, busily), silent(end)),
    )
