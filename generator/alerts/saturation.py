"""What runs out before requests fail: descriptors, threads, processor time, workers to take a request."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.build import Kit, many_users, request_rate, steady_rate, thousandfold, triggers, users_paths, while_users_allow
from generator.alerts.latency import quantile, quantile_drive
from generator.alerts.model import Alert, Case, Moment, Panel, Recording, Series
from generator.alerts.proof import HERE, Drive, at_once, prove
from generator.alerts.series import Phase, counter, gauge, selector
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, CPU_SECONDS, MAX_FDS, OPEN_FDS, PROBE_DURATION, THREADS
from generator.promql import number
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration

WORKER_LEGEND = "{{instance}} worker {{worker}}"


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (
        file_descriptors_near_limit(kit),
        many_threads(kit),
        high_cpu(kit),
        idle_cpu(kit),
        requests_waiting(kit),
        slow_probe(kit),
    )


def file_descriptors_near_limit(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.file_descriptors_near_limit
    used = Recording("worker:auditor_worker_fds:usage_ratio", f"{OPEN_FDS}{{}} / {MAX_FDS}{{}}")
    alert = Alert(
        name="AuditorFileDescriptorsNearLimit",
        settings="alerts.file_descriptors_near_limit",
        family="saturation",
        place="worker",
        quantity=used.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(used,),
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its descriptors",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has opened {{ $value | humanizePercentage }} of the files "
            "and connections it may, more than BOUND; past the limit it accepts no request. Next: compare with the database "
            "connections and the clients on the dashboard, then restart the worker or raise its limit."
        ),
        panel=Panel("system", "Descriptors and threads", 110, "File descriptors used of the limit", WORKER_LEGEND),
    )
    levels = {OPEN_FDS: thousandfold, MAX_FDS: lambda _value: 1000.0}
    return prove(alert, kit.gauge_drive(levels, kit.worker, healthy=0.03))


def many_threads(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.many_threads
    alert = Alert(
        name="AuditorManyThreads",
        settings="alerts.many_threads",
        family="saturation",
        place="worker",
        quantity=f"{THREADS}{{}}",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} runs {{ $value }} threads",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has run {{ $value }} threads for FOR, more than BOUND. "
            "Next: see on the dashboard whether their number still grows, which is a leak of threads, or stands still, which "
            "is a pool that is too large."
        ),
        panel=Panel("system", "Descriptors and threads", 111, "Threads", WORKER_LEGEND),
    )
    return prove(alert, kit.gauge_drive({THREADS: float}, kit.worker, healthy=8))


def cpu(window: float) -> Recording:
    """Share of one core that a worker keeps busy."""
    w = format_duration(window)
    return Recording(
        f"worker:auditor_worker_cpu_seconds:rate{w}",
        f"sum by (job, instance, worker) (rate({CPU_SECONDS}{{}}[{w}]))",
    )


def _cpu_drive(kit: Kit, window: float) -> Drive:
    """Three quarters of the time in user mode; a replaced worker starts its counter again."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def mode(name: str, share: float) -> Series:
            return Series(
                selector(CPU_SECONDS, {**kit.worker(instance), "mode": name}),
                counter(kit.clock, phases, lambda phase: (phase.value or 0.0) * share * kit.clock.scrape),
            )

        return mode("user", 0.75), mode("system", 0.25)

    drive = Drive(
        clock=kit.clock, series=series, labels=kit.worker, healthy=0.0, onset=at_once, counters=True
    )
    return kit.filling(drive, window)


def high_cpu(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.high_cpu
    busy = cpu(settings.window)
    found = triggers(kit.thresholds, settings, milder_guard=while_users_allow)
    alert = Alert(
        name="AuditorHighCpu",
        settings="alerts.high_cpu",
        family="saturation",
        place="worker",
        quantity=busy.query,
        op=">",
        unit=Unit.RATIO,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(busy,),
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} keeps {{ $value | humanizePercentage }} of a core busy",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has kept {{ $value | humanizePercentage }} of a core busy for "
            "FOR, more than BOUND. Next: if latency or waiting rises with it, add workers or choose smaller models; if not, "
            "leave it alone."
        ),
        panel=Panel("system", "Processor", 120, "Processor time", WORKER_LEGEND),
        origins=users_paths(found),
    )
    drive = _cpu_drive(kit, settings.window)
    return prove(alert, drive, *many_users(kit, alert, drive))


def idle_cpu(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.idle_cpu
    busy, rate = cpu(settings.window), request_rate(settings.window)
    alert = Alert(
        name="AuditorIdleCpu",
        settings="alerts.idle_cpu",
        family="saturation",
        place="worker",
        quantity=busy.query,
        op=">",
        unit=Unit.RATIO,
        triggers=triggers(kit.thresholds, settings, f"unless on (instance) {rate.query} > 0"),
        keep_firing_for=settings.keep_firing_for,
        recordings=(busy, rate),
        summary="Worker {{ $labels.worker }} of {{ $labels.instance }} computes without requests",
        description=(
            "Worker {{ $labels.worker }} on {{ $labels.instance }} has kept {{ $value | humanizePercentage }} of a core busy for "
            "FOR, more than BOUND, while no verification came. Next: read its log for something it tries again and again."
        ),
        panel=Panel("system", "Processor", 121, f"Processor time over {format_duration(settings.window)}", WORKER_LEGEND),
    )
    drive = _cpu_drive(kit, settings.window)
    value = 2 * alert.bound(alert.triggers[0])
    end = kit.clock.grid(settings.window + alert.triggers[0].for_) + 2 * kit.clock.step
    length = [Phase(end + kit.clock.step, value)]
    requests = kit.request_series(HERE, [Phase(end + kit.clock.step, 0.0)], 1.0)
    return prove(alert, drive, Case("busy with requests", (*drive.series(HERE, length), *requests), (Moment(end, ()),)))


def waiting(window: float) -> Recording:
    """Requests that no worker has taken yet, on average over the window."""
    w = format_duration(window)
    return Recording(
        f"instance:auditor_api_waiting:avg{w}",
        f"avg_over_time({CONNECTIONS_WAITING}{{}}[{w}]) + avg_over_time({ACCEPT_QUEUE}{{}}[{w}])",
    )


def wait(window: float) -> Recording:
    """Mean time a request waits for a worker, by Little's law: mean number waiting / rate of requests."""
    w = format_duration(window)
    return Recording(
        f"instance:auditor_api_wait_seconds:avg{w}",
        f"{waiting(window).query} / on (instance) group_left () {steady_rate(window)}",
    )


def requests_waiting(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.requests_waiting
    window = settings.window
    floor = f"and on (job, instance) {waiting(window).query} >= {settings.min_waiting}"
    alert = Alert(
        name="AuditorRequestsWaiting",
        settings="alerts.requests_waiting",
        family="saturation",
        place="instance",
        quantity=wait(window).query,
        op=">",
        unit=Unit.DURATION,
        triggers=triggers(kit.thresholds, settings, floor),
        keep_firing_for=settings.keep_firing_for,
        recordings=(waiting(window), request_rate(window), wait(window)),
        summary="Requests to {{ $labels.instance }} wait {{ $value | humanizeDuration }} for a worker",
        description=(
            "A request to {{ $labels.instance }} waits {{ $value | humanizeDuration }} on average before a worker takes it, more "
            "than BOUND; the app's own latency does not contain this. Next: if the workers' processor time is at its end add "
            "workers, else look for what blocks them."
        ),
        panel=Panel("latency", "Waiting", 110, "Mean wait for a worker", "{{instance}}"),
    )
    drive = _wait_drive(kit, window, 2 * settings.min_waiting / alert.bound(alert.triggers[-1]))
    return prove(alert, drive, *_waiting_cases(kit, alert, settings.min_waiting))


def _wait_drive(kit: Kit, window: float, rate: float) -> Drive:
    """`rate` requests a second; as many wait as make the mean wait the wanted value."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        labels = kit.workers(instance)
        return (
            Series(selector(CONNECTIONS_WAITING, labels), gauge(kit.clock, phases, lambda value: value * rate * 0.5)),
            Series(selector(ACCEPT_QUEUE, labels), gauge(kit.clock, phases, lambda value: value * rate * 0.5)),
            *kit.request_series(instance, [_no_errors(phase) for phase in phases], rate * kit.clock.scrape),
        )

    return Drive(
        clock=kit.clock,
        series=series,
        labels=kit.workers,
        healthy=0.0,
        onset=kit.steady(window),
        flood=kit.flood(window),
    )


def _no_errors(phase: Phase) -> Phase:
    return Phase(phase.seconds, None if phase.value is None else 0.0, phase.traffic, phase.reset)


def _waiting_cases(kit: Kit, alert: Alert, minimum: int) -> tuple[Case, ...]:
    """A long wait of too few connections is a slow client; a hung service answers nothing at all."""
    clock = kit.clock
    value = 2 * alert.bound(alert.triggers[0])
    window = kit.thresholds.alerts.requests_waiting.window
    wait = max(trigger.for_ for trigger in alert.triggers)
    length = clock.grid(kit.steady(window)(value, 0) + wait) + 4 * clock.step
    end = length - clock.step
    few = _wait_drive(kit, window, 0.99 * minimum / value)
    return (
        Case("too few wait", tuple(few.series(HERE, [Phase(length, value)])), (Moment(end, ()),)),
        Case(
            "nobody waits",
            tuple(_wait_drive(kit, window, 1.0).series(HERE, [Phase(length, 0.0)])),
            (Moment(end, ()),),
        ),
    )


def slow_probe(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.slow_probe
    read = quantile(PROBE_DURATION, "p50", settings.window)
    alert = Alert(
        name="AuditorSlowProbe",
        settings="alerts.slow_probe",
        family="saturation",
        place="instance",
        quantity=read.query,
        op=">",
        unit=Unit.DURATION,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(read,),
        summary="GET /health of {{ $labels.instance }} takes {{ $value | humanizeDuration }}",
        description=(
            "Half of the probes of {{ $labels.instance }} take {{ $value | humanizeDuration }} or longer, more than BOUND, though "
            "they do no work: every request waits that long for the event loop. Next: see whether requests wait and which "
            "workers are busy."
        ),
        panel=Panel("latency", "Waiting", 111, "Median time of GET /health", "{{instance}}"),
    )
    return prove(alert, quantile_drive(kit, "p50", settings.window, 1000, PROBE_DURATION))
