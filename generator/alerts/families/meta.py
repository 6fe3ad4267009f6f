"""Whether the alerts themselves arrive."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.testcases.expectations import Span, about
from generator.alerts.testcases.series import Phase, counter, every_other_minute
from generator.names import ALERTMANAGER, NOTIFICATIONS_FAILED
from generator.thresholds.fields import PositiveSeconds, doc
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import format_duration


class NotificationsAlert(ConditionAlert):
    window: PositiveSeconds = doc("Range over which lost notifications are counted.")


@define(NotificationsAlert)
def notifications_failing(context: Context, settings: NotificationsAlert) -> Alert:
    """Fires for the integration: Alertmanager's counter does not know the receiver."""
    window = format_duration(settings.window)
    lost = Recording(
        "meta",
        f"job:alertmanager_notifications_failed:increase{window}",
        f"sum by (job, integration) (increase({NOTIFICATIONS_FAILED}{{}}[{window}]))",
    )
    alert = Alert(
        family="meta",
        scope="job",
        detects="notifications lost",
        quantity=lost.query,
        triggers=context.triggers(settings),
        recordings=(lost,),
        summary="Alertmanager could not deliver notifications by {{ $labels.integration }}",
        description=(
            f"In the last {window}, Alertmanager gave up on notifications by "
            "{{ $labels.integration }}, so pages may not have arrived. Next: look for `Notify for "
            "alerts failed` in its log; the line names the receiver and the reason, such as a "
            "missing secret file. Until that is fixed, watch the alerts in Alertmanager."
        ),
        panel=Panel(
            "overview",
            "Availability",
            f"Notifications lost in {window}",
            "{{integration}}",
            unfiltered=True,
        ),
    )
    return replace(alert, cases=_lost_notifications(context, alert, settings.window))


def _counter(integration: str, values: str, instance: str = "0", reason: str = "other") -> Series:
    labels = {"job": ALERTMANAGER, "instance": f"alertmanager-{instance}:9093"}
    labels |= {"integration": integration, "reason": reason}
    return Series(NOTIFICATIONS_FAILED, labels, values)


def _lost_notifications(context: Context, alert: Alert, window: float) -> tuple[Case, ...]:
    clock, i = context.clock, context.clock.interval
    wait, keep = clock.tick(alert.longest_for), clock.tick(alert.keep_firing_for)
    before = clock.tick(window)
    lost = before + i
    gone = lost + clock.tick(window) + keep
    labels = {"job": ALERTMANAGER, "integration": "pagerduty"}
    span, (recording,) = Span(context, window), alert.recordings

    def steps(first: int, then: int) -> str:
        """A counter that changes once, and stays until long after the alert."""
        return f"{first}x{before // i} {then}x{2 * gone // i}"

    failing = every_other_minute(clock, Phase(clock.tick(3 * (window + wait)), 1.0))
    others = (_counter("webhook", steps(7, 7)), _counter("email", steps(9, 0)))
    at = span.at(2)
    return (
        Case(
            "a notification is lost, others arrive",
            (_counter("pagerduty", steps(0, 1)), *others),
            (
                *silent(lost - i),
                *(silent(lost + wait - i) if wait else ()),
                alert.firing(lost + wait, 1, labels),
                alert.is_firing(lost + wait + i),
                alert.firing(gone - 3 * i, 1, labels),
                *silent(gone + wait + i),
            ),
        ),
        Case(
            "scrapes fail every other minute",
            (_counter("pagerduty", counter(clock, failing, lambda _phase: 1.0)),),
            (alert.firing(clock.tick(2 * (window + wait)), 1, labels),),
        ),
        span.case(
            "two of a pair lose notifications for two reasons",
            [
                _counter("pagerduty", span.grows(), instance, reason)
                for instance in "01"
                for reason in ("clientError", "other")
            ],
            [
                about(span.at(1), recording, labels, 4 * span.growth(span.at(1))),
                about(span.at(1.5), recording, labels, 4 * span.growth(span.at(1.5))),
                about(at + 2 * i, recording, labels, 0),
            ],
        ),
    )


@define(ConditionAlert)
def watchdog(context: Context, settings: ConditionAlert) -> Alert:
    """Always fires; its silence means that the path from Prometheus to the receiver is broken."""
    alert = Alert(
        family="meta",
        scope="bundle",
        detects=None,
        quantity="vector(1)",
        triggers=context.triggers(settings),
        summary="The alerting pipeline is working",
        description=(
            "This alert always fires. If it stops arriving, Prometheus, Alertmanager or the "
            "connection between them is broken; its receiver must raise the alarm in that case."
        ),
        panel=Panel("overview", "Availability", "Watchdog", "watchdog", unfiltered=True),
    )
    wait = context.clock.tick(alert.longest_for)
    before = silent(wait - context.clock.interval) if wait else ()
    firing = (alert.firing(at, 1, {}) for at in (wait, wait + 3600))
    return replace(alert, cases=(Case("always firing", (), (*before, *firing)),))
