"""File descriptors and threads of a worker."""

from __future__ import annotations

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Panel, Recording
from generator.alerts.testcases.inputs import gauge_inputs, thousandfold
from generator.alerts.testcases.standard import with_standard_cases
from generator.names import MAX_FDS, OPEN_FDS, THREADS
from generator.thresholds.settings import BoundAlert, Rows


@define(BoundAlert, Rows("worker.fds"))
def file_descriptors_near_limit(context: Context, settings: BoundAlert) -> Alert:
    used = Recording(
        "saturation",
        "worker:auditor_worker_fds:usage_ratio",
        f"{OPEN_FDS}{{}} / {MAX_FDS}{{}}",
        has_gaps=True,
    )
    alert = Alert(
        family="saturation",
        scope="worker",
        detects="file descriptors",
        quantity=used.query,
        triggers=context.triggers(settings),
        recordings=(used,),
        summary="WORKER is using VALUE of its file descriptor limit",
        description=(
            "WORKER has used more than BOUND of its file descriptor limit for FOR (now VALUE); at "
            "the limit, it cannot accept requests. Next: compare with database connections and "
            "clients on the system dashboard, then restart the worker or raise its limit."
        ),
        panel=Panel("system", "File descriptors and threads", "File descriptor usage"),
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
        triggers=context.triggers(settings),
        summary="WORKER has VALUE threads",
        description=(
            "WORKER has had more than BOUND threads for FOR (now VALUE). Next: check on the system "
            "dashboard whether the number is still growing, which is a thread leak, or steady, "
            "which is an oversized thread pool."
        ),
        panel=Panel("system", "File descriptors and threads", "Threads"),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {THREADS: float}, context.worker, healthy=8)
    )
