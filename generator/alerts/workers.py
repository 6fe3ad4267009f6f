"""The worker processes themselves: missing ones, and ones that start again and again."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.build import Kit, triggers
from generator.alerts.model import Alert, Case, Moment, Panel, Recording, Series
from generator.alerts.proof import HERE, Drive, at_once, prove
from generator.alerts.series import Phase, counter, selector
from generator.names import WORKER_STARTS, WORKERS
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return workers_missing(kit), worker_crash_loop(kit)


def workers_missing(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.workers_missing
    expected = kit.thresholds.service.expected_workers
    alert = Alert(
        name="AuditorWorkersMissing",
        settings="alerts.workers_missing",
        family="workers",
        place="instance",
        quantity=f"{WORKERS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=expected,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="{{ $labels.instance }} runs {{ $value }} of BOUND workers",
        description=(
            "{{ $labels.instance }} has run {{ $value }} of BOUND workers for FOR, so it serves less at once. Next: read the "
            "Auditor's log for why a worker ended or cannot start, then restart the service."
        ),
        panel=Panel("system", "Workers", 130, "Workers alive", "{{instance}}"),
        origins=("service.expected_workers",),
    )
    return prove(alert, kit.gauge_drive({WORKERS: float}, kit.workers, healthy=expected))


def starts(window: float, expected: int) -> Recording:
    """Starts of worker processes in the window, for each expected worker."""
    w = format_duration(window)
    return Recording(
        f"instance:auditor_worker_starts:per_worker_increase{w}", f"increase({WORKER_STARTS}{{}}[{w}]) / {expected}"
    )


def worker_crash_loop(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.worker_crash_loop
    expected = kit.thresholds.service.expected_workers
    rate = starts(settings.window, expected)
    window = format_duration(settings.window)
    alert = Alert(
        name="AuditorWorkerCrashLoop",
        settings="alerts.worker_crash_loop",
        family="workers",
        place="instance",
        quantity=rate.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(rate,),
        summary="Workers of {{ $labels.instance }} start again and again",
        description=(
            f"Each of the {expected} workers of {{{{ $labels.instance }}}} started {{{{ $value | humanize }}}} times on average "
            f"within {window}, more than BOUND. Next: read the last lines of the Auditor's log before each start; look for the "
            "kernel's out-of-memory killer in the system's log."
        ),
        panel=Panel("system", "Workers", 131, f"Starts of each worker within {window}", "{{instance}}"),
        origins=("service.expected_workers",),
    )

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def growth(phase: Phase) -> float:
            return (phase.value or 0.0) * expected * kit.clock.scrape / settings.window

        return (Series(selector(WORKER_STARTS, kit.workers(instance)), counter(kit.clock, phases, growth)),)

    drive = Drive(
        clock=kit.clock, series=series, labels=kit.workers, healthy=0.0, onset=at_once, counters=True
    )
    return prove(alert, kit.filling(drive, settings.window), _deploy(kit, expected))


def _deploy(kit: Kit, expected: int) -> Case:
    """Every worker is replaced once, and the sidecar restarts and counts them anew."""
    clock = kit.clock
    quiet = clock.grid(600) // clock.scrape
    values = f"{expected}x{quiet} {2 * expected}x{quiet} {expected}x{quiet}"
    moments = tuple(Moment(clock.grid(600) * part / 2 // clock.evaluate * clock.evaluate, ()) for part in range(1, 7))
    return Case("a deploy and a restart of the sidecar", (Series(selector(WORKER_STARTS, kit.workers(HERE)), values),), moments)
