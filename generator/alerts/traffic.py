"""Requests that do not come, and requests that are not answered fast enough though they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.build import Kit, request_rate, requests, steady_rate, triggers
from generator.alerts.model import Alert, Case, Firing, Moment, Panel, Series
from generator.alerts.proof import HERE, Drive, prove
from generator.alerts.saturation import waiting
from generator.alerts.series import Phase, counter, gauge, selector
from generator.names import ACCEPT_QUEUE, CONNECTIONS_WAITING, REQUESTS
from generator.thresholds.model import ThroughputLevels, Unit
from generator.thresholds.units import format_duration


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return no_traffic(kit), low_throughput(kit)


def no_traffic(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.no_traffic
    window, before = settings.window, settings.before
    now, then = requests(window), requests(before)
    guard = f"and on (job, instance) {then.query} offset {format_duration(window)} >= {settings.min_requests}"
    alert = Alert(
        name="AuditorNoTraffic",
        settings="alerts.no_traffic",
        family="traffic",
        place="instance",
        quantity=now.query,
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(kit.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(now, then),
        summary="No verification has reached {{ $labels.instance }} for " + format_duration(window),
        description=(
            f"{{{{ $labels.instance }}}} runs, but no verification has reached it for {format_duration(window)}, after at least "
            f"{settings.min_requests} in the {format_duration(before)} before. Next: see whether clients, the gateway or the load "
            "balancer in front of it still send; the service itself is not at fault."
        ),
        panel=Panel("overview", "Traffic", 120, f"Requests within {format_duration(window)}", "{{instance}}"),
    )
    return replace(alert, cases=_no_traffic_cases(kit, alert))


def _no_traffic_cases(kit: Kit, alert: Alert) -> tuple[Case, ...]:
    settings, clock = kit.thresholds.alerts.no_traffic, kit.clock
    busy, quiet = clock.grid(settings.before), clock.grid(settings.window)
    wait, keep = alert.triggers[0].for_, clock.grid(settings.keep_firing_for)
    silent = busy + quiet
    length = clock.grid(quiet + wait) + keep + 8 * clock.step
    firing = tuple(Firing(trigger.severity, 0, kit.api(HERE), {}) for trigger in alert.triggers)
    fires = clock.tick(silent + clock.scrape + wait)

    def course(total: float, after: float) -> tuple[Series, ...]:
        """`total` requests spread over the busy time, `after` a scrape from then on."""
        phases = [Phase(busy, total * clock.scrape / settings.before), Phase(length, after)]
        values = counter(clock, phases, lambda phase: phase.value or 0.0)
        return (Series(selector(REQUESTS, {**kit.api(HERE), "status": "success"}), values),)

    much = 1000.0 * settings.min_requests
    return (
        Case(
            "busy, then silent",
            course(much, 0.0),
            (Moment(silent - 2 * clock.step, ()), Moment(fires - clock.step, ()) if wait else Moment(busy, ()), Moment(fires + clock.step, firing)),
        ),
        Case("hardly any requests before", course(0.9 * settings.min_requests, 0.0), (Moment(fires + clock.step, ()),)),
        Case(
            "a request now and then",
            course(much, 1.2 * clock.scrape / settings.window),
            (Moment(silent, ()), Moment(fires + clock.step, ())),
        ),
    )


def low_throughput(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.low_throughput
    window = settings.window
    found = triggers(kit.thresholds, settings)
    row = found[0].bound.levels if found[0].bound else None
    if not isinstance(row, ThroughputLevels):
        raise TypeError("low_throughput needs a row of the throughput")
    guard = f"and on (instance) {waiting(window).query} >= {row.concurrency}"
    rate = request_rate(window)
    alert = Alert(
        name="AuditorLowThroughput",
        settings="alerts.low_throughput",
        family="traffic",
        place="instance",
        quantity=steady_rate(window),
        op="<",
        unit=Unit.RATE,
        triggers=triggers(kit.thresholds, settings, guard),
        keep_firing_for=settings.keep_firing_for,
        recordings=(rate, waiting(window)),
        summary="{{ $labels.instance }} answers {{ $value | humanize }} requests a second while others wait",
        description=(
            f"{{{{ $labels.instance }}}} answers {{{{ $value | humanize }}}} verifications a second, fewer than BOUND, while "
            f"{row.concurrency} or more wait on average over {format_duration(window)}. Next: low processor time points at the "
            "database or a lock, high processor time at too few workers."
        ),
        panel=Panel("overview", "Traffic", 121, "Request rate", "{{instance}}"),
        origins=tuple(f"targets.{each.bound.row}.concurrency" for each in found if each.bound),
    )
    return prove(alert, _throughput_drive(kit, row, window), *_throughput_cases(kit, alert, row, window))


def _throughput_drive(kit: Kit, row: ThroughputLevels, window: float, queue: float | None = None) -> Drive:
    """Requests at the wanted rate while `queue` wait (just as many as the row speaks of)."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def queued(phase: Phase) -> float | None:
            return None if phase.value is None else float(row.concurrency if queue is None else queue)

        waits = [replace(phase, value=queued(phase)) for phase in phases]
        labels = kit.workers(instance)
        rate = counter(kit.clock, phases, lambda phase: (phase.value or 0.0) * phase.traffic * kit.clock.scrape)
        return (
            Series(selector(REQUESTS, {**kit.api(instance), "status": "success"}), rate),
            Series(selector(CONNECTIONS_WAITING, labels), gauge(kit.clock, waits, float)),
            Series(selector(ACCEPT_QUEUE, labels), gauge(kit.clock, waits, lambda _value: 0.0)),
        )

    return Drive(
        clock=kit.clock,
        series=series,
        labels=kit.api,
        healthy=2 * row.target,
        onset=kit.steady(window),
        counters=True,
        flood=kit.flood(window),
    )


def _throughput_cases(kit: Kit, alert: Alert, row: ThroughputLevels, window: float) -> tuple[Case, ...]:
    """Few requests while nobody waits are a quiet hour."""
    drive = _throughput_drive(kit, row, window, row.concurrency * 0.99)
    end = kit.clock.grid(drive.onset(0, 0) + max(each.for_ for each in alert.triggers)) + 2 * kit.clock.step
    series = drive.series(HERE, [Phase(end + kit.clock.step, alert.bound(alert.triggers[0]) / 2)])
    return (Case("few requests and too few that wait", tuple(series), (Moment(end, ()),)),)
