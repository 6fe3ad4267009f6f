"""Incidents on many instances, a hundred times as fast: how many notifications somebody gets."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.bundle import files, thresholds
from tests.live.alertmanager import Labels, Phone, configuration, every_rule, phone, running
from tests.live.waiting import HANGS

FASTER = 100
HALF_AN_HOUR = 1800 / FASTER
# What a slow, failing database shows in.
SYMPTOMS = ("error", "latency", "database")
WAITING = ("requests_waiting", "slow_probe", "low_throughput")


def faster(seconds: float) -> str:
    return f"{1000 * seconds / FASTER:.0f}ms"


def routing() -> dict[str, object]:
    own = thresholds().routing
    return {
        "group_wait": faster(own.group_wait),
        "group_interval": {
            "availability": faster(own.group_interval.availability),
            "other": faster(own.group_interval.other),
        },
    }


def slow_failing_database(
    instances: int, families: Iterable[str] = SYMPTOMS
) -> Iterator[tuple[float, Labels]]:
    """Every symptom of every instance in turn: a minute after the fault, and `for` has passed."""
    for number in range(instances):
        began = 60 + 30 * (number % 8)
        for alert, labels in every_rule():
            if alert.family not in families and alert.key not in WAITING:
                continue
            (trigger,) = (each for each in alert.triggers if each.severity == labels["severity"])
            where = {"instance": f"10.0.0.{number}:9105"} if "instance" in labels else {}
            yield began + trigger.for_, {**labels, **where, "environment": f"of {instances}"}


def play(server: str, folder: Path, timeline: Iterable[tuple[float, Labels]]) -> Phone:
    """What arrives within half an hour of the first alert."""
    ordered = sorted(timeline, key=lambda each: each[0])
    with phone() as (heard, port), running(server, folder, configuration(port, routing())) as am:
        first, start = ordered[0][0], time.monotonic()
        while (now := time.monotonic() - start) < HALF_AN_HOUR:
            due = [each for each in ordered if (each[0] - first) / FASTER <= now]
            ordered = ordered[len(due) :]
            if due:
                am.send(*(labels for _, labels in due))
            time.sleep(0.05)
    return heard


def test_many_instances_with_one_fault_are_few_notifications(
    alertmanager_server: Path, tmp_path: Path
) -> None:
    timeline = [each for count in (10, 50) for each in slow_failing_database(count)]
    heard = play(alertmanager_server.name, tmp_path, timeline)
    for count in (10, 50):
        pages = [
            each
            for each in heard.notifications("pages")
            if each["groupLabels"]["environment"] == f"of {count}"
        ]
        assert 1 <= len(pages) <= 3
        named = {each["labels"].get("instance") for each in pages[-1]["alerts"]} - {None}
        assert len(named) == count, "each notification has all instances"


def test_of_a_latency_fault_the_most_telling_alert_is_notified(
    alertmanager_server: Path, tmp_path: Path
) -> None:
    """The burn rate fires first, as it has no `for`; the p95 then speaks for all percentiles."""
    timeline = [
        (at, labels)
        for at, labels in slow_failing_database(1, ("latency",))
        if labels["category"] == "latency"
    ]
    heard = play(alertmanager_server.name, tmp_path, timeline)
    pages = heard.notifications("pages")
    firing = [
        {each["labels"]["alertname"] for each in page["alerts"] if each["status"] == "firing"}
        for page in pages
    ]
    assert firing[0] == {"AuditorLatencyBudgetFastBurn"}
    assert firing[-1] == {"AuditorHighLatency"}
    assert len({page["groupKey"] for page in pages}) == 1, "one incident for the pager"
    assert len(pages) <= 2


TEXTS = "deploy/alertmanager/auditor.tmpl"


def rendered(amtool: Path, folder: Path, template: str, *alerts: Labels) -> str:
    """A text of these alerts; `status` is a label of theirs here."""
    (folder / "auditor.tmpl").write_text(files()[TEXTS])
    data = {
        "alerts": [
            {
                "status": each.get("status", "firing"),
                "labels": {name: value for name, value in each.items() if name != "status"},
                "annotations": {"summary": f"Bad: {each['alertname']}", "runbook_url": "http://r"},
            }
            for each in alerts
        ]
    }
    (folder / "data.json").write_text(json.dumps(data))
    return subprocess.run(
        [
            amtool,
            *("template", "render", f"--template.glob={folder / 'auditor.tmpl'}"),
            f"--template.data={folder / 'data.json'}",
            f'--template.text={{{{ template "auditor.{template}" . }}}}',
        ],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
    ).stdout


def firing(name: str, instance: str = "", **more: str) -> Labels:
    where = {"instance": instance} if instance else {}
    return {"alertname": name, "severity": "critical", **where, **more}


MANY = [
    firing(name, f"10.0.0.{number}:9105")
    for name in ("AuditorHighErrorRate", "AuditorHighLatency")
    for number in range(1, 11)
]


@pytest.mark.parametrize(
    ("alerts", "title"),
    [
        (
            [*MANY, firing("AuditorErrorBudgetFastBurn")],
            (
                "3 alerts on 10 instances: AuditorHighErrorRate on 10.0.0.1:9105, 10.0.0.2:9105 "
                "and 8 more"
            ),
        ),
        ([firing("AuditorTargetMissing")], "1 alert: AuditorTargetMissing"),
        (
            [firing("AuditorMemoryLeak", "a/b-0", worker=each) for each in "01"],
            "1 alert on 1 instance: AuditorMemoryLeak on a/b-0",
        ),
        (
            [firing("AuditorDown", each) for each in ("10.0.0.1:91", "10.0.0.1:910")],
            "1 alert on 2 instances: AuditorDown on 10.0.0.1:91, 10.0.0.1:910",
        ),
        (
            [firing("AuditorDown", "a", status="resolved"), firing("AuditorHighCpu", "b")],
            "1 alert on 1 instance: AuditorHighCpu on b",
        ),
        (
            [firing("AuditorDown", "a", status="resolved")],
            "Resolved: 1 alert on 1 instance: AuditorDown on a",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_title_says_how_many_and_where(
    amtool: Path, tmp_path: Path, alerts: list[Labels], title: str
) -> None:
    assert rendered(amtool, tmp_path, "title", *alerts).strip() == title


def test_the_text_has_every_alert_with_all_its_instances(amtool: Path, tmp_path: Path) -> None:
    text = rendered(amtool, tmp_path, "text", *MANY, firing("AuditorDown", "a", status="resolved"))
    everywhere = ", ".join(f"10.0.0.{number}:9105" for number in range(1, 11))
    assert text.splitlines() == [
        f"AuditorHighErrorRate (critical) on {everywhere}",
        "Bad: AuditorHighErrorRate",
        "http://r",
        f"AuditorHighLatency (critical) on {everywhere}",
        "Bad: AuditorHighLatency",
        "http://r",
        "Resolved:",
        "AuditorDown (critical) on a",
        "Bad: AuditorDown",
        "http://r",
    ]
