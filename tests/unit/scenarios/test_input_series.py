"""An instance exposes all that the rules read, and nothing that the contract does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import promql_parser
import pytest

from generator.alerts.clock import Clock
from generator.alerts.context import Context
from generator.alerts.model import Series
from generator.names import LABELS
from generator.promql import plain
from generator.scenarios import all_scenarios
from generator.scenarios.context import ScenarioContext
from generator.scenarios.input_series import lost_notifications, process_memory, series
from generator.scenarios.instance import Distribution, Instance
from generator.scenarios.scenario import Scenario
from generator.scenarios.timeseries import Span, steady
from tests.bundle import alerts, recordings, thresholds
from tests.unit.test_alerts import vectors
from tests.unit.test_series import samples

BASE = Context(thresholds())
CONTEXT = ScenarioContext(thresholds(), {alert.key: alert for alert in alerts()})
CLOCK = Clock(15)
SCENARIOS = all_scenarios(thresholds(), alerts())


def exposed(
    instance: Instance, clock: Clock = CLOCK, length: int = 600
) -> dict[str, list[float | None]]:
    return {
        each.written["series"]: samples(each.values)
        for each in series(instance, BASE, clock, length)
    }


def labels_of(name: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', name))


def selectors() -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a measured series in the rules."""
    rules = [plain(each.expr) for each in recordings()]
    rules += [alert.expr(trigger) for alert in alerts() for trigger in alert.triggers]
    for rule in rules:
        yield from (each for each in vectors(promql_parser.parse(rule)) if each.name in LABELS)


def fits(selector: promql_parser.VectorSelector, name: str) -> bool:
    if name.partition("{")[0] != selector.name:
        return False
    known = labels_of(name)
    return all(
        re.fullmatch(each.value, known.get(each.name, "")) for each in selector.matchers.matchers
    )


def test_every_series_that_a_rule_reads_is_there() -> None:
    alerting = lost_notifications(steady(0.0), BASE.clock, 60).written["series"]
    names = [*exposed(CONTEXT.healthy()), alerting]
    unread = [str(each) for each in selectors() if not any(fits(each, name) for name in names)]
    assert unread == []


def test_every_series_has_the_labels_of_the_contract() -> None:
    for name in exposed(CONTEXT.healthy()):
        metric = name.partition("{")[0]
        assert set(labels_of(name)) == {"job", "instance", *LABELS[metric]}, name


def test_no_series_is_there_twice() -> None:
    for scenario in SCENARIOS:
        clock, length = scenario.samples(BASE.clock)
        names = [
            each.written["series"]
            for instance in scenario.instances
            for each in series(instance, BASE, clock, length)
        ]
        assert len(names) == len(set(names)), scenario.name


def counters(found: dict[str, list[float | None]]) -> dict[str, list[float]]:
    return {
        name: [value for value in values if value is not None]
        for name, values in found.items()
        if re.match(r"\w+_(total|bucket|count)\{", name)
    }


def falls(values: list[float]) -> int:
    return sum(after < before for before, after in pairwise(values))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_counters_fall_only_where_something_restarts(scenario: Scenario) -> None:
    clock, length = scenario.samples(BASE.clock)
    for instance in scenario.instances:
        found = {
            each.written["series"]: samples(each.values)
            for each in series(instance, BASE, clock, length)
        }
        restarts = max(
            len(instance.app_resets),
            len(instance.sidecar_restarts),
            *(len([*worker.started.moments]) - 1 for worker in instance.workers),
        )
        assert all(falls(values) <= restarts for values in counters(found).values())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_every_series_has_as_many_samples_as_the_scenario_is_long(scenario: Scenario) -> None:
    clock, length = scenario.samples(BASE.clock)
    for instance in scenario.instances:
        for each in series(instance, BASE, clock, length):
            assert len(samples(each.values)) == length // clock.interval, each.written["series"]


def test_a_histogram_rises_to_its_count() -> None:
    found = exposed(CONTEXT.healthy())
    for metric in ("auditor_verify_latency_seconds", "auditor_confidence_score"):
        last = [values[-1] for name, values in found.items() if name.startswith(f"{metric}_bucket")]
        count = next(v[-1] for name, v in found.items() if name.startswith(f"{metric}_count"))
        rising = [value or 0.0 for value in last]
        assert rising == sorted(rising)
        assert rising[-1] == count


def test_requests_are_counted_by_status() -> None:
    instance = replace(CONTEXT.healthy(), requests=steady(2.0), errors=steady(0.25))
    found = exposed(instance)
    grown = {
        labels_of(name)["status"]: (values[-1] or 0) - (values[0] or 0)
        for name, values in found.items()
        if name.startswith("auditor_verify_requests_total")
    }
    assert grown == pytest.approx({"success": 2 * 0.75 * 585, "error": 2 * 0.25 * 585})


def test_a_failure_that_never_happened_has_no_series_before() -> None:
    instance = replace(CONTEXT.healthy(), errors=steady(0.0).then(300, 1.0))
    (values,) = (values for name, values in exposed(instance).items() if 'status="error"' in name)
    assert values[:20] == [None] * 20
    assert values[20] == pytest.approx(CONTEXT.request_rate * 15)


def value_of(found: dict[str, list[float | None]], start: str, at: int) -> float | None:
    return next(values[at // 15] for name, values in found.items() if name.startswith(start))


def starts(found: dict[str, list[float | None]], at: int) -> list[float | None]:
    """By slot."""
    return [found[name][at // 15] for name in sorted(found) if "auditor_worker_starts" in name]


def test_a_worker_that_is_gone_has_no_series_and_does_not_count() -> None:
    found = exposed(CONTEXT.restarted(CONTEXT.healthy(), 300.0, [0], downtime=60.0))
    gone, back = 315, 360
    assert value_of(found, "auditor_workers{", gone) == CONTEXT.workers - 1
    assert value_of(found, "auditor_workers{", back) == CONTEXT.workers
    assert value_of(found, "auditor_worker_threads{", gone) is None
    assert value_of(found, "auditor_worker_start_time_seconds{", back) == back
    assert starts(found, gone) == [1, 1, 1, 1]
    assert starts(found, back) == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("quantity", "metric"),
    [
        ("threads", "auditor_worker_threads"),
        ("fds", "auditor_worker_open_fds"),
        ("db_connections", "auditor_worker_db_connections"),
    ],
)
def test_a_new_worker_holds_nothing_that_the_old_one_leaked(quantity: str, metric: str) -> None:
    healthy = getattr(CONTEXT.worker, quantity)
    leaking = CONTEXT.healthy().workers_with([0], **{quantity: healthy.grow(0.0, 1.0)})
    found = exposed(CONTEXT.restarted(leaking, 300.0, [0]))
    assert value_of(found, f"{metric}{{", 285) == healthy.at(0) + 285
    assert value_of(found, f"{metric}{{", 300) == healthy.at(0)


def test_a_sidecar_that_restarts_counts_the_workers_it_finds() -> None:
    instance = replace(CONTEXT.restarted(CONTEXT.healthy(), 150.0), sidecar_restarts=(300.0,))
    found = exposed(instance)
    assert starts(found, 285) == [2, 2, 2, 2]
    assert starts(found, 300) == [1, 1, 1, 1]


def test_a_slot_that_has_had_no_worker_has_no_starts() -> None:
    late = replace(CONTEXT.worker, alive=steady(False).then(300, True), started=steady(300.0))
    found = exposed(replace(CONTEXT.healthy(), workers=(CONTEXT.worker, late)))
    assert starts(found, 285) == [1, None]
    assert starts(found, 300) == [1, 1]


def test_up_is_0_where_a_scrape_fails_and_absent_where_it_is_lost() -> None:
    failed = exposed(CONTEXT.healthy().during(Span(300, 330), scrapes="failed"))
    lost = exposed(CONTEXT.healthy().during(Span(300, 330), scrapes="lost"))
    assert value_of(failed, "up{", 300) == 0
    assert value_of(lost, "up{", 300) is None
    assert value_of(failed, "auditor_workers{", 300) is None


def test_the_memory_in_use_is_that_of_the_workers() -> None:
    found = exposed(CONTEXT.healthy())
    assert (
        value_of(found, "auditor_memory_usage_bytes{", 0) == CONTEXT.workers * CONTEXT.warm_memory
    )


def test_the_standard_collectors_memory_is_that_of_the_first_worker() -> None:
    (mine,) = (
        values
        for name, values in exposed(CONTEXT.healthy()).items()
        if name.startswith("auditor_worker_resident_memory_bytes") and 'worker="0"' in name
    )
    given: Series = process_memory(CONTEXT.healthy(), BASE, CLOCK, 600)
    assert samples(given.values) == mine


def test_a_share_lies_evenly_between_two_points() -> None:
    distribution = Distribution(((0.5, 1.0), (1.0, 3.0)))
    assert [distribution.share(bound) for bound in (0.0, 0.5, 1.0, 2.0, 3.0, 9.0)] == [
        0.0,
        0.25,
        0.5,
        0.75,
        1.0,
        1.0,
    ]


def test_only_the_slowest_become_slower() -> None:
    distribution = Distribution(((0.5, 1.0), (1.0, 3.0))).times(10, above=0.5)
    assert distribution.points == ((0.5, 1.0), (1.0, 30.0))
