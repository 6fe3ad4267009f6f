"""Is the Auditor well, and if not, where to look next."""

from __future__ import annotations

from typing import Final

from generator import names
from generator.alerts import objectives
from generator.alerts.families.traffic import WaitAlert
from generator.alerts.families.workers import WorkersAlert, wanted_workers
from generator.alerts.recordings import errors, quantile, requests
from generator.dashboards import queries, steps
from generator.dashboards.budgets import budget_panels
from generator.dashboards.panels import (
    BarGauge,
    Dashboard,
    Heatmap,
    Link,
    Panel,
    Query,
    Section,
    Stat,
    StateTimeline,
    Table,
    TimeSeries,
)
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import WindowAlert
from generator.thresholds.units import format_duration, spoken

_WAITING: Final = f"sum({names.CONNECTIONS_WAITING}{{}}) + sum({names.ACCEPT_QUEUE}{{}})"


def build(thresholds: Thresholds) -> Dashboard:
    return Dashboard(
        name="overview",
        title="Auditor / Overview",
        description=(
            "Is the Auditor healthy? The description of each red panel says what to do next."
        ),
        sections=(
            Section(
                "Now",
                lines=(
                    (4, _service(thresholds)),
                    (4, _reserves(thresholds)),
                    (8, (_firing(thresholds), _history(thresholds))),
                ),
            ),
            Section("Traffic", (_CONNECTIONS,)),
            Section("Budgets", budget_panels(thresholds, *objectives.objectives(thresholds))),
            Section("Availability"),
            Section("Quality", (_MEAN_CONFIDENCE, _CONFIDENCE)),
        ),
    )


def _service(thresholds: Thresholds) -> tuple[Panel, ...]:
    failures, p95 = thresholds.targets.error_rate.normal, thresholds.targets.latency.p95
    window = thresholds.alert("high_error_rate", WindowAlert).window
    failed, all_ = errors(window), requests(window)
    slowest = quantile(names.LATENCY, "p95", thresholds.alert("high_latency", WindowAlert).window)
    return (
        Stat(
            key="request_rate",
            title="Requests per second",
            description=(
                "Verifications handled by all workers. None during working hours: check whether "
                "clients can reach the service."
            ),
            queries=(Query(queries.rate(names.REQUESTS)),),
            unit="reqps",
        ),
        Stat(
            key="failed_share",
            title=f"Failed in the last {spoken(format_duration(window))}",
            description=(
                "Share of verifications that failed. Next: Failures on the errors dashboard."
                f"\n\n{steps.row_in_words(failures)}"
            ),
            queries=(Query(f"sum({failed.query}) / (sum({all_.query}) > 0)"),),
            unit="percentunit",
            steps=steps.of_row(failures),
        ),
        Stat(
            key="slowest_p95",
            title="p95 of the slowest instance",
            description=(
                "95% of verifications take this long or less, not counting the wait for a worker. "
                f"Next: the latency dashboard.\n\n{steps.row_in_words(p95)}"
            ),
            queries=(Query(f"max({slowest.query})"),),
            unit="s",
            steps=steps.of_row(p95),
        ),
        Stat(
            key="active_clients",
            title="Active clients",
            description=(
                "Addresses with an open connection to the API. A proxy counts as one client."
            ),
            queries=(Query(f"sum({names.API_CLIENTS}{{}})"),),
        ),
    )


def _reserves(thresholds: Thresholds) -> tuple[Panel, ...]:
    slo = thresholds.slo
    wanted, spoken = wanted_workers(thresholds.alert("workers_missing", WorkersAlert))
    availability, _ = objectives.objectives(thresholds)
    many = thresholds.alert("requests_waiting", WaitAlert).min_waiting
    burn = objectives.burn_rate(availability, slo.burn.fast.window)
    return (
        BarGauge(
            key="workers_alive",
            title="Workers running",
            description=(
                f"Worker processes per instance, as a share of {spoken}. Below 100%: see Workers "
                "on the system dashboard."
            ),
            queries=(Query(f"{names.WORKERS}{{}} / {wanted}", "{{instance}}"),),
            unit="percentunit",
            maximum=1,
            steps=steps.from_bound(1, steps.RED, below=True),
        ),
        Stat(
            key="waiting",
            title="Requests waiting",
            description=(
                "Requests that no worker has started on yet. The app's own latency does not "
                "include this wait. Growing: see Waiting on the latency dashboard."
            ),
            queries=(Query(_WAITING),),
            steps=steps.from_bound(many, steps.ORANGE),
        ),
        Stat(
            key="error_budget",
            title=f"Error budget left of {format_duration(slo.period)}",
            description=(
                "How much of the failures allowed in this period is left. Below zero: put "
                "reliability before features."
            ),
            queries=(Query(f"min({objectives.remaining(thresholds, availability).query})"),),
            unit="percentunit",
            minimum=None,
            steps=steps.from_bound(0, steps.RED, below=True),
        ),
        Stat(
            key="burn_rate",
            title=f"Budget burn rate over {format_duration(slo.burn.fast.window)}",
            description=(
                "At 1 the budget lasts exactly one period. Above 1: see Failures on the errors "
                "dashboard."
            ),
            queries=(Query(f"max({burn.query})"),),
            steps=steps.from_bound(1, steps.ORANGE),
        ),
    )


def _firing(thresholds: Thresholds) -> Table:
    runbook = f"{thresholds.service.links.runbooks}/${{__value.text}}.md"
    return Table(
        key="firing_alerts",
        title="Firing alerts",
        description="Start with the critical ones. The name of an alert links to its runbook.",
        queries=(Query(queries.alerts(thresholds.service.name), unfiltered=True),),
        no_value="No alert is firing",
        unit="string",
        labels={
            "alertname": "Alert",
            "severity": "Severity",
            "category": "Category",
            "instance": "Instance",
            "worker": "Worker",
        },
        column_links={"Alert": Link("Runbook", runbook)},
    )


def _history(thresholds: Thresholds) -> StateTimeline:
    states = {3: ("critical", steps.RED), 2: ("warning", steps.ORANGE), 1: ("info", steps.BLUE)}
    ranked = " or ".join(
        f"{rank} * {queries.alerts(thresholds.service.name, severity)}"
        for rank, (severity, _) in states.items()
    )
    return StateTimeline(
        key="alert_history",
        title="Alerts over time",
        description=(
            "Which alerts fired when. The first alert of an outage often points to its cause."
        ),
        queries=(Query(f"max by (alertname) ({ranked})", "{{alertname}}", unfiltered=True),),
        no_value="No alert fired",
        states=states,
    )


_CONNECTIONS: Final = TimeSeries(
    key="connections",
    title="Connections and clients",
    description=(
        "Open connections to the API, and the number of addresses they come from. Many connections "
        "from few clients: a client does not close them."
    ),
    queries=(
        Query(f"{names.API_CONNECTIONS}{{}}", "{{instance}} connections"),
        Query(f"{names.API_CLIENTS}{{}}", "{{instance}} clients"),
    ),
)

_MEAN_CONFIDENCE: Final = TimeSeries(
    key="mean_confidence",
    title="Mean confidence",
    description=(
        "Mean confidence score of the answers. A sudden drop: check whether the sources, the model "
        "or the questions changed."
    ),
    queries=(Query(queries.mean(names.CONFIDENCE), "mean"),),
    unit="none",
    decimals=2,
    maximum=1,
)

_CONFIDENCE: Final = Heatmap(
    key="confidence",
    title="Confidence scores",
    description=(
        "Distribution of the confidence scores. Two bands: two kinds of questions or sources."
    ),
    queries=(queries.buckets(names.CONFIDENCE),),
    unit="none",
)
