"""What a worker may use up: descriptors and threads."""

from __future__ import annotations

from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Panel, Recording
from generator.alerts.testcases.inputs import gauge_inputs, thousandfold
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    MAX_FDS,
    OPEN_FDS,
    THREADS,
)
from generator.thresholds.settings import BoundAlert, Rows
from generator.thresholds.units import Unit

WORKER_LEGEND: Final = "{{instance}} worker {{worker}}"


@define(BoundAlert, Rows("worker.fds"))
def file_descriptors_near_limit(context: Context, settings: BoundAlert) -> Alert:
    used = Recording(
        "saturation", "worker:auditor_worker_fds:usage_ratio", f"{OPEN_FDS}{{}} / {MAX_FDS}{{}}"
    )
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="file descriptors",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary=(
            "Worker {{ $labels.worker }} of {{ $labels.instance }} uses "
            "{{ $value | humanizePercentage }} of its descriptors"
        ),
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has opened "
            "{{ $value | humanizePercentage }} of the files and connections it may, more than "
            "BOUND; past the limit it accepts no request. Next: compare with the database "
            "connections and the clients on the dashboard, then restart the worker or raise its "
            "limit."
        ),
        panel=Panel(
            "system",
            "File descriptors and threads",
            "File descriptors used of the limit",
            WORKER_LEGEND,
        ),
    )
    levels = {OPEN_FDS: thousandfold, MAX_FDS: lambda _value: 1000.0}
    return with_standard_cases(alert, gauge_inputs(context, levels, context.worker, healthy=0.03))


@define(BoundAlert, Rows("worker.threads"))
def many_threads(context: Context, settings: BoundAlert) -> Alert:
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="threads",
        quantity=f"{THREADS}{{}}",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} runs {{ $value }} threads",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has run {{ $value }} threads "
            "for FOR, more than BOUND. Next: see on the dashboard whether their number still "
            "grows, which is a leak of threads, or stands still, which is a pool that is too large."
        ),
        panel=Panel("system", "File descriptors and threads", "Threads", WORKER_LEGEND),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {THREADS: float}, context.worker, healthy=8)
    )
