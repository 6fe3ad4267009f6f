"""Whether Prometheus can scrape the sidecar, and the sidecar can find the workers."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION, hours
from generator.alerts.model import Alert, Case, Panel, Series, silent
from generator.alerts.testcases.inputs import HERE, MakeLabels, gauge_inputs
from generator.alerts.testcases.standard import silenced, with_standard_cases
from generator.names import PROBE_SUCCESS, UP, WORKERS
from generator.thresholds.settings import ConditionAlert


@define(ConditionAlert)
def sidecar_down(context: Context, settings: ConditionAlert) -> Alert:
    jobs = context.thresholds.service.jobs
    alert = Alert(
        family="availability",
        scope="instance",
        detects="sidecar not scraped",
        quantity=f'{UP}{{job=~"{jobs.api}|{jobs.workers}"}}',
        op="<",
        constant=1,
        triggers=context.triggers(settings),
        inhibits="worker alerts",
        summary="Prometheus cannot scrape JOB on INSTANCE",
        description=(
            "Scrapes of JOB on INSTANCE have failed for FOR. Alerts based on its "
            "metrics cannot fire; the service itself may be fine. Next: check whether the sidecar "
            "is running and whether Prometheus can reach it over the network."
        ),
        panel=Panel("overview", SECTION, "Scrape success", "{{job}} {{instance}}"),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    interval = context.clock.interval
    other = Series(UP, {"job": "another", "instance": HERE}, "0x99")
    return with_standard_cases(
        alert,
        gauge_inputs(context, {UP: float}, context.workers, healthy=1),
        Case("a different job cannot be scraped", (other,), silent(99 * interval)),
    )


@define(ConditionAlert)
def target_missing(context: Context, settings: ConditionAlert) -> Alert:
    """Prometheus has no target for a job at all."""
    jobs = context.thresholds.service.jobs
    missing = [f'absent({UP}{{job="{job}"}})' for job in (jobs.api, jobs.workers)]
    alert = Alert(
        family="availability",
        scope="job",
        detects="targets unknown",
        quantity=f"({missing[0]} or {missing[1]})",
        triggers=context.triggers(settings),
        summary="Prometheus has no target for job JOB",
        description=(
            "Prometheus has had no target for job JOB for FOR, so none of its "
            "metrics are monitored. Next: check the scrape configuration, the service discovery "
            "and the target status page of Prometheus."
        ),
        panel=Panel("overview", SECTION, "Jobs without a target", unfiltered=True),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    clock, api, workers = context.clock, context.api, context.workers
    end = 2 * (clock.tick(alert.longest_for) + 2 * clock.interval)
    down = [Series(UP, labels(HERE), f"0x{end // clock.interval}") for labels in (api, workers)]
    cases = (
        _lost(context, alert, "one job loses its target, then gets it back", api, workers),
        _lost(context, alert, "the other job loses its target, then gets it back", workers, api),
        Case("targets are known but down", down, silent(end // 2)),
    )
    return replace(alert, cases=cases)


def _lost(context: Context, alert: Alert, title: str, lost: MakeLabels, kept: MakeLabels) -> Case:
    clock, i = context.clock, context.clock.interval
    wait, keep = clock.tick(alert.longest_for), clock.tick(alert.keep_firing_for)
    back = wait + 2 * i
    job = {"job": lost(HERE)["job"]}
    return Case(
        title,
        (
            Series(UP, kept(HERE), f"1x{clock.tick(86400) // i}"),
            Series(UP, lost(HERE), f"_x{back // i} 1x{(keep + back) // i}"),
        ),
        (
            *(silent(wait - i) if wait else ()),
            alert.firing(wait, 1, job),
            alert.firing(back + keep - i, 1, job),
            *silent(back + keep),
        ),
    )


@define(ConditionAlert)
def sidecar_blind(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="instance",
        detects="workers not found",
        quantity=f"{WORKERS}{{}}",
        op="<",
        constant=1,
        triggers=context.triggers(settings, f"and on (job, instance) {PROBE_SUCCESS}{{}} == 1"),
        inhibits="worker alerts",
        summary="The sidecar on INSTANCE cannot find any worker",
        description=(
            "The Auditor on INSTANCE responds, but its sidecar has found no worker for FOR, so "
            "memory, file descriptors and restarts are not monitored. Next: check that both run in "
            "the same PID namespace and as the same user, and that the sidecar is set to the "
            "Auditor's port."
        ),
        panel=Panel("overview", SECTION, "Workers found by the sidecar"),
        origins=("service.expected_workers",),
    )
    workers, expected = context.workers, context.thresholds.service.expected_workers
    return with_standard_cases(
        alert,
        gauge_inputs(
            context, {WORKERS: float, PROBE_SUCCESS: lambda _value: 1.0}, workers, healthy=expected
        ),
        silenced(
            alert,
            gauge_inputs(context, {WORKERS: float}, workers, healthy=expected),
            0,
            "no worker and no response: the service is down",
            hours(context, PROBE_SUCCESS, 0),
        ),
    )
