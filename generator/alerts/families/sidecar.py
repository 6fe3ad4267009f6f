"""Whether Prometheus can scrape the sidecar, and the sidecar can find the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION, always_one, beside, hours
from generator.alerts.model import Alert, AlertTest, Case, ExpectedAlert, Panel, Series
from generator.alerts.testcases.inputs import HERE, gauge_inputs
from generator.alerts.testcases.series import selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import PROBE_SUCCESS, UP, WORKERS
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit

Labels = Callable[[str], Mapping[str, str]]


@define(ConditionAlert)
def sidecar_down(context: Context, settings: ConditionAlert) -> Alert:
    jobs = context.thresholds.service.jobs
    alert = Alert(
        family="availability",
        scope="instance",
        detects="sidecar not scraped",
        quantity=f'{UP}{{job=~"{jobs.api}|{jobs.workers}"}}',
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        inhibits="worker alerts",
        summary="Prometheus cannot scrape {{ $labels.job }} on {{ $labels.instance }}",
        description=(
            "Scrapes of {{ $labels.job }} on {{ $labels.instance }} have failed for FOR. Alerts "
            "based on its metrics cannot fire; the service itself may be fine. Next: check whether "
            "the sidecar is running and whether Prometheus can reach it over the network."
        ),
        panel=Panel("overview", SECTION, "Scrape success", "{{job}} {{instance}}"),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    other = Series(selector(UP, {"job": "another", "instance": HERE}), "0x99")
    return with_standard_cases(
        alert,
        gauge_inputs(context, {UP: float}, context.workers, healthy=1),
        Case(
            "a different job cannot be scraped",
            (other,),
            (AlertTest(99 * context.clock.interval, ()),),
        ),
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
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Prometheus has no target for job {{ $labels.job }}",
        description=(
            "Prometheus has had no target for job {{ $labels.job }} for FOR, so none of its "
            "metrics are monitored. Next: check the scrape configuration, the service discovery "
            "and the target status page of Prometheus."
        ),
        panel=Panel("overview", SECTION, "Jobs without a target", "{{job}}", unfiltered=True),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    end = 2 * (context.clock.tick(alert.triggers[0].for_) + 2 * context.clock.interval)
    down_but_known = Case(
        "targets are known but down",
        tuple(
            Series(selector(UP, labels(HERE)), f"0x{end // context.clock.interval}")
            for labels in (context.api, context.workers)
        ),
        (AlertTest(end // 2, ()),),
    )
    cases = (
        _lost(
            context,
            alert,
            "one job loses its target, then gets it back",
            context.api,
            context.workers,
        ),
        _lost(
            context,
            alert,
            "the other job loses its target, then gets it back",
            context.workers,
            context.api,
        ),
        down_but_known,
    )
    return replace(alert, cases=cases)


def _lost(context: Context, alert: Alert, title: str, lost: Labels, kept: Labels) -> Case:
    clock = context.clock
    wait, keep = clock.tick(alert.triggers[0].for_), clock.tick(alert.keep_firing_for)
    back = clock.tick(wait) + 2 * clock.interval
    there = Series(selector(UP, kept(HERE)), f"1x{clock.tick(86400) // clock.interval}")
    gone = Series(
        selector(UP, lost(HERE)), f"_x{back // clock.interval} 1x{(keep + back) // clock.interval}"
    )
    job = {"job": lost(HERE)["job"]}
    firing = tuple(ExpectedAlert(trigger.severity, 1, job, {}) for trigger in alert.triggers)
    before = (AlertTest(wait - clock.interval, ()),) if wait else ()
    return Case(
        title,
        (there, gone),
        (
            *before,
            AlertTest(wait, firing),
            AlertTest(back + keep - clock.interval, firing),
            AlertTest(back + keep, ()),
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
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(
            context.thresholds, settings, f"and on (job, instance) {PROBE_SUCCESS}{{}} == 1"
        ),
        keep_firing_for=settings.keep_firing_for,
        inhibits="worker alerts",
        summary="The sidecar on {{ $labels.instance }} cannot find any worker",
        description=(
            "The Auditor on {{ $labels.instance }} responds, but its sidecar has found no worker "
            "for FOR, so memory, file descriptors and restarts are not monitored. Next: check that "
            "both run in the same PID namespace and as the same user, and that the sidecar is set "
            "to the Auditor's port."
        ),
        panel=Panel("overview", SECTION, "Workers found by the sidecar", "{{instance}}"),
        origins=("service.expected_workers",),
    )
    inputs = gauge_inputs(
        context,
        {WORKERS: float},
        context.workers,
        healthy=context.thresholds.service.expected_workers,
    )
    answering = replace(
        inputs,
        series=lambda instance, phases: (
            *inputs.series(instance, phases),
            always_one(context, PROBE_SUCCESS, instance, phases),
        ),
    )
    silent = hours(context, PROBE_SUCCESS, 0)
    return with_standard_cases(
        alert,
        answering,
        beside(context, alert, inputs, 0, silent, "no worker and no response: the service is down"),
    )
