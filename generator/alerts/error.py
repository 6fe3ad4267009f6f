"""Failed requests."""

from __future__ import annotations

from collections.abc import Sequence

from generator.alerts.build import (
    Kit,
    error_ratio,
    errors,
    many_users,
    requests,
    triggers,
    users_paths,
    while_users_allow,
)
from generator.alerts.model import Alert, Case, Firing, Moment, Panel, Series
from generator.alerts.proof import HERE, Drive, low_traffic, prove
from generator.alerts.series import Phase, counter, gauge, selector
from generator.names import REQUESTS, UP
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return high_error_rate(kit), requests_failing(kit)


def _drive(kit: Kit, window: float, min_requests: float) -> Drive:
    """Requests so many that a single scrape's worth is twice what the window must hold."""

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return kit.request_series(instance, phases, 2 * min_requests)

    return Drive(
        clock=kit.clock,
        series=series,
        labels=kit.api,
        healthy=0.0,
        onset=kit.second_sample,
        counters=True,
        flood=kit.flood(window),
    )


def high_error_rate(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.high_error_rate
    window = settings.window
    floor = f"and on (job, instance) {requests(window).query} >= {settings.min_requests}"
    found = triggers(kit.thresholds, settings, floor, while_users_allow)
    ratio = error_ratio(window)
    alert = Alert(
        name="AuditorHighErrorRate",
        settings="alerts.high_error_rate",
        family="error",
        place="instance",
        quantity=ratio.query,
        op=">",
        unit=Unit.RATIO,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        recordings=(requests(window), errors(window), ratio),
        summary="{{ $value | humanizePercentage }} of requests to {{ $labels.instance }} fail",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the verifications on {{{{ $labels.instance }}}} failed in the "
            f"last {format_duration(window)}, more than BOUND. Next: read the newest ERROR lines on the errors "
            "dashboard; they name the failing part."
        ),
        panel=Panel("errors", "Failures", 100, "Error ratio", "{{instance}}"),
        origins=users_paths(found),
    )
    drive = _drive(kit, window, settings.min_requests)
    few = _drive(kit, window, settings.min_requests * kit.clock.scrape / window / 2)
    return prove(
        alert,
        drive,
        low_traffic(alert, few, window, 1.0),
        no_traffic(kit),
        *many_users(kit, alert, drive),
    )


def no_traffic(kit: Kit) -> Case:
    """Failures of the past say nothing while no request comes."""
    length = 4 * kit.clock.grid(3600)
    idle = [Phase(length, 0.0, traffic=0.0)]
    series = tuple(
        Series(
            selector(REQUESTS, {**kit.api(HERE), "status": status}),
            counter(kit.clock, idle, lambda _phase: 0.0, start=1000),
        )
        for status in ("success", "error")
    )
    return Case("no traffic", series, (Moment(length // 2, ()), Moment(length, ())))


def requests_failing(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.requests_failing
    window = settings.window
    floor = f"and on (job, instance) {errors(window).query} >= {settings.min_failures}"
    ratio = error_ratio(window)
    alert = Alert(
        name="AuditorRequestsFailing",
        settings="alerts.requests_failing",
        family="error",
        place="instance",
        quantity=ratio.query,
        op=">",
        unit=Unit.RATIO,
        constant=settings.min_ratio,
        triggers=triggers(kit.thresholds, settings, floor),
        keep_firing_for=settings.keep_firing_for,
        recordings=(requests(window), errors(window), ratio),
        summary="Most requests to {{ $labels.instance }} fail",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the verifications on {{{{ $labels.instance }}}} failed in the "
            f"last {format_duration(window)}: more than BOUND, and at least {settings.min_failures} of them. Next: read "
            "the newest ERROR lines on the errors dashboard; with little traffic few lines say it all."
        ),
        panel=Panel("errors", "Failures", 101, "Error ratio at low traffic", "{{instance}}"),
    )
    return prove(
        alert,
        _drive(kit, window, settings.min_failures / settings.min_ratio),
        no_traffic(kit),
        *_single_requests(kit, alert),
    )


def _single_requests(kit: Kit, alert: Alert) -> tuple[Case, ...]:
    """Few requests, one by one, of a status that has no series until it first happens."""
    settings = kit.thresholds.alerts.requests_failing
    clock, window, few = kit.clock, settings.window, settings.min_failures
    quiet = clock.grid(window) + 2 * clock.step
    wait = max(trigger.for_ for trigger in alert.triggers)
    up = Series(selector(UP, kit.api(HERE)), gauge(clock, [Phase(2 * quiet + clock.grid(wait), 1.0)], float))

    def born(status: str, count: int) -> Series:
        """A series that comes into being with `count` requests at once."""
        labels = {**kit.api(HERE), "status": status}
        samples = (quiet + clock.grid(wait)) // clock.scrape
        return Series(selector(REQUESTS, labels), f"_x{quiet // clock.scrape} {count}x{samples}")

    everything = tuple(Firing(trigger.severity, 1.0, kit.api(HERE), {}) for trigger in alert.triggers)
    seen = quiet + clock.tick(wait)
    return (
        Case(
            "a first burst of failures between two scrapes",
            (up, born("error", few)),
            (Moment(quiet - clock.evaluate, ()), Moment(seen, everything)),
        ),
        Case("one failure too few", (up, born("error", few - 1)), (Moment(seen, ()),)),
        Case(
            "failures as before, but most requests succeed",
            (up, born("error", few), born("success", 10 * few)),
            (Moment(seen, ()),),
        ),
    )
