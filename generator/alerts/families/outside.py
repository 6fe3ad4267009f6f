"""Whether the service responds as seen from outside, and what is known without that view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION
from generator.alerts.model import Alert, Case, Panel, Series, silent
from generator.alerts.testcases.inputs import (
    HERE,
    THERE,
    InputGenerator,
    MakeSeries,
    constant,
    gauge_inputs,
)
from generator.alerts.testcases.series import Phase, every_other_minute, gauge
from generator.alerts.testcases.standard import (
    silenced,
    silenced_while_known,
    with_standard_cases,
    worst_alone,
)
from generator.names import BLACKBOX_SUCCESS, UP
from generator.thresholds.settings import ConditionAlert

# The `instance` of a probe of the whole service, as in Kubernetes; no sidecar has it.
SERVICE: Final = "auditor/auditor-probe"


@define(ConditionAlert)
def unreachable(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        detects="service unreachable",
        quantity=context.probes,
        op="<",
        constant=1,
        triggers=context.triggers(settings),
        inhibits=("instance_lost", "sidecar_down", "target_flapping"),
        summary="The Auditor on INSTANCE is unreachable",
        description=(
            "blackbox_exporter has got no response to GET /health from INSTANCE for FOR, so "
            "clients get none either. Next: check whether the machine and the service are running, "
            "then the network between them and the clients."
        ),
        panel=Panel("overview", SECTION, "Reachable from outside"),
        origins=(
            "service.jobs.probe",
            "deploy.api_port",
            "deploy.blackbox",
            "deploy.probe_timeout",
        ),
    )
    other = Series(BLACKBOX_SUCCESS, {"job": "another", "instance": HERE}, "0x99")
    return with_standard_cases(
        alert,
        gauge_inputs(context, {BLACKBOX_SUCCESS: float}, context.probe, healthy=1),
        Case("a probe of another job fails", (other,), silent(99 * context.clock.interval)),
    )


@define(ConditionAlert)
def instance_lost(context: Context, settings: ConditionAlert) -> Alert:
    """Nothing of an instance can be scraped, and no view from outside shows that it responds.

    A probe whose `instance` is not scraped probes the whole service.
    """
    jobs = context.thresholds.service.jobs
    responds = f"{context.probes} == 1"
    scraped = context.sidecar_scrapes
    alert = Alert(
        family="availability",
        detects="instance lost",
        quantity=f"max by (instance) ({scraped})",
        op="<",
        constant=1,
        triggers=context.triggers(
            settings,
            f"unless on (instance) {responds}\n"
            f"unless on () ({responds} unless on (instance) {scraped})",
        ),
        inhibits=("sidecar_down", "target_flapping"),
        summary="Nothing is known of the Auditor on INSTANCE",
        description=(
            "All scrapes of INSTANCE have failed for FOR, and no probe from outside shows that the "
            "service responds. Next: check whether the machine is running and the service "
            "responds, then start what is missing."
        ),
        panel=Panel("overview", SECTION, "Instances of which something can be scraped"),
        origins=(
            "service.jobs.api",
            "service.jobs.workers",
            "service.jobs.probe",
            "deploy.api_port",
        ),
    )
    inputs = _both_jobs(context)

    def always(metric: str, value: float, job: str, instance: str = HERE) -> MakeSeries:
        return constant(context, lambda _: {"job": job, "instance": instance}, metric, value)

    def fires(title: str, *beside: MakeSeries) -> Case:
        return worst_alone(alert, reduce(InputGenerator.beside, beside, inputs), title)

    def half_of_the_time(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        seconds = sum(phase.seconds for phase in phases)
        failing = every_other_minute(context.clock, Phase(seconds, 0.0))
        return probed(1, jobs.probe)(instance, failing)

    probed = partial(always, BLACKBOX_SUCCESS)
    service_up = always(UP, 1, jobs.probe, SERVICE)
    return with_standard_cases(
        alert,
        inputs,
        *(
            silenced(
                alert,
                gauge_inputs(context, {UP: float}, failing, healthy=1).beside(always(UP, 1, job)),
                0,
                f"{job} is still scraped",
            )
            for failing, job in ((context.workers, jobs.api), (context.api, jobs.workers))
        ),
        silenced_while_known(
            alert, inputs, 0, "the instance responds to a probe", probed(1, jobs.probe)
        ),
        silenced_while_known(
            alert,
            inputs.beside(service_up),
            0,
            "the service as a whole responds to a probe",
            probed(1, jobs.probe, SERVICE),
        ),
        silenced(alert, inputs.beside(half_of_the_time), 0, "scrapes fail every other minute"),
        fires("a probe of the instance fails", probed(0, jobs.probe), always(UP, 1, jobs.probe)),
        fires("a probe of the service as a whole fails", probed(0, jobs.probe, SERVICE)),
        fires(
            "only another instance responds to a probe",
            probed(1, jobs.probe, THERE),
            always(UP, 1, jobs.workers, THERE),
        ),
        fires("probes of another job succeed", probed(1, "another"), probed(1, "another", SERVICE)),
    )


def _both_jobs(context: Context) -> InputGenerator:
    """Both jobs of an instance are scraped, or neither."""

    def api(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        return [Series(UP, context.api(instance), gauge(context.clock, phases, float))]

    inputs = gauge_inputs(context, {UP: float}, context.workers, healthy=1).beside(api)
    return replace(inputs, labels=lambda instance: {"instance": instance})


@define(ConditionAlert)
def blackbox_down(context: Context, settings: ConditionAlert) -> Alert:
    job = context.thresholds.service.jobs.probe
    alert = Alert(
        family="availability",
        scope="job",
        detects="view from outside lost",
        quantity=f'min by (job) ({UP}{{job="{job}"}})',
        op="<",
        constant=1,
        triggers=context.triggers(settings),
        summary="Prometheus cannot scrape blackbox_exporter",
        description=(
            "Scrapes of job JOB have failed for FOR, so it is unknown whether the Auditor responds "
            "to requests from outside. Next: check whether blackbox_exporter is running and "
            "whether Prometheus can reach it over the network."
        ),
        panel=Panel("overview", SECTION, "Scrape success of the probes", unfiltered=True),
        origins=("service.jobs.probe",),
    )
    inputs = replace(
        gauge_inputs(context, {UP: float}, context.probe, healthy=1),
        labels=lambda _instance: {"job": job},
    )
    both_fail = inputs.beside(lambda _instance, phases: inputs.series(THERE, phases))
    one_fails = inputs.beside(constant(context, lambda _: context.probe(THERE), UP, 1))
    other = Series(UP, {"job": "another", "instance": HERE}, "0x99")
    return with_standard_cases(
        alert,
        inputs,
        worst_alone(alert, both_fail, "the probes of two instances fail together"),
        worst_alone(alert, one_fails, "the probe of one of two instances cannot be scraped"),
        Case("a different job cannot be scraped", (other,), silent(99 * context.clock.interval)),
    )
