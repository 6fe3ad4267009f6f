"""What a worker may use up: descriptors and threads."""

from __future__ import annotations

from typing import Final

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Cause, Panel, Query, Recording, Runbook
from generator.alerts.testcases.inputs import gauge_inputs, thousandfold
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    API_CONNECTIONS,
    DB_CONNECTIONS,
    MAX_FDS,
    OPEN_FDS,
    RESIDENT_MEMORY,
    START_TIME,
    THREADS,
    WORKER_INFO,
)
from generator.thresholds.levels import Unit
from generator.thresholds.settings import BoundAlert, Rows

WORKER_LEGEND: Final = "{{instance}} worker {{worker}}"


@define(BoundAlert, Rows("worker.fds"))
def file_descriptors_near_limit(context: Context, settings: BoundAlert) -> Alert:
    used = Recording(
        "saturation", "worker:auditor_worker_fds:usage_ratio", f"{OPEN_FDS}{{}} / {MAX_FDS}{{}}"
    )
    alert = Alert(
        key="file_descriptors_near_limit",
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
            "Descriptors and threads",
            "File descriptors used of the limit",
            WORKER_LEGEND,
        ),
        runbook=Runbook(
            summary="A worker has nearly as many files and connections open as it may.",
            first=(
                (
                    "See what the worker has open: take `pid` from the query below and count "
                    "(first command)."
                ),
                "Critical: restart the worker with SIGTERM, one at a time. That frees all of them.",
                (
                    "Before that, note which kind has grown: sockets of clients, of the database, "
                    "or files."
                ),
            ),
            meaning=(
                "The worker's open descriptors are above the bound's share of its soft limit. A "
                "descriptor is a file, a socket or a pipe. Past the limit the worker can neither "
                "accept a connection nor open a file (`Too many open files`). It does not say that "
                "any request has failed yet."
            ),
            impact=(
                "Nobody yet; at the limit the requests that this worker should take fail or wait."
            ),
            queries=(
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query("Open descriptors and their limit", f"{OPEN_FDS}{{}} or {MAX_FDS}{{}}"),
                Query("Database connections of each worker", f"{DB_CONNECTIONS}{{}}"),
                Query("Connections of clients", f"{API_CONNECTIONS}{{}}"),
            ),
            causes=(
                Cause(
                    "Many clients keep their connections",
                    "Sockets lead the count, and the clients' connections are as many. Close idle "
                    "ones sooner, or share the load between more workers.",
                    settings=("KEEP_ALIVE=5",),
                    commands=(
                        "# pid: label of auditor_worker_info; as root or as the Auditor's user",
                        (
                            "find \"/proc/$pid/fd\" -type l -printf '%l\\n' | sed 's/[:[].*//' | "
                            "sort | uniq -c | sort -rn | head"
                        ),
                    ),
                ),
                remedies.LEAKED_CONNECTIONS,
                Cause(
                    "Files are not closed",
                    "Paths lead the count, one of them again and again. Whatever opens it belongs "
                    "in a `with` block; restart the worker until then.",
                ),
                Cause(
                    "The limit is low",
                    "1024 is a usual soft limit. Raise it where the service is started: `ulimits: "
                    "nofile: 65536` in Compose, `LimitNOFILE=65536` in a systemd unit. A running "
                    "worker can be helped at once.",
                    commands=(
                        "grep 'Max open files' \"/proc/$pid/limits\"",
                        'sudo prlimit --pid "$pid" --nofile=65536:65536',
                    ),
                ),
            ),
            escalate=(
                "Critical: to the developers if a restarted worker is back at the bound within the "
                "hour. Otherwise a ticket."
            ),
        ),
    )
    levels = {OPEN_FDS: thousandfold, MAX_FDS: lambda _value: 1000.0}
    return with_standard_cases(alert, gauge_inputs(context, levels, context.worker, healthy=0.03))


@define(BoundAlert, Rows("worker.threads"))
def many_threads(context: Context, settings: BoundAlert) -> Alert:
    alert = Alert(
        key="many_threads",
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
        panel=Panel("system", "Descriptors and threads", "Threads", WORKER_LEGEND),
        runbook=Runbook(
            summary="A worker runs more threads than it should need.",
            first=(
                "See on the panel whether their number still grows or stands still.",
                (
                    "It grows: a leak. Save the threads' names (first command), then restart the "
                    "worker with SIGTERM."
                ),
                "It stands still: a pool of that size. A ticket is enough.",
            ),
            meaning=(
                "The worker process has had more threads than the bound for the whole time. Their "
                "number is that of the kernel, so it holds those of the numeric libraries as well: "
                "by default these start one for each core. It does not say that they do anything."
            ),
            impact="Nobody yet; each thread keeps memory, and many busy ones slow each other down.",
            queries=(
                Query("Process id of each worker", f"{WORKER_INFO}{{}}"),
                Query("Resident memory of each worker", f"{RESIDENT_MEMORY}{{}}"),
                Query("Age of each worker, in seconds", f"time() - {START_TIME}{{}}"),
            ),
            causes=(
                remedies.ENDLESS_THREADS,
                Cause(
                    "A pool is larger than this machine needs",
                    "The number jumps with the first request and stays. With many cores the "
                    "libraries' own pools alone can reach the bound: then raise the row "
                    "`worker.threads` of the targets.",
                    commands=("nproc",),
                ),
            ),
            escalate=(
                "Critical and still growing after a restart: to the developers. Otherwise a ticket."
            ),
        ),
    )
    return with_standard_cases(
        alert, gauge_inputs(context, {THREADS: float}, context.worker, healthy=8)
    )
