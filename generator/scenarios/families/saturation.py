"""File descriptors, threads, CPU time and waiting requests: exhausted, or merely in use."""

from __future__ import annotations

import math
from typing import Final

from generator.scenarios import Events, ScenarioContext, Span
from generator.scenarios.context import SPARE
from generator.scenarios.instance import MAX_FDS
from generator.scenarios.timeseries import TimeSeries

FAMILY = "saturation"

# Seconds from the start of such a leak to its peak.
_LEAK: Final = 3 * 3600.0


def _leak(context: ScenarioContext, key: str, quantity: str, bound: float, peak: float) -> Events:
    """A worker leaks up to `peak`, past the `bound` of an alert, until it is restarted."""
    healthy: TimeSeries[float] = getattr(context.worker, quantity)
    base = healthy.at(0)
    delay = _LEAK * (bound - base) / (peak - base)
    incident = context.incident(key, delay=delay, lasts=delay + context.time_to_fire(key) + SPARE)
    leak = healthy.grow(incident.start, (peak - base) / _LEAK).then(incident.start + _LEAK, peak)
    leaking = context.healthy().workers_with([0], **{quantity: leak})
    return incident.events(context.restarted(leaking, incident.end, [0]))


def file_descriptors_run_out(context: ScenarioContext) -> Events:
    """A worker does not close its files and almost reaches the limit. It is restarted."""
    key = "file_descriptors_near_limit"
    bound = context.bound(key) * MAX_FDS
    return _leak(context, key, "fds", bound, (bound + MAX_FDS) / 2)


def threads_pile_up(context: ScenarioContext) -> Events:
    """Now and then a worker starts a thread that never ends. The worker is restarted."""
    bound = context.bound("many_threads")
    return _leak(context, "many_threads", "threads", bound, 2 * bound)


def slow_file_descriptor_leak(context: ScenarioContext) -> Events:
    """Now and then a worker leaves a connection open. It is restarted the next day."""
    return context.leak("file_descriptor_leak", "fds")


def slow_thread_leak(context: ScenarioContext) -> Events:
    """Now and then a question hangs in a thread of its own. The worker is restarted."""
    return context.leak("thread_leak", "threads")


def worker_spins_under_load(context: ScenarioContext) -> Events:
    """One worker is stuck in a busy loop while the others serve. The loop ends by itself."""
    incident = context.incident("high_cpu")
    cpu = 1.2 * context.bound("high_cpu")
    return incident.events(context.healthy().workers_during(incident, [0], cpu=cpu))


def worker_spins_while_idle(context: ScenarioContext) -> Events:
    """No requests arrive, yet a worker retries something without pausing.

    Then the cause is gone.
    """
    incident = context.incident("idle_cpu")
    cpu = 3 * context.bound("idle_cpu")
    # That may be more than a busy worker should need.
    idle = context.idle().workers_during(incident, [0], cpu=cpu)
    return incident.events(idle, also=("CPU time",))


def clients_queue_for_a_worker(context: ScenarioContext) -> Events:
    """There are more clients than workers, and each client waits for seconds.

    The app's own latency looks perfect.
    """
    incident = context.incident("requests_waiting", "slow_probe")
    least = 2 * context.settings("requests_waiting").min_waiting
    waiting = max(least, 3 * context.bound("requests_waiting") * context.request_rate)
    queue = context.healthy().during(incident, waiting=waiting / 2, accept_queue=waiting / 2)
    slow = queue.during(incident, probe_latency=context.slow_probe, clients=math.ceil(waiting))
    return incident.events(slow)


def statistics_block_the_event_loop(context: ScenarioContext) -> Events:
    """Somebody requests a year of statistics over and over. No other requests arrive."""
    incident = context.incident("slow_probe")
    return incident.events(context.idle().during(incident, probe_latency=context.slow_probe))


def nightly_batch(context: ScenarioContext) -> Events:
    """A batch job keeps every worker at a full core for some minutes.

    It ends before that matters.
    """
    length = 0.8 * min(trigger.for_ for trigger in context.alerts["high_cpu"].triggers)
    batch = Span(3600.0, 3600.0 + length)
    return Events(length=2 * 3600.0, instances=(context.healthy().workers_during(batch, cpu=0.99),))


def connection_spike(context: ScenarioContext) -> Events:
    """Hundreds of clients connect at once and leave within a minute. Nobody waits for long."""
    minute = Span(1800.0, 1845.0)
    bound = context.bound("file_descriptors_near_limit", "lowest") * MAX_FDS
    crowded = context.healthy().during(minute, clients=400.0, waiting=3 * context.request_rate)
    fds = round((bound + MAX_FDS) / 2)
    return Events(length=5400.0, instances=(crowded.workers_during(minute, fds=fds),))


def thread_pool_fills_up(context: ScenarioContext) -> Events:
    """The first parallel questions fill the thread pool of each worker. Then it keeps its size."""
    full = context.thresholds.targets.worker.threads.acceptable
    threads = context.worker.threads
    threads = threads.grow(3600.0, (full - threads.at(0)) / 600).then(4200.0, full)
    return Events(length=8 * 3600.0, instances=(context.healthy().workers_with(threads=threads),))
