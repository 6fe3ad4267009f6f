"""Which verifications fail, how many, and why."""

from __future__ import annotations

from typing import Final

from generator import names
from generator.alerts.objectives import objectives
from generator.alerts.recordings import errors
from generator.dashboards import queries
from generator.dashboards.budgets import budget_left
from generator.dashboards.panels import (
    BarGauge,
    Dashboard,
    Logs,
    Panel,
    Query,
    Section,
    TimeSeries,
)
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import WindowAlert
from generator.thresholds.units import format_duration

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
            Section("Failures", (_by_status(), _count(thresholds))),
            Section("Error budget", (budget_left(thresholds, availability),)),
            Section(
                "Logs",
                lines=(
                    (8, (_kinds_over_time(thresholds), _kinds(thresholds))),
                    (12, (_lines(thresholds),)),
                ),
            ),
        ),
    )


def _by_status() -> Panel:
    """A status has no series before it first occurs: errors are 0 until then."""
    none = f'label_replace(0 * {queries.rate(names.REQUESTS)}, "status", "error", "", "")'
    return TimeSeries(
        key="verifications_by_status",
        title="Verifications by status",
        description=(
            "Handled verifications per second. Rejected requests (401, 422, 429) are not counted. "
            "Errors rise while successes fall: something that every request needs is down."
        ),
        queries=(Query(f"{queries.rate(names.REQUESTS, 'status')} or {none}", "{{status}}"),),
        unit="reqps",
        stacked=True,
    )


def _count(thresholds: Thresholds) -> Panel:
    window = thresholds.alert("high_error_rate", WindowAlert).window
    return TimeSeries(
        key="failed_verifications",
        title=f"Failed verifications in the last {format_duration(window)}",
        description=(
            "Absolute number, including the first failures after a start. A few: read their log "
            "lines below. Many: see the error ratio."
        ),
        queries=(Query(errors(window).query, "{{instance}}"),),
        decimals=0,
    )


def _error_lines(thresholds: Thresholds) -> str:
    return f'{thresholds.dashboards.log_selector} |= " - ERROR - "'


def _by_kind(thresholds: Thresholds, window: str) -> str:
    lines = f"{_error_lines(thresholds)} | regexp `{KIND}`"
    return f"sum by (kind) (count_over_time({lines} [{window}]))"


def _kinds_over_time(thresholds: Thresholds) -> Panel:
    return TimeSeries(
        key="error_kinds_over_time",
        title="ERROR lines by kind",
        description=(
            "A kind is the message up to its first number or quotation. A new kind after a "
            "deployment: read its lines below, then roll back."
        ),
        queries=(Query(f"topk(10, {_by_kind(thresholds, '$__interval')})", "{{kind}}", "LogQL"),),
        no_value=NO_ERRORS,
        bars=True,
        stacked=True,
    )


def _kinds(thresholds: Thresholds) -> Panel:
    return BarGauge(
        key="error_kinds",
        title="Kinds of ERROR lines",
        description=(
            "How often each kind occurred in the selected time range. Start with the first."
        ),
        queries=(
            Query(
                f"sort_desc(topk(10, {_by_kind(thresholds, '$__range')}))",
                "{{kind}}",
                "LogQL",
                instant=True,
            ),
        ),
        no_value=NO_ERRORS,
    )


def _lines(thresholds: Thresholds) -> Panel:
    return Logs(
        key="error_lines",
        title="Newest ERROR lines",
        description=(
            "What the Auditor logged when a verification failed. Open a line for its details; the "
            "lines around it show what happened before."
        ),
        queries=(Query(_error_lines(thresholds), language="LogQL"),),
        no_value=NO_ERRORS,
        unit="none",
    )
