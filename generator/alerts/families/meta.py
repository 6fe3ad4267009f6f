"""The alarm that watches the alarm."""

from __future__ import annotations

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Cause,
    ExpectedAlert,
    Panel,
    Query,
    Runbook,
)
from generator.alerts.triggers import triggers
from generator.names import UP
from generator.thresholds.levels import Unit
from generator.thresholds.settings import ConditionAlert


@define(ConditionAlert)
def watchdog(context: Context, settings: ConditionAlert) -> Alert:
    """Fires for ever: its silence tells of a broken chain from Prometheus to the receiver."""
    found = triggers(context.thresholds, settings)
    wait = context.clock.tick(found[0].for_)
    firing = tuple(ExpectedAlert(trigger.severity, 1, {}, {}) for trigger in found)
    before = (AlertTest(wait - context.clock.interval, ()),) if wait else ()
    return Alert(
        key="watchdog",
        family="meta",
        scope="bundle",
        detects=None,
        quantity="vector(1)",
        op=">",
        unit=Unit.COUNT,
        triggers=found,
        keep_firing_for=settings.keep_firing_for,
        summary="The alerting chain works",
        description=(
            "This alert always fires. Whoever receives it raises the alarm when it stops: then "
            "Prometheus, Alertmanager or the way between them is broken."
        ),
        panel=Panel("overview", "Availability", "Watchdog", "watchdog", unfiltered=True),
        runbook=Runbook(
            summary=(
                "It always fires: as long as it arrives, the way of an alert from Prometheus to "
                "its receiver works."
            ),
            first=(
                (
                    "You are here because it stopped arriving: no other alert would reach you now "
                    "either."
                ),
                (
                    "Open Prometheus's page `/alerts`. AuditorWatchdog is not firing there: "
                    "Prometheus or its rules are at fault."
                ),
                "It fires there: Alertmanager, its route, or the receiver is.",
                f"Meanwhile look yourself whether the Auditor is well: `{remedies.HEALTH}`.",
            ),
            meaning=(
                "The rule has no condition. Its arrival says that Prometheus evaluates rules, that "
                "Alertmanager takes and routes alerts, and that the receiver takes them. It says "
                "nothing about the Auditor, nor whether scrapes succeed. The receiver must be one "
                "that raises the alarm when it hears nothing."
            ),
            impact="Nobody but you: every alert of this bundle goes unheard.",
            queries=(Query("Jobs that are scraped", f"count by (job) ({UP}{{}} == 1)"),),
            causes=(
                Cause(
                    "Prometheus is down, or has not loaded the rules",
                    "Its log names a rule file that it refuses; it then goes on with the rules "
                    "before, or does not start.",
                    commands=(
                        "curl -sS --max-time 10 http://localhost:9090/-/healthy",
                        "promtool check rules alerts/*.yml",
                    ),
                ),
                Cause(
                    "Prometheus does not reach Alertmanager",
                    "Its page `/status` lists the Alertmanagers that it knows.",
                    commands=("curl -sS --max-time 10 http://localhost:9093/-/healthy",),
                ),
                Cause(
                    "Alertmanager routes it elsewhere, or somebody silenced it",
                    "Ask for the route and for the silences.",
                    commands=(
                        (
                            "amtool config routes test --config.file=alertmanager.yml "
                            "alertname=AuditorWatchdog severity=info"
                        ),
                        "amtool silence query --alertmanager.url=http://localhost:9093",
                    ),
                ),
                Cause(
                    "The receiver is down, or its key has expired",
                    "Alertmanager's log names every notification that failed.",
                ),
            ),
            escalate=(
                "To the platform team at once: until it is mended, nobody is called for anything."
            ),
        ),
        cases=(
            Case("always", (), (*before, AlertTest(wait, firing), AlertTest(wait + 3600, firing))),
        ),
    )
