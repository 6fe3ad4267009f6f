"""The demo's stack: data everywhere, inhibited symptoms, and recovery from failures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from demo.stack import Stack
from generator.alerts import all_recordings
from generator.dashboards import render
from generator.promql import plain
from tests.grafana import selectors, substituted, targets
from tests.live.demo import fault_run
from tests.live.waiting import PATIENCE, until

# Why some panels show no data here, by a part of their query.
EMPTY = {
    "absent(": "every job has a target",
    "seconds_to_limit": "no cgroup limit",
    ":first": "no worker has just started",
    "auditor_memory_": "no cgroup limit",
    "auditor_memory:": "no cgroup limit",
    "offset": "no data is that old",
    "ALERTS{": "nothing fires",
}


@pytest.mark.full
def test_every_rule_and_panel_has_data(tmp_path: Path) -> None:
    with fault_run.running_stack(tmp_path / "run") as stack:
        # One failed request, so that its status has a series. All workers fail, as one may be idle.
        stack.inject(["errors"])
        failed = 'auditor_verify_requests_total{status="error"}'
        until(lambda: stack.prometheus.query(failed), "a request has failed", pause=0.25)
        stack.inject([])
        full = "count_over_time(auditor_workers[1h]) > 80"
        until(lambda: stack.prometheus.query(full), "every window is full", pause=0.5)
        fault_run.wait_until_resolved(stack)
        every_selector_matches(stack)
        every_panel_shows_data(stack)
        assert every_rule_evaluates(stack) > 70
        listens_on_loopback_only(stack)


def every_rule_evaluates(stack: Stack) -> int:
    rules = stack.prometheus.rules()
    assert {each["name"]: each.get("lastError") for each in rules if each["health"] != "ok"} == {}
    return len(rules)


def every_selector_matches(stack: Stack) -> None:
    """The metrics and labels of every rule and panel exist in this stack."""
    recorded = all_recordings(stack.thresholds, stack.alerts)
    names = {each.name for group in recorded.values() for each in group}
    exprs = [
        *(alert.expr(trigger) for alert in stack.alerts for trigger in alert.triggers),
        *(plain(each.expr) for group in recorded.values() for each in group),
        *panel_queries(stack),
    ]
    queried = {
        text
        for expr in exprs
        for selector in selectors(expr)
        if selector.name not in (*names, "ALERTS", None)
        for text in [_bare(selector)]
    }
    assert len(queried) > 20
    limits = ("auditor_memory_limit_bytes", "auditor_memory_usage_bytes")
    missing = {text for text in queried if not stack.prometheus.query(text)}
    assert {text for text in missing if not text.startswith(limits)} == set()


def _bare(selector: object) -> str:
    """Name and matchers, without dashboard variables."""
    name = getattr(selector, "name", "")
    matchers = getattr(selector, "matchers", None)
    found = [
        str(each)
        for each in (matchers.matchers if matchers else ())
        if not re.search(r"\$|^\.\+", each.value)
    ]
    return f"{name}{{{','.join(found)}}}"


def panel_queries(stack: Stack) -> list[str]:
    boards = {
        path: json.loads(text) for path, text in render(stack.thresholds, stack.alerts).items()
    }
    found = [
        each.expr for path, board in boards.items() for each in targets(path, board, "prometheus")
    ]
    return [re.sub(r"\$(job|instance|worker)\b", ".+", substituted(expr)) for expr in found]


def every_panel_shows_data(stack: Stack) -> None:
    queries = panel_queries(stack)
    assert len(queries) > 30
    empty = [expr for expr in queries if not stack.prometheus.query(expr)]
    unexplained = [expr for expr in empty if not any(word in expr for word in EMPTY)]
    assert unexplained == []


def listens_on_loopback_only(stack: Stack) -> None:
    ports = {*stack.ports.values(), stack.receiver.port, stack.database.port}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, port = address.split(":")
            if state == "0A" and int(port, 16) in ports:
                found.add(host)
    assert found == {"0100007F"}


@pytest.mark.full
def test_an_alert_for_a_dead_service_inhibits_its_symptoms(tmp_path: Path) -> None:
    with fault_run.running_stack(tmp_path / "run") as stack:
        stack.inject(["errors"])
        until(
            lambda: ("AuditorHighErrorRate", "critical") in fault_run.firing(stack),
            "errors fire",
            fault_run.TIMEOUT,
        )
        stack.components["auditor"].kill()
        down = ("AuditorDown", "critical")
        until(lambda: down in fault_run.firing(stack), "down fires", fault_run.TIMEOUT)
        until(
            lambda: "AuditorHighErrorRate" in stack.alertmanager.inhibited(), "it is inhibited", 30
        )
        notified = {each.alert for each in stack.receiver.notifications}
        until(
            lambda: "AuditorDown" in {each.alert for each in stack.receiver.notifications},
            "the receiver is notified",
            30,
        )
        assert "AuditorWorkersMissing" not in notified
        stack.inject([])
        stack.restart("auditor")
        fault_run.wait_until_resolved(stack)


@pytest.mark.full
def test_every_component_recovers_from_a_restart(tmp_path: Path) -> None:
    """Counters continue, a firing alert keeps firing, and nobody is notified of it again."""
    total = "sum(auditor_verify_requests_total)"
    with fault_run.running_stack(tmp_path / "run") as stack:
        stack.inject(["slow-leak"])
        leak = ("AuditorMemoryLeak", "warning")
        until(lambda: leak in fault_run.firing(stack), "the leak fires", fault_run.TIMEOUT)
        before = stack.prometheus.value(total) or 0
        for name in ("sidecar", "alertmanager", "prometheus"):
            stack.restart(name)
            until(
                lambda: (stack.prometheus.value(total) or 0) >= before, f"after {name}", pause=0.25
            )
            until(
                lambda: leak in fault_run.firing(stack), f"it fires after {name}", fault_run.TIMEOUT
            )
        falls = stack.prometheus.value(f"resets({total}[5m:1s])")
        assert falls == 0, "no counter was reset"
        assert requests.get(f"{stack.url('sidecar')}/metrics/app", timeout=PATIENCE).ok
        stack.inject([])
        fault_run.wait_until_resolved(stack)
        notifications = [each for each in stack.receiver.notifications if each.alert == leak[0]]
        assert {each.status for each in notifications} == {"firing", "resolved"}
