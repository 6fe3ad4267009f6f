"""An outage of the stand-in: from the worker to the receiver, then in backtest and calibration."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path

import pytest

from demo.faults import find
from demo.stack import Stack
from generator.alerts import all_recordings
from generator.cli import main
from generator.history.backtest import History, expand
from generator.history.client import Prometheus, PrometheusError, Range, RangeSeries
from generator.promql import plain
from tests.full import older_in_full
from tests.live.demo import fault_run
from tests.live.waiting import until

pytestmark = pytest.mark.xdist_group("history")

OVERLAYS = ("--overlay", "demo/overlay.yaml")


# Parts of the names of counts of requests, and of what is computed from them.
COUNTED = ("increase", ":sum", "_budget:")


@dataclass
class Watched:
    """A stack, an outage that it went through, and the range in which this started and ended."""

    stack: Stack
    outage: fault_run.FaultRun
    span: Range

    @property
    def prometheus(self) -> Prometheus:
        return Prometheus(self.stack.url("prometheus"))

    def command(self, name: str, *arguments: str) -> list[str]:
        thresholds = ["--thresholds", "thresholds.yaml", *OVERLAYS]
        seconds = f"{self.span.end - self.span.start:.0f}s"
        where = ["--prometheus", self.stack.url("prometheus"), "--range", seconds]
        until_ = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(self.span.end))
        return [name, *thresholds, *where, "--until", until_, *arguments]


@pytest.fixture(scope="module", params=older_in_full(fault_run.VERSIONS), ids=lambda it: it[0])
def watched(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    """With the oldest and the newest Prometheus."""
    folder = tmp_path_factory.mktemp("stack") / "run"
    with fault_run.running_stack(folder, request.param) as stack:
        start = time.time()
        outage = fault_run.follow(stack, find("outage"))
        end = time.time()
        until(lambda: time.time() > end + 2, "the last rules are evaluated")
        yield Watched(stack, outage, Range.until(end, max(50, end - start + 10), 1))


def test_an_outage_reaches_the_pager_and_ends(watched: Watched) -> None:
    fault_run.check_notifications(watched.outage)
    assert watched.outage.unexpected(fault_run.families(watched.stack)) == set()


def test_a_backtest_agrees_with_the_alerts_of_prometheus(watched: Watched) -> None:
    """For every rule, within two evaluations, as they run at other fractions of a second."""
    thresholds, prometheus, span = watched.stack.thresholds, watched.prometheus, watched.span
    history = History(prometheus, thresholds, span)
    needed = {rule.name for alert in watched.stack.alerts for rule in alert.recordings}
    unknown = {name for name in needed & history.missing.keys() if ":seconds_to_limit" not in name}
    unknown = {name for name in unknown if ":auditor_memory:" not in name}
    assert unknown == set(), "all is recorded except what needs growth or a cgroup limit"
    found = {(each.alert, each.severity): each for each in history.backtest()}
    fired = prometheus.range('ALERTS{alertstate="firing",alertname!="AuditorWatchdog"}', span)
    expected = {(each.labels["alertname"], each.labels["severity"]): each for each in fired}
    assert ("AuditorRequestsFailing", "critical") in expected
    assert {key for key, each in found.items() if each.firings} == expected.keys()
    for key, series in expected.items():
        ((start, end),) = found[key].firings
        times = sorted(series.values)
        assert start == pytest.approx(times[0], abs=2), key
        assert end == pytest.approx(times[-1] + 1, abs=2), key


def labels_of(series: RangeSeries) -> dict[str, str]:
    return {name: value for name, value in series.labels.items() if name != "__name__"}


def distance(one: float, other: float) -> float:
    """A percentile is NaN while an outage leaves no request that succeeds."""
    if isnan(one) or isnan(other):
        return 0 if isnan(one) and isnan(other) else inf
    return abs(one - other)


def test_expanded_recordings_agree_with_recorded_ones(watched: Watched) -> None:
    thresholds, prometheus = watched.stack.thresholds, watched.prometheus
    rules = {
        rule.name: rule
        for family in all_recordings(thresholds, watched.stack.alerts).values()
        for rule in family
    }
    compared = 0
    for name in rules:
        if any(part in name for part in COUNTED):
            continue  # depends on the seconds before the rule was first evaluated
        recorded = prometheus.range(name, watched.span)
        text = plain(expand(f"{name}{{}}", rules, 1))
        expanded = {
            frozenset(labels_of(each).items()): each
            for each in prometheus.range(text, watched.span)
        }
        for series in recorded:
            other = expanded.get(frozenset(labels_of(series).items()))
            if other is None:  # only in a worker's first second
                assert len(series.values) <= 2, name
                continue
            apart = [
                distance(value, other.values[at])
                for at, value in series.values.items()
                if at in other.values
            ]
            # The rule was evaluated up to a second earlier.
            known = [abs(value) for value in series.values.values() if not isnan(value)]
            near = max(known, default=0) * 0.35 + 1e-9
            assert sorted(apart)[len(apart) // 2] <= near, name
            compared += 1
    assert compared > 20


def test_backtest_compares_the_current_with_the_proposed_thresholds(
    watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("alerts: {requests_failing: {critical: {for: 1h}}}\n")
    plot = tmp_path / "timeline.svg"
    assert main(watched.command("backtest", "--proposed", str(other), "--plot", str(plot))) == 0
    *lines, _, wrote = capsys.readouterr().out.splitlines()
    assert wrote == f"wrote {plot}"
    assert "AuditorRequestsFailing (critical): " in plot.read_text()
    (first,) = (n for n, line in enumerate(lines) if "AuditorRequestsFailing" in line)
    current, proposed = lines[first], lines[first + 1]
    assert "current" in current
    assert "#" in current
    assert re.search(r"\| proposed +\| never", proposed)
    assert "#" not in proposed
    assert lines[-1].endswith("rules never fired")


def test_calibration_proposes_an_overlay_and_shows_its_effect(
    watched: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "proposal.yaml"
    code = main(watched.command("calibrate", "--output", str(output)))
    printed = capsys.readouterr().out
    assert code == 1
    assert "latency.p95" in printed
    assert "rules never fired" in printed
    assert f"wrote {output}" in printed
    assert main(["check", *watched.command("", "")[1:5], "--overlay", str(output)]) in (0, 1)
    assert "calibrated: 20% above" in output.read_text()


def test_a_missing_prometheus_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--prometheus", "http://127.0.0.1:1"]) == 2
    assert "http://127.0.0.1:1: no connection" in capsys.readouterr().err
    assert main(["calibrate"]) == 2
    assert "needs --results or --prometheus" in capsys.readouterr().err


def test_an_invalid_query_is_an_error(watched: Watched) -> None:
    with pytest.raises(PrometheusError, match="parse error"):
        watched.prometheus.range("sum(", watched.span)
    with pytest.raises(PrometheusError, match="not a response of Prometheus"):
        Prometheus(watched.stack.url("api")).range("up", watched.span)


def test_calibration_from_a_result_of_the_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latency = {"p95": {"value": 0.8, "interval": None}}
    single = {"benchmark": "single", "concurrency": 1, "throughput": 1, "latency": latency}
    (tmp_path / "results.json").write_text(
        json.dumps({"form": 1, "exit_code": 1, "benchmarks": [single]})
    )
    code = main(["calibrate", "--results", str(tmp_path / "results.json")])
    assert code == 1
    assert "p95:\n      target: 1s\n" in capsys.readouterr().out
