"""The demo's stack: quiet, with data everywhere, from a fault to the pager, and after failures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from demo.faults import find
from demo.stack import Stack
from generator.alerts import all_recordings
from generator.dashboards import render
from generator.promql import plain
from tests.full import older_in_full
from tests.grafana import selectors, substituted, targets
from tests.live.demo import course
from tests.live.waiting import until

# Panels that show nothing here, by a word of their query.
EMPTY = {
    "absent(": "every job has a target",
    "seconds_to_limit": "the workers' cgroup has no limit here",
    ":first": "the first seconds of the workers are over",
    "auditor_memory_": "as above",
    "auditor_memory:": "as above",
    "offset": "nothing is as old yet",
    "ALERTS{": "nothing fires",
}


def test_a_quiet_run_has_data_for_every_rule_and_panel(tmp_path: Path) -> None:
    with course.stack(tmp_path / "run") as stack:
        # A request that fails, so that its status has a series too; of one worker none may come.
        stack.inject(["errors"])
        failed = 'auditor_verify_requests_total{status="error"}'
        until(lambda: stack.prometheus.query(failed), "a request has failed", 60, 0.25)
        stack.inject([])
        settled = "count_over_time(auditor_workers[1h]) > 80"
        until(lambda: stack.prometheus.query(settled), "every window is full", 120, 0.5)
        course.quiet(stack)
        every_selector_matches(stack)
        every_panel_shows_data(stack)
        assert every_rule_evaluates(stack) > 70
        listens_on_loopback_alone(stack)


def every_rule_evaluates(stack: Stack) -> int:
    rules = stack.prometheus.rules()
    assert {each["name"]: each.get("lastError") for each in rules if each["health"] != "ok"} == {}
    return len(rules)


def every_selector_matches(stack: Stack) -> None:
    """Of every rule and panel: metric, and each label that it asks for, exist in this system."""
    recorded = all_recordings(stack.thresholds, stack.alerts)
    names = {each.name for group in recorded.values() for each in group}
    exprs = [
        *(alert.expr(trigger) for alert in stack.alerts for trigger in alert.triggers),
        *(plain(each.expr) for group in recorded.values() for each in group),
        *panel_queries(stack),
    ]
    asked = {
        text
        for expr in exprs
        for selector in selectors(expr)
        if selector.name not in (*names, "ALERTS", None)
        for text in [_bare(selector)]
    }
    assert len(asked) > 20
    limits = ("auditor_memory_limit_bytes", "auditor_memory_usage_bytes")
    missing = {text for text in asked if not stack.prometheus.query(text)}
    assert {text for text in missing if not text.startswith(limits)} == set()


def _bare(selector: object) -> str:
    """Name and matchers, without a dashboard's variables."""
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


def listens_on_loopback_alone(stack: Stack) -> None:
    ports = {*stack.ports.values(), stack.receiver.port, stack.database.port}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, port = address.split(":")
            if state == "0A" and int(port, 16) in ports:
                found.add(host)
    assert found == {"0100007F"}


@pytest.mark.parametrize("pair", older_in_full(course.PAIRS), ids=lambda pair: pair[0])
def test_an_outage_reaches_the_pager_and_ends(tmp_path: Path, pair: tuple[str, str]) -> None:
    with course.stack(tmp_path / "run", pair) as stack:
        found = course.run(stack, find("outage"))
        course.check_notifications(found)
        assert found.others(course.families(stack)) == set()


@pytest.mark.full
def test_a_service_that_is_down_silences_its_symptoms_and_comes_back(tmp_path: Path) -> None:
    with course.stack(tmp_path / "run") as stack:
        stack.inject(["errors"])
        until(
            lambda: ("AuditorHighErrorRate", "critical") in course.firing(stack),
            "errors fire",
            course.PATIENCE,
        )
        stack.parts["auditor"].kill()
        down = ("AuditorDown", "critical")
        until(lambda: down in course.firing(stack), "down fires", course.PATIENCE)
        until(
            lambda: "AuditorHighErrorRate" in stack.alertmanager.inhibited(), "it is kept back", 30
        )
        told = {each.alert for each in stack.receiver.told}
        until(
            lambda: "AuditorDown" in {each.alert for each in stack.receiver.told}, "it is told", 30
        )
        assert "AuditorWorkersMissing" not in told
        stack.inject([])
        stack.restart("auditor")
        course.quiet(stack)


@pytest.mark.full
def test_what_is_stopped_in_the_middle_recovers_by_itself(tmp_path: Path) -> None:
    """Counters go on where they were, a firing alert stays told, and nothing is told twice anew."""
    total = "sum(auditor_verify_requests_total)"
    with course.stack(tmp_path / "run") as stack:
        stack.inject(["slow-leak"])
        leak = ("AuditorMemoryLeak", "warning")
        until(lambda: leak in course.firing(stack), "the leak fires", course.PATIENCE)
        before = stack.prometheus.value(total) or 0
        for name in ("sidecar", "alertmanager", "prometheus"):
            stack.restart(name)
            until(lambda: (stack.prometheus.value(total) or 0) >= before, f"after {name}", 60, 0.25)
            until(lambda: leak in course.firing(stack), f"it fires after {name}", course.PATIENCE)
        falls = stack.prometheus.value(f"resets({total}[5m:1s])")
        assert falls == 0, "no counter has fallen"
        answered = requests.get(f"{stack.url('sidecar')}/metrics/app", timeout=5)
        assert answered.ok
        stack.inject([])
        course.quiet(stack)
        told = [each for each in stack.receiver.told if each.alert == leak[0]]
        assert {each.status for each in told} == {"firing", "resolved"}
