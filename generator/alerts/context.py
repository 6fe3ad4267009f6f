"""What every alert and its test cases derive from the thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.alerts.clock import Clock
from generator.alerts.model import Trigger
from generator.names import API_CLIENTS, BLACKBOX_SUCCESS, UP
from generator.thresholds.levels import LoadLevels
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, AlertSettings, BoundSeverity


@dataclass(frozen=True)
class Context:
    """The thresholds, with the clock of the test cases."""

    thresholds: Thresholds
    slower: int = 1

    @property
    def clock(self) -> Clock:
        """The longer of the scrape and the evaluation interval, times `slower`."""
        service = self.thresholds.service
        return Clock(int(max(service.scrape_interval, service.evaluation_interval)) * self.slower)

    def for_window(self, window: float, slowest: float | None = None) -> Context:
        """A context with a slower clock if a window would hold more than a hundred samples.

        Samples are at most `slowest` seconds apart, by default so close that alerts bridge a failed
        scrape.
        """
        interval = self.clock.interval
        slowest = slowest or self.thresholds.service.lookback / 2
        slower = min(int(window / interval / 50), int(slowest / interval))
        return replace(self, slower=max(1, slower))

    def triggers(
        self, settings: AlertSettings, guard: str = "", *, by_users: bool = False
    ) -> tuple[Trigger, ...]:
        """The severities that `settings` set, worst first, each with `guard`.

        `by_users` silences the lower ones while there are more users than their rows cover; an
        unknown number of users silences nothing.
        """
        found: list[Trigger] = []
        for severity in SEVERITIES:
            own = getattr(settings, severity, None)
            if own is None:
                continue
            bounded = isinstance(own, BoundSeverity)
            bound = self.thresholds.bound(own.fires_at) if bounded else None
            trigger = Trigger(severity, own.for_, settings.keep_firing_for, bound, guard)
            levels = bound.levels if bound else None
            users = levels.up_to_users if isinstance(levels, LoadLevels) else None
            if by_users and found and users is not None:
                crowded = f"unless on (instance) {API_CLIENTS}{{}} > {users}"
                guards = "\n".join(filter(None, (guard, crowded)))
                trigger = replace(trigger, guard=guards, up_to_users=users)
            found.append(trigger)
        return tuple(found)

    @property
    def sidecar_scrapes(self) -> str:
        """Whether Prometheus could scrape each of the sidecar's pages, as PromQL."""
        return f'{UP}{{job=~"{self.thresholds.service.jobs.sidecar}"}}'

    @property
    def probes(self) -> str:
        """Whether an instance, or the service as a whole, responds to a probe, as PromQL."""
        return f'{BLACKBOX_SUCCESS}{{job="{self.thresholds.service.jobs.probe}"}}'

    def api(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.api, "instance": instance}

    def workers(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.workers, "instance": instance}

    def probe(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.probe, "instance": instance}

    def worker(self, instance: str, number: str = "0") -> dict[str, str]:
        return {**self.workers(instance), "worker": number}
