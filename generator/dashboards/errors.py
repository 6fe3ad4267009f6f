"""Which verifications fail, how many, and why."""

from __future__ import annotations

from typing import Final

from generator import names
from generator.alerts.objectives import objectives
from generator.alerts.recordings import errors
from generator.dashboards import queries
from generator.dashboards.budgets import budget_left
from generator.dashboards.panels import BarGauge, Dashboard, Logs, Panel, Query, Section, TimeSeries
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import WindowAlert
from generator.thresholds.units import format_duration, spoken

NO_ERRORS: Final = "No ERROR lines"
# A line reads `2026-01-31 12:00:00,000 - auditor.api - ERROR - Verification failed: text`. Its kind
# is the message up to what differs between lines: a number, a quotation, or a second colon.
_WORDS: Final = r"""(?:[A-Za-z_]\w*|[^:'"\w])+"""
KIND: Final = rf"- (?P<logger>[^ ]+) - ERROR - (?P<kind>{_WORDS}(?:: {_WORDS})?)"


def build(thresholds: Thresholds) -> Dashboard:
    availability, _ = objectives(thresholds)
    return Dashboard(
        name="errors",
        title="Auditor / Errors",
        description="Which verifications fail, how many, and why. Start with the ERROR lines.",
        sections=(
            Section("Failures", (_BY_STATUS, _count(thresholds))),
            Section("Error budget", (budget_left(thresholds, availability),)),
            _logs(thresholds),
        ),
    )


# A status has no series before it first occurs: errors are 0 until then.
_NONE: Final = f'label_replace(0 * {queries.rate(names.REQUESTS)}, "status", "error", "", "")'
_BY_STATUS: Final = TimeSeries(
    key="verifications_by_status",
    title="Verifications by status",
    description=(
        "Handled verifications per second. Rejected requests (401, 422, 429) are not counted. "
        "Errors rise while successes fall: something that every request needs is down."
    ),
    queries=(Query(f"{queries.rate(names.REQUESTS, 'status')} or {_NONE}", "{{status}}"),),
    unit="reqps",
    stacked=True,
)


def _count(thresholds: Thresholds) -> Panel:
    window = thresholds.alert("high_error_rate", WindowAlert).window
    return TimeSeries(
        key="failed_verifications",
        title=f"Failed verifications in the last {spoken(format_duration(window))}",
        description=(
            "Absolute number, including the first failures after a start. A few: read their log "
            "lines below. Many: see the error ratio."
        ),
        queries=(Query(errors(window).query, "{{instance}}"),),
        decimals=0,
    )


def _logs(thresholds: Thresholds) -> Section:
    lines = f'{thresholds.dashboards.log_selector} |= " - ERROR - "'
    kinds = f"{lines} | regexp `{KIND}`"
    per_interval = f"topk(10, sum by (kind) (count_over_time({kinds} [$__interval])))"
    in_all = f"sort_desc(topk(10, sum by (kind) (count_over_time({kinds} [$__range]))))"
    over_time = TimeSeries(
        key="error_kinds_over_time",
        title="ERROR lines by kind",
        description=(
            "A kind is the message up to its first number or quotation. A new kind after a "
            "deployment: read its lines below, then roll back."
        ),
        queries=(Query(per_interval, "{{kind}}", "LogQL"),),
        no_value=NO_ERRORS,
        bars=True,
        stacked=True,
    )
    totals = BarGauge(
        key="error_kinds",
        title="Kinds of ERROR lines",
        description=(
            "How often each kind occurred in the selected time range. Start with the first."
        ),
        queries=(Query(in_all, "{{kind}}", "LogQL", instant=True),),
        no_value=NO_ERRORS,
    )
    newest = Logs(
        key="error_lines",
        title="Newest ERROR lines",
        description=(
            "What the Auditor logged when a verification failed. Open a line for its details; the "
            "lines around it show what happened before."
        ),
        queries=(Query(lines, language="LogQL"),),
        no_value=NO_ERRORS,
        unit="none",
    )
    return Section("Logs", lines=((8, (over_time, totals)), (12, (newest,))))
