"""The alarm that watches the alarm."""

from __future__ import annotations

from generator.alerts.build import Kit, triggers
from generator.alerts.model import Alert, Case, Firing, Moment, Panel
from generator.thresholds.model import Unit


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (watchdog(kit),)


def watchdog(kit: Kit) -> Alert:
    """Fires for ever, so that its silence tells of a broken chain from Prometheus to the receiver."""
    settings = kit.thresholds.alerts.watchdog
    found = triggers(kit.thresholds, settings)
    wait = kit.clock.tick(found[0].for_)
    firing = tuple(Firing(trigger.severity, 1, {}, {}) for trigger in found)
    before = (Moment(wait - kit.clock.evaluate, ()),) if wait else ()
    return Alert(
        name="AuditorWatchdog",
        settings="alerts.watchdog",
        family="meta",
        place="bundle",
        quantity="vector(1)",
        op=">",
        unit=Unit.COUNT,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        summary="The alerting chain works",
        description=(
            "This alert always fires. Whoever receives it raises the alarm when it stops: then Prometheus, Alertmanager or the way "
            "between them is broken."
        ),
        panel=Panel("overview", "Availability", 107, "Watchdog", "watchdog"),
        cases=(Case("always", (), (*before, Moment(wait, firing), Moment(wait + 3600, firing))),),
    )
