"""Unseen: whether Prometheus reaches the sidecar, and the sidecar sees the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from generator.alerts import remedies
from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION, always_one, beside, hours
from generator.alerts.model import (
    Alert,
    AlertTest,
    Case,
    Cause,
    ExpectedAlert,
    Panel,
    Query,
    Runbook,
    Series,
)
from generator.alerts.testcases.inputs import HERE, gauge_inputs
from generator.alerts.testcases.series import selector
from generator.alerts.testcases.standard import with_standard_cases
from generator.alerts.triggers import triggers
from generator.names import (
    EXPORTER_BUILD,
    EXPORTER_DURATION,
    EXPORTER_ERRORS,
    PROBE_SUCCESS,
    UP,
    WORKERS,
)
from generator.thresholds.levels import Unit
from generator.thresholds.settings import ConditionAlert

Labels = Callable[[str], Mapping[str, str]]


@define(ConditionAlert)
def sidecar_down(context: Context, settings: ConditionAlert) -> Alert:
    jobs = context.thresholds.service.jobs
    alert = Alert(
        key="sidecar_down",
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
        summary="{{ $labels.job }} on {{ $labels.instance }} cannot be scraped",
        description=(
            "Prometheus has had no answer of {{ $labels.job }} on {{ $labels.instance }} for FOR: "
            "its alerts are blind, the service itself may be well. Next: see whether the sidecar "
            "runs and whether the network lets Prometheus reach it."
        ),
        panel=Panel("overview", SECTION, "Scrapes that succeed", "{{job}} {{instance}}"),
        runbook=Runbook(
            summary="Prometheus gets no metrics from a sidecar; the service itself may be well.",
            first=(
                (
                    f"See whether the service answers: `{remedies.HEALTH}`. If it does not, treat "
                    "it as AuditorDown: nothing else would tell you now."
                ),
                "See whether the sidecar runs; start it if not.",
                "It runs: read the error of the last scrape on Prometheus's page `/targets`.",
            ),
            meaning=(
                "Every scrape of the job failed for the whole time. Alerts on what this job "
                "delivers are blind: worker alerts for the workers' job, errors and latency for "
                "the app's. It says nothing about the Auditor itself."
            ),
            impact="Nobody but you: a fault of the service would go unseen.",
            queries=(
                Query("Which jobs and instances", f"{UP}{{}}"),
                Query("Time of a scrape in the sidecar", f"{EXPORTER_DURATION}{{}}"),
            ),
            causes=(
                Cause(
                    "The sidecar does not run",
                    "Start it, and read why it ended. It shares the container's memory limit "
                    "where it shares the container.",
                    commands=(
                        "docker compose ps --all",
                        "journalctl -k --since=-1h | grep -iE 'out of memory|oom-kill'",
                    ),
                ),
                Cause(
                    "The network does not let Prometheus through",
                    "`connection refused` or `context deadline exceeded` in the error. Try the "
                    "very address from the machine that runs Prometheus.",
                    commands=(
                        "# instance: label of the alert; the path stands on the page /targets",
                        (
                            "curl -sS --max-time 10 -o /dev/null -w '%{http_code} %{time_total} "
                            's\\n\' "http://$instance/metrics"'
                        ),
                    ),
                ),
                Cause(
                    "A scrape takes longer than its time limit",
                    "Reading the app's metrics slows with every file that a dead worker has left "
                    "in the folder `PROMETHEUS_MULTIPROC_DIR`: some thousands of them take "
                    "seconds. Empty the folder while the service is stopped, never while it runs: "
                    "a worker whose file is gone loses what it counts from then on.",
                    commands=(
                        "# dir: value of PROMETHEUS_MULTIPROC_DIR",
                        "find \"$dir\" -name '*.db' | wc -l",
                        'docker compose stop auditor-api && rm -f "$dir"/*.db',
                        remedies.START,
                    ),
                ),
            ),
            escalate=(
                "To the platform team after 30 minutes, at once if the service does not answer "
                "either."
            ),
        ),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    other = Series(selector(UP, {"job": "another", "instance": HERE}), "0x99")
    return with_standard_cases(
        alert,
        gauge_inputs(context, {UP: float}, context.workers, healthy=1),
        Case(
            "another job cannot be scraped", (other,), (AlertTest(99 * context.clock.interval, ()),)
        ),
    )


@define(ConditionAlert)
def target_missing(context: Context, settings: ConditionAlert) -> Alert:
    """Prometheus has no target of a job at all."""
    jobs = context.thresholds.service.jobs
    missing = [f'absent({UP}{{job="{job}"}})' for job in (jobs.api, jobs.workers)]
    alert = Alert(
        key="target_missing",
        family="availability",
        scope="job",
        detects="targets unknown",
        quantity=f"({missing[0]} or {missing[1]})",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(context.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Prometheus has no target for {{ $labels.job }}",
        description=(
            "Prometheus has known no target of the job {{ $labels.job }} for FOR, so nothing of it "
            "is watched. Next: look at the scrape configuration and the service discovery, and at "
            "the status page of Prometheus's targets."
        ),
        panel=Panel("overview", SECTION, "Jobs without a target", "{{job}}", unfiltered=True),
        runbook=Runbook(
            summary="Prometheus knows no target of a job, so nothing of it is watched.",
            first=(
                "Open Prometheus's page `/targets`: is the job there, and has it targets?",
                (
                    "Undo the last change of Prometheus's configuration or of what it discovers "
                    "targets by."
                ),
                f"Until then look yourself from time to time: `{remedies.HEALTH}`.",
            ),
            meaning=(
                "There is no series `up` of the job, not even with the value 0. A target that is "
                "known but does not answer is AuditorSidecarDown instead. It says nothing about "
                "the Auditor itself."
            ),
            impact="Nobody but you: all alerts on this job stay silent whatever happens.",
            queries=(Query("Jobs that Prometheus scrapes", f"count by (job) ({UP}{{}})"),),
            causes=(
                Cause(
                    "The job is missing from the configuration, or is named otherwise",
                    "The names must be those of `service.jobs` in `thresholds.yaml`.",
                    commands=(
                        "promtool check config /etc/prometheus/prometheus.yml",
                        "grep -n job_name /etc/prometheus/prometheus.yml",
                    ),
                ),
                Cause(
                    "Service discovery finds nothing",
                    "Its page `/service-discovery` shows what was found and what relabelling "
                    "dropped: a label, a port or a namespace was renamed, or no instance runs any "
                    "more.",
                ),
                Cause(
                    "Prometheus did not load its new configuration",
                    "Its log says why; it goes on with the one before.",
                    commands=(
                        (
                            "curl -sS -X POST http://localhost:9090/-/reload  # with "
                            "--web.enable-lifecycle"
                        ),
                    ),
                ),
            ),
            escalate=(
                "To the platform team after 30 minutes; at once if all instances are gone and no "
                "deploy is under way."
            ),
        ),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    end = 2 * (context.clock.tick(alert.triggers[0].for_) + 2 * context.clock.interval)
    down_but_known = Case(
        "targets that are down are known",
        tuple(
            Series(selector(UP, labels(HERE)), f"0x{end // context.clock.interval}")
            for labels in (context.api, context.workers)
        ),
        (AlertTest(end // 2, ()),),
    )
    cases = (
        _lost(context, alert, "one job without a target, then back", context.api, context.workers),
        _lost(
            context,
            alert,
            "the other job without a target, then back",
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
        selector(UP, lost(HERE)),
        f"_x{back // clock.interval} 1x{(keep + back) // clock.interval}",
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
        key="sidecar_blind",
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
        summary="The sidecar on {{ $labels.instance }} sees no worker",
        description=(
            "The Auditor on {{ $labels.instance }} answers, but its sidecar has found no worker "
            "for FOR: memory, descriptors and restarts are not watched. Next: see that both run in "
            "one pid namespace and as one user, and that the port is right."
        ),
        panel=Panel("overview", SECTION, "Workers the sidecar sees", "{{instance}}"),
        runbook=Runbook(
            summary="The service answers, but its sidecar sees no worker process.",
            first=(
                "Nothing is wrong with the service: no hurry at night.",
                "See whether the sidecar was deployed or configured anew; undo that.",
                "Check the three conditions below: process namespace, user, port.",
            ),
            meaning=(
                "The probe of `GET /health` succeeds, so workers run, yet the sidecar counts none. "
                "Memory, descriptors, threads, processor time and restarts of the workers are not "
                "watched meanwhile; errors, latency and the probe are. With no answer to the probe "
                "either, AuditorDown fires instead."
            ),
            impact="Nobody but you.",
            queries=(
                Query(
                    "What the sidecar failed to read, by reason",
                    f"sum by (instance, reason) (increase({EXPORTER_ERRORS}{{}}[1h]))",
                ),
                Query("Does the probe get an answer?", f"{PROBE_SUCCESS}{{}}"),
                Query("Version of the sidecar", f"{EXPORTER_BUILD}{{}}"),
            ),
            causes=(
                Cause(
                    "They do not share a process namespace",
                    "A container sees its own processes alone. Compose: `pid: "
                    "service:auditor-api` for the sidecar; Kubernetes: `shareProcessNamespace: "
                    "true` for the pod.",
                    commands=(
                        (
                            "docker compose ps -q "
                            "| xargs docker inspect --format '{{.Name}} {{.HostConfig.PidMode}}'"
                        ),
                    ),
                ),
                Cause(
                    "The sidecar looks for another port",
                    "It finds the workers by the listening socket. Inside the container that is "
                    "8000, outside 8888.",
                    commands=("ss -ltn '( sport = :8000 or sport = :8888 )'",),
                ),
                Cause(
                    "It runs as another user",
                    "Which process holds a socket can be read by the same user alone (or with "
                    "CAP_SYS_PTRACE).",
                    commands=("ps -eo user,pid,ppid,args | grep -E '[u]vicorn|[e]xporters'",),
                ),
            ),
            escalate="A ticket for whoever runs the sidecar. Wake nobody.",
        ),
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
        beside(context, alert, inputs, 0, silent, "no worker and no answer: down, not blind"),
    )
