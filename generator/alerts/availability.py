"""Down, hung, unseen: which of the service, the sidecar and the scrape is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.alerts.build import Kit, triggers
from generator.alerts.model import Alert, Case, Firing, Moment, Panel, Recording, Series
from generator.alerts.proof import HERE, Drive, prove
from generator.alerts.series import Phase, counter, gauge, selector
from generator.names import EXPORTER_ERRORS, LATENCY, PROBE_SUCCESS, UP, WORKERS
from generator.thresholds.model import Unit
from generator.thresholds.units import format_duration

SECTION = "Availability"


def alerts(kit: Kit) -> tuple[Alert, ...]:
    return (
        down(kit),
        unresponsive(kit),
        sidecar_down(kit),
        target_missing(kit),
        sidecar_blind(kit),
        sidecar_errors(kit),
        app_metrics_missing(kit),
    )


def _beside(kit: Kit, alert: Alert, drive: Drive, value: float, beside: Series, title: str) -> Case:
    """The alert's quantity is beyond its bound, yet another series shows that the alert does not apply."""
    end = kit.clock.grid(drive.onset(value, alert.constant) + alert.triggers[0].for_) + 2 * kit.clock.step
    series = drive.series(HERE, [Phase(end + kit.clock.step, value)])
    return Case(title, (*series, beside), (Moment(end, ()),))


def _hours(kit: Kit, metric: str, value: float) -> Series:
    """A gauge of the sidecar that keeps a value longer than any case lasts."""
    return Series(selector(metric, kit.workers(HERE)), gauge(kit.clock, [Phase(kit.clock.grid(86400), value)], float))


def down(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.down
    alert = Alert(
        name="AuditorDown",
        settings="alerts.down",
        family="availability",
        place="instance",
        quantity=f"{WORKERS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(kit.thresholds, settings, f"unless on (job, instance) {PROBE_SUCCESS}{{}} == 1"),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor on {{ $labels.instance }} is down",
        description=(
            "No worker of the Auditor runs on {{ $labels.instance }} and GET /health has no answer, for FOR. Next: start the "
            "service and read the end of its log; if it ends at once, look at its database and its models."
        ),
        panel=Panel("overview", SECTION, 100, "Workers alive", "{{instance}}"),
    )
    drive = kit.gauge_drive({WORKERS: float}, kit.workers, healthy=kit.thresholds.service.expected_workers)
    answers = _hours(kit, PROBE_SUCCESS, 1)
    return prove(alert, drive, _beside(kit, alert, drive, 0, answers, "no worker is seen, yet the service answers"))


def unresponsive(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.unresponsive
    alert = Alert(
        name="AuditorUnresponsive",
        settings="alerts.unresponsive",
        family="availability",
        place="instance",
        quantity=f"{PROBE_SUCCESS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(kit.thresholds, settings, f"and on (job, instance) {WORKERS}{{}} > 0"),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor on {{ $labels.instance }} hangs",
        description=(
            "Workers of the Auditor run on {{ $labels.instance }}, but GET /health has had no answer for FOR. Next: see whether "
            "requests wait and which worker is busy or stopped, then restart the service."
        ),
        panel=Panel("overview", SECTION, 101, "Probe of GET /health", "{{instance}}"),
    )
    drive = kit.gauge_drive({PROBE_SUCCESS: float}, kit.workers, healthy=1)
    running = replace(
        drive, series=lambda instance, phases: (*drive.series(instance, phases), _running(kit, instance, phases))
    )
    gone = _hours(kit, WORKERS, 0)
    return prove(alert, running, _beside(kit, alert, drive, 0, gone, "no worker runs: down, not hung"))


def _running(kit: Kit, instance: str, phases: Sequence[Phase]) -> Series:
    alive = [replace(phase, value=None if phase.value is None else 1.0) for phase in phases]
    return Series(selector(WORKERS, kit.workers(instance)), gauge(kit.clock, alive, float))


def sidecar_down(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.sidecar_down
    jobs = kit.thresholds.service.jobs
    alert = Alert(
        name="AuditorSidecarDown",
        settings="alerts.sidecar_down",
        family="availability",
        place="instance",
        quantity=f'{UP}{{job=~"{jobs.api}|{jobs.workers}"}}',
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="{{ $labels.job }} on {{ $labels.instance }} cannot be scraped",
        description=(
            "Prometheus has had no answer of {{ $labels.job }} on {{ $labels.instance }} for FOR: its alerts are blind, the "
            "service itself may be well. Next: see whether the sidecar runs and whether the network lets Prometheus reach it."
        ),
        panel=Panel("overview", SECTION, 102, "Scrapes that succeed", "{{job}} {{instance}}"),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    return prove(alert, kit.gauge_drive({UP: float}, kit.workers, healthy=1))


def target_missing(kit: Kit) -> Alert:
    """Prometheus has no target of a job at all."""
    settings = kit.thresholds.alerts.target_missing
    jobs = kit.thresholds.service.jobs
    missing = [f'absent({UP}{{job="{job}"}})' for job in (jobs.api, jobs.workers)]
    alert = Alert(
        name="AuditorTargetMissing",
        settings="alerts.target_missing",
        family="availability",
        place="job",
        quantity=f"({missing[0]} or {missing[1]})",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        summary="Prometheus has no target for {{ $labels.job }}",
        description=(
            "Prometheus has known no target of the job {{ $labels.job }} for FOR, so nothing of it is watched. Next: look at "
            "the scrape configuration and the service discovery, and at the status page of Prometheus's targets."
        ),
        panel=Panel("overview", SECTION, 103, "Jobs without a target", "{{job}}"),
        origins=("service.jobs.api", "service.jobs.workers"),
    )
    clock = kit.clock
    wait, keep = clock.tick(alert.triggers[0].for_), clock.tick(settings.keep_firing_for)
    back = clock.grid(wait) + 2 * clock.step
    there = Series(selector(UP, {"job": jobs.workers, "instance": HERE}), f"1x{clock.grid(86400) // clock.scrape}")
    gone = Series(selector(UP, kit.api(HERE)), f"_x{back // clock.scrape} 1x{(keep + back) // clock.scrape}")
    firing = tuple(Firing(trigger.severity, 1, {"job": jobs.api}, {}) for trigger in alert.triggers)
    before = (Moment(wait - clock.evaluate, ()),) if wait else ()
    case = Case(
        "one job without a target, then back",
        (there, gone),
        (*before, Moment(wait, firing), Moment(back + keep - clock.evaluate, firing), Moment(back + keep, ())),
    )
    down_but_known = Case(
        "targets that are down are known",
        tuple(Series(selector(UP, labels(HERE)), f"0x{2 * back // clock.scrape}") for labels in (kit.api, kit.workers)),
        (Moment(back, ()),),
    )
    return replace(alert, cases=(case, down_but_known))


def sidecar_blind(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.sidecar_blind
    alert = Alert(
        name="AuditorSidecarBlind",
        settings="alerts.sidecar_blind",
        family="availability",
        place="instance",
        quantity=f"{WORKERS}{{}}",
        op="<",
        unit=Unit.COUNT,
        constant=1,
        triggers=triggers(kit.thresholds, settings, f"and on (job, instance) {PROBE_SUCCESS}{{}} == 1"),
        keep_firing_for=settings.keep_firing_for,
        summary="The sidecar on {{ $labels.instance }} sees no worker",
        description=(
            "The Auditor on {{ $labels.instance }} answers, but its sidecar has found no worker for FOR: memory, descriptors and "
            "restarts are not watched. Next: see that both run in one pid namespace and as one user, and that the port is right."
        ),
        panel=Panel("overview", SECTION, 104, "Workers the sidecar sees", "{{instance}}"),
    )
    drive = kit.gauge_drive({WORKERS: float}, kit.workers, healthy=kit.thresholds.service.expected_workers)
    answering = replace(
        drive, series=lambda instance, phases: (*drive.series(instance, phases), _answers(kit, instance, phases))
    )
    silent = _hours(kit, PROBE_SUCCESS, 0)
    return prove(alert, answering, _beside(kit, alert, drive, 0, silent, "no worker and no answer: down, not blind"))


def _answers(kit: Kit, instance: str, phases: Sequence[Phase]) -> Series:
    alive = [replace(phase, value=None if phase.value is None else 1.0) for phase in phases]
    return Series(selector(PROBE_SUCCESS, kit.workers(instance)), gauge(kit.clock, alive, float))


def sidecar_errors(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.sidecar_errors
    window = format_duration(settings.window)
    count = Recording(
        f"instance:auditor_exporter_errors:increase{window}",
        f"sum by (job, instance) (increase({EXPORTER_ERRORS}{{}}[{window}]))",
    )
    alert = Alert(
        name="AuditorSidecarErrors",
        settings="alerts.sidecar_errors",
        family="availability",
        place="instance",
        quantity=count.query,
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings),
        keep_firing_for=settings.keep_firing_for,
        recordings=(count,),
        summary="The sidecar on {{ $labels.instance }} cannot read all it should",
        description=(
            f"The sidecar on {{{{ $labels.instance }}}} failed to read {{{{ $value | humanize }}}} times in {window}, and this for "
            "FOR: some series of the workers are missing. Next: see the reason in auditor_exporter_errors_total; `permission` means "
            "that it must run as the Auditor's user."
        ),
        panel=Panel("overview", SECTION, 105, f"Read errors of the sidecar within {window}", "{{instance}}"),
    )

    def series(instance: str, phases: Sequence[Phase]) -> Sequence[Series]:
        def growth(phase: Phase) -> float:
            return (phase.value or 0.0) * kit.clock.scrape / settings.window

        labels = {**kit.workers(instance), "reason": "permission"}
        return (Series(selector(EXPORTER_ERRORS, labels), counter(kit.clock, phases, growth)),)

    drive = Drive(clock=kit.clock, series=series, labels=kit.workers, healthy=0.0, onset=kit.second_sample)
    return replace(alert, cases=_errors_cases(kit, alert, drive))


def _errors_cases(kit: Kit, alert: Alert, drive: Drive) -> tuple[Case, ...]:
    """Any error counts, so the quantity has no value just beyond its bound: steady errors, and a single one."""
    clock, window = kit.clock, kit.thresholds.alerts.sidecar_errors.window
    wait, keep = alert.triggers[0].for_, alert.keep_firing_for
    steady = clock.grid(window + wait) + 2 * clock.step
    gone = steady + clock.grid(window)
    firing = tuple(Firing(trigger.severity, 40, kit.workers(HERE), {}) for trigger in alert.triggers)
    start = clock.tick(clock.scrape) + clock.tick(wait)
    phases = [Phase(steady, 40), Phase(gone + clock.grid(keep), 0)]
    single = f"0x{steady // clock.scrape} 1x{2 * steady // clock.scrape}"
    labels = {**kit.workers(HERE), "reason": "vanished"}
    return (
        Case(
            "errors all the time, then none",
            tuple(drive.series(HERE, phases)),
            (
                Moment(start - clock.evaluate, ()),
                Moment(steady - clock.step, firing),
                Moment(gone + clock.tick(keep), ()),
            ),
        ),
        Case(
            "a single error",
            (Series(selector(EXPORTER_ERRORS, labels), single),),
            tuple(Moment(clock.tick(steady + wait * part / 4), ()) for part in range(1, 6)),
        ),
    )


def app_metrics_missing(kit: Kit) -> Alert:
    settings = kit.thresholds.alerts.app_metrics_missing
    alert = Alert(
        name="AuditorAppMetricsMissing",
        settings="alerts.app_metrics_missing",
        family="availability",
        place="instance",
        quantity=f"{WORKERS}{{}}",
        op=">",
        unit=Unit.COUNT,
        triggers=triggers(kit.thresholds, settings, f"unless on (instance) {LATENCY}_count{{}}"),
        keep_firing_for=settings.keep_firing_for,
        summary="The Auditor on {{ $labels.instance }} has no metrics of its own",
        description=(
            "{{ $value }} workers of the Auditor run on {{ $labels.instance }}, but none of their own metrics has come for FOR: "
            "failures and latency are not watched. Next: see that PROMETHEUS_MULTIPROC_DIR is set for the Auditor and names the "
            "folder that the sidecar reads."
        ),
        panel=Panel("overview", SECTION, 106, "Workers without metrics of the app", "{{instance}}"),
    )
    drive = kit.gauge_drive({WORKERS: float}, kit.workers, healthy=0)
    counts = Series(
        selector(f"{LATENCY}_count", kit.api(HERE)), gauge(kit.clock, [Phase(kit.clock.grid(86400), 0.0)], float)
    )
    return prove(alert, drive, _beside(kit, alert, drive, 4, counts, "the app's metrics are there, though no request came"))
