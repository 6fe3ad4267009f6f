"""Which targets Prometheus has, and whether it can scrape them without interruption."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from generator.alerts.context import Context
from generator.alerts.definition import define
from generator.alerts.families.availability import SECTION
from generator.alerts.model import Alert, Case, Panel, Recording, Series, silent
from generator.alerts.testcases import flapping
from generator.alerts.testcases.expectations import exactly
from generator.alerts.testcases.inputs import HERE, THERE, MakeLabels
from generator.alerts.testcases.series import Phase, every_other_minute, gauge
from generator.names import BLACKBOX_SUCCESS, UP
from generator.thresholds.fields import PositiveCount, PositiveRatio, PositiveSeconds, doc
from generator.thresholds.settings import ConditionAlert
from generator.thresholds.units import Unit, format_duration

_JOBS: Final = ("service.jobs.api", "service.jobs.workers")


@define(ConditionAlert)
def no_targets(context: Context, settings: ConditionAlert) -> Alert:
    alert = Alert(
        family="availability",
        scope="bundle",
        detects="targets unknown",
        quantity=f"(count({context.sidecar_scrapes}) or vector(0))",
        op="<",
        constant=1,
        triggers=context.triggers(settings),
        summary="Prometheus has no target of the Auditor at all",
        description=(
            "Prometheus has had no target of the Auditor for FOR: either no instance is running, "
            "or none is found. Nothing is monitored. Next: check whether the service responds, "
            "then the service discovery and the target status page of Prometheus."
        ),
        panel=Panel("overview", SECTION, "Targets", "targets", unfiltered=True),
        origins=_JOBS,
    )
    lost, kept = context.api, context.workers
    cases = (
        _lost(context, alert, "both jobs lose their targets, then one gets them back", lost),
        Case("one job has a target", (_always(context, kept),), silent(_end(context, alert))),
        Case("the other job has a target", (_always(context, lost),), silent(_end(context, alert))),
        _known_but_down(context, alert),
    )
    return replace(alert, cases=cases)


@define(ConditionAlert)
def target_missing(context: Context, settings: ConditionAlert) -> Alert:
    """One job has no target, while the other has."""
    jobs = context.thresholds.service.jobs
    missing = [f'absent({UP}{{job="{job}"}})' for job in (jobs.api, jobs.workers)]
    alert = Alert(
        family="availability",
        scope="job",
        detects="targets unknown",
        quantity=f"({missing[0]} or {missing[1]})",
        triggers=context.triggers(settings, f"and on () {context.sidecar_scrapes}"),
        summary="Prometheus has no target for job JOB",
        description=(
            "Prometheus has had no target for job JOB for FOR, so none of its "
            "metrics are monitored. Next: check the scrape configuration, the service discovery "
            "and the target status page of Prometheus."
        ),
        panel=Panel("overview", SECTION, "Jobs without a target", unfiltered=True),
        origins=_JOBS,
    )
    api, workers = context.api, context.workers
    cases = (
        _lost(context, alert, "one job loses its target, then gets it back", api, workers),
        _lost(context, alert, "the other job loses its target, then gets it back", workers, api),
        _known_but_down(context, alert),
        Case("neither job has a target", (_other(context),), silent(_end(context, alert))),
    )
    return replace(alert, cases=cases)


def _end(context: Context, alert: Alert) -> int:
    return context.clock.tick(alert.longest_for) + 2 * context.clock.interval


def _always(context: Context, labels: MakeLabels) -> Series:
    return Series(UP, labels(HERE), f"1x{context.clock.tick(86400) // context.clock.interval}")


def _other(context: Context) -> Series:
    """Another service has a target."""
    return _always(context, lambda instance: {"job": "another", "instance": instance})


def _known_but_down(context: Context, alert: Alert) -> Case:
    end = 2 * _end(context, alert)
    samples = end // context.clock.interval
    down = [Series(UP, labels(HERE), f"0x{samples}") for labels in (context.api, context.workers)]
    return Case("targets are known but down", down, silent(end // 2))


def _lost(
    context: Context, alert: Alert, title: str, lost: MakeLabels, kept: MakeLabels | None = None
) -> Case:
    """A job has no target until it gets one back; another one keeps its own, if any does."""
    clock, i = context.clock, context.clock.interval
    wait, keep = clock.tick(alert.longest_for), clock.tick(alert.keep_firing_for)
    back = wait + 2 * i
    value, labels = (1, {"job": lost(HERE)["job"]}) if kept else (0, {})
    beside = _always(context, kept) if kept else _other(context)
    return Case(
        title,
        (beside, Series(UP, lost(HERE), f"_x{back // i} 1x{(keep + back) // i}")),
        (
            *(silent(wait - i) if wait else ()),
            alert.firing(wait, value, labels),
            alert.firing(back + keep - i, value, labels),
            *silent(back + keep),
        ),
    )


class InstancesAlert(ConditionAlert):
    before: PositiveSeconds = doc("How far back the number of instances is compared.")
    surge: PositiveSeconds = doc(
        "An instance that has run for less was an extra one of a deployment."
    )


@define(InstancesAlert)
def instances_missing(context: Context, settings: InstancesAlert) -> Alert:
    """Fewer instances than within the last hours, those that ran only for minutes not counted."""
    job, before = context.thresholds.service.jobs.workers, format_duration(settings.before)
    surge = format_duration(settings.surge)
    count = Recording(
        "availability",
        "job:auditor_instances:count",
        f'count by (job) ({UP}{{job="{job}"}})',
    )
    steady = Recording(
        "availability",
        f"job:auditor_instances:min{surge}",
        f"min_over_time({count.query}[{surge}])",
    )
    alert = Alert(
        family="availability",
        scope="job",
        detects="instances missing",
        quantity=f"max_over_time({steady.query}[{before}]) - {count.query}",
        triggers=context.triggers(settings),
        recordings=(count, steady),
        summary="Instances of the Auditor are missing: VALUE",
        description=(
            f"For FOR, job JOB has had fewer targets than within the last {before}: VALUE are "
            "missing. Next: check whether an instance was removed on purpose; if not, find out "
            "why it stopped or why Prometheus no longer finds it."
        ),
        panel=Panel("overview", SECTION, "Instances missing"),
        origins=("service.jobs.workers",),
    )
    own = context.for_window(settings.before, slowest=30)
    return replace(alert, clock=own.clock, cases=_instances_cases(own, alert, settings))


def _instances_cases(context: Context, alert: Alert, settings: InstancesAlert) -> tuple[Case, ...]:
    clock, i = context.clock, context.clock.interval
    wait, keep = clock.tick(alert.longest_for), clock.tick(alert.keep_firing_for)
    before, surge = clock.tick(settings.before), clock.tick(settings.surge)
    labels = {"job": context.thresholds.service.jobs.workers}
    end = 2 * surge + before + wait + keep
    count, steady = alert.recordings

    def up(instance: str, start: int, stop: int, make: MakeLabels = context.workers) -> Series:
        """A target that is known from `start` until just before `stop`."""
        unknown = f"_x{start // i} " if start else ""
        rest = " stale" if stop < end else ""
        return Series(UP, make(instance), f"{unknown}1x{(stop - start) // i - 1}{rest}")

    gone = surge + 2 * i
    forgotten = gone + before
    here, there, away = up(HERE, 0, end), up(THERE, 0, gone), f"_x{wait // i + 1}"
    back = gone + wait + 2 * i
    return (
        Case(
            "one of two instances goes and stays away",
            (here, there),
            (
                *silent(gone + wait - i),
                alert.firing(gone + wait, 1, labels),
                alert.firing(forgotten - 2 * i, 1, labels),
                *silent(forgotten + keep + i),
            ),
            (
                exactly(gone - i, count, labels, 2),
                exactly(gone, count, labels, 1),
                exactly(gone - i, steady, labels, 2),
                exactly(gone, steady, labels, 1),
            ),
        ),
        Case(
            "one of two instances goes and comes back",
            (here, replace(there, values=f"{there.values} {away} {up(THERE, 0, end).values}")),
            (alert.firing(back + keep - i, 1, labels), *silent(back + keep)),
        ),
        Case(
            "a deployment runs one more instance for a while",
            (here, up(THERE, surge, 2 * surge - 2 * i)),
            silent(*(2 * surge + turn * (wait + i) for turn in range(3))),
        ),
        Case(
            "one more instance runs for longer",
            (here, up(THERE, surge, 2 * surge + 2 * i)),
            (alert.firing(2 * surge + 2 * i + wait, 1, labels),),
        ),
        Case(
            "one of two instances is known but down",
            (replace(here, values=here.values.replace("1x", "0x")), up(THERE, 0, end)),
            silent(gone + wait),
            (exactly(gone - i, count, labels, 2),),
        ),
        Case(
            "another job loses a target",
            (here, up(HERE, 0, end, context.api), up(THERE, 0, gone, context.api)),
            silent(gone + wait),
        ),
    )


class FlappingAlert(ConditionAlert):
    window: PositiveSeconds = doc("Range over which failures are counted.")
    max_failed: PositiveRatio = doc("Share of the scrapes that may fail.")
    min_outages: PositiveCount = doc("How often the target must have gone away.")


@define(FlappingAlert)
def target_flapping(context: Context, settings: FlappingAlert) -> Alert:
    """A target goes away again and again, each time for less than another alert waits."""
    window = format_duration(settings.window)
    both = context.sidecar_scrapes, context.probes

    def over_window(function: str) -> str:
        scrapes, probes = (f"{function}({each}[{window}])" for each in both)
        return f"({scrapes} or {probes})"

    alert = Alert(
        family="availability",
        detects="intermittent failures",
        quantity=f"1 - {over_window('avg_over_time')}",
        constant=settings.max_failed,
        constant_unit=Unit.RATIO,
        triggers=context.triggers(
            settings, f"and {over_window('resets')} >= {settings.min_outages}"
        ),
        summary="JOB on INSTANCE keeps failing and coming back",
        description=(
            f"VALUE of the scrapes or probes of JOB on INSTANCE failed in the last {window}, more "
            f"than BOUND, in at least {settings.min_outages} separate outages. Next: check whether "
            "the process keeps restarting or the network loses packets; failures of the job "
            f"{context.thresholds.service.jobs.probe} are seen by clients."
        ),
        panel=Panel("overview", SECTION, f"Failed scrapes in {window}", "{{job}} {{instance}}"),
        origins=(*_JOBS, "service.jobs.probe"),
    )
    targets = ((UP, context.api), (UP, context.workers), (BLACKBOX_SUCCESS, context.probe))
    cases = flapping.cases(context, alert, settings.window, settings.min_outages, targets)
    return replace(alert, cases=(*cases, _blackbox_flaps(context, settings.window)))


def _blackbox_flaps(context: Context, window: float) -> Case:
    """Probes succeed whenever blackbox_exporter can be scraped, so no client is concerned."""
    clock = context.clock
    failing = every_other_minute(clock, Phase(clock.tick(3 * window), 1.0))
    probe = Series(BLACKBOX_SUCCESS, context.probe(HERE), gauge(clock, failing, float))
    times = (clock.tick(part * window) for part in (0.5, 1, 2, 3))
    return Case("scrapes fail every other minute", (probe,), silent(*times))
