"""Every query of the dashboards asks for what exists, and shows what the alerts judge."""

from __future__ import annotations

import re

import promql_parser
import pytest

from generator.alerts.model import Alert
from generator.dashboards import errors, latency, queries
from generator.names import LABELS, LOAD_TEST
from tests.bundle import alerts, recordings, thresholds
from tests.grafana import Target, dashboards, panels, selectors, substituted, targets

RECORDED = {each.name: each for each in recordings()}
PROMQL = [
    target for name, board in dashboards().items() for target in targets(name, board, "prometheus")
]
VARIABLE_MATCHERS = re.compile(r',?(job|instance|worker)=~"\$\1"')
# Prometheus's own series of alerts, with the labels that the bundle's alerts have.
ALERT_LABELS = {"alertstate", "alertname", "severity", "service", "category", "job", "instance"}


@pytest.mark.parametrize("target", PROMQL, ids=str)
def test_every_selector_asks_for_series_and_labels_that_exist(target: Target) -> None:
    for selector in selectors(target.expr):
        name = selector.name or ""
        asked = {matcher.name for matcher in selector.matchers.matchers}
        if name == "ALERTS":
            assert asked <= ALERT_LABELS
        elif name in RECORDED:
            level = name.partition(":")[0]
            assert asked <= {"job", "instance", *(["worker"] if level == "worker" else [])}
        else:
            assert name in LABELS, f"{name} is neither measured nor recorded"
            assert asked <= {"job", "instance", *LABELS[name]}


@pytest.mark.parametrize("target", PROMQL, ids=str)
def test_aggregations_keep_only_labels_that_exist(target: Target) -> None:
    known = {
        "job",
        "instance",
        "alertname",
        *(label for found in LABELS.values() for label in found),
    }
    for labels in re.findall(r"\bby \(([^)]*)\)", target.expr):
        assert {label.strip() for label in labels.split(",")} <= known


def test_every_variable_query_asks_for_series_that_exist() -> None:
    for board in dashboards().values():
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found
            (selector,) = selectors(found[1])
            assert selector.name in LABELS
            assert found[2] in {"job", "instance", *LABELS[selector.name]}


def test_every_annotation_asks_for_series_that_exist() -> None:
    for board in dashboards().values():
        *asked, load_tests = board["annotations"]["list"]
        assert load_tests["target"]["tags"] == [thresholds().service.name, LOAD_TEST]
        for annotation in asked:
            assert annotation["expr"] == annotation["target"]["expr"]
            for selector in selectors(annotation["expr"]):
                assert selector.name == "ALERTS" or selector.name in LABELS


@pytest.mark.parametrize("name", ["overview", "latency", "system", "errors"])
def test_every_variable_is_used_and_no_other(name: str) -> None:
    board = dashboards()[name]
    text = str([*board["panels"], *board["annotations"]["list"]])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used == {variable["name"] for variable in board["templating"]["list"]}


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_the_panel_of_an_alert_plots_its_very_expression(alert: Alert) -> None:
    (panel,) = [
        panel
        for panel in panels(dashboards()[alert.panel.dashboard])
        if panel["id"] == alert.panel.id
    ]
    (target,) = panel["targets"]
    assert VARIABLE_MATCHERS.sub("", target["expr"]) == alert.quantity
    assert target["legendFormat"] == alert.legend
    assert target["range"]


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each.name)
def test_the_panel_of_an_alert_follows_the_variables_of_its_place(alert: Alert) -> None:
    board = dashboards()[alert.panel.dashboard]
    panel = next(panel for panel in panels(board) if panel["id"] == alert.panel.id)
    expr = panel["targets"][0]["expr"]
    wanted = {"bundle": (), "job": (), "instance": ("instance",), "worker": ("instance", "worker")}
    for variable in ("instance", "worker"):
        assert (f'{variable}=~"${variable}"' in expr) == (variable in wanted[alert.scope])


def test_matchers_are_added_where_the_metric_has_the_label() -> None:
    assert queries.with_variables("sum by (le) (rate(up{}[5m])) / auditor_worker_threads{}") == (
        'sum by (le) (rate(up{job=~"$job",instance=~"$instance"}[5m]))'
        ' / auditor_worker_threads{job=~"$job",instance=~"$instance",worker=~"$worker"}'
    )
    assert queries.with_variables('up{job="a"}') == 'up{job="a",job=~"$job",instance=~"$instance"}'
    with pytest.raises(KeyError):
        queries.with_variables("unheard_of{}")


def test_the_share_within_a_target_reads_the_histogram() -> None:
    rate = "sum(rate(auditor_verify_latency_seconds_{}[$__rate_interval]))"
    count = rate.format("count{}")
    buckets = (0.5, 1.0, 2.5)

    def bucket(le: str) -> str:
        return rate.format(f'bucket{{le="{le}"}}')

    assert latency.share(buckets, 1) == f"{bucket('1.0')} / ({count} > 0)"
    assert latency.share(buckets, 9) == f"{bucket('2.5')} / ({count} > 0)"
    assert latency.share(buckets, 1.75) == (
        f"(0.5 * {bucket('1.0')} + 0.5 * {bucket('2.5')}) / ({count} > 0)"
    )
    assert latency.share(buckets, 0.1) == f"(0.8 * 0 + 0.2 * {bucket('0.5')}) / ({count} > 0)"


def test_errors_are_zero_before_the_first_one() -> None:
    (target,) = [each for each in PROMQL if each.panel == "Verifications by status"]
    parsed = promql_parser.parse(substituted(target.expr))
    assert isinstance(parsed, promql_parser.BinaryExpr)
    assert "label_replace" in str(parsed.rhs)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "Verification failed: CUDA out of memory. Tried to allocate 20.00 MiB",
            "Verification failed: CUDA out of memory. Tried to allocate",
        ),
        (
            "Verification failed: (psycopg2.OperationalError) could not connect: refused",
            "Verification failed: (psycopg2.OperationalError) could not connect",
        ),
        ("Verification failed: 'total_sentences'", "Verification failed"),
        ("Request 4711 failed", "Request"),
        ("Database is locked", "Database is locked"),
    ],
)
def test_the_kind_of_a_log_line_leaves_out_what_differs(message: str, kind: str) -> None:
    line = f"2026-01-31 12:00:00,123 - auditor.api.server - ERROR - {message}"
    found = re.search(errors.KIND, line)
    assert found
    assert found["kind"].rstrip() == kind
    assert found["logger"] == "auditor.api.server"


def test_logs_are_read_from_the_configured_streams() -> None:
    found = list(targets("errors", dashboards()["errors"], "loki"))
    assert len(found) == 3
    for target in found:
        assert thresholds().dashboards.log_selector in target.expr
