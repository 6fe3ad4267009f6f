"""The thresholds, with the clock and the labels that all test cases share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.alerts.clock import Clock
from generator.thresholds.model import Thresholds


@dataclass(frozen=True)
class Context:
    """The thresholds with what all test cases need."""

    thresholds: Thresholds
    slower: int = 1

    @property
    def clock(self) -> Clock:
        """The longer of the scrape and the evaluation interval, times `slower`."""
        service = self.thresholds.service
        return Clock(int(max(service.scrape_interval, service.evaluation_interval)) * self.slower)

    def for_window(self, window: float, slowest: float = 90) -> Context:
        """A context with a slower clock if a window would hold more than a hundred samples.

        Samples are at most `slowest` seconds apart. Prometheus looks back five minutes, so with up
        to two minutes between samples it bridges a failed scrape.
        """
        interval = self.clock.interval
        slower = min(int(window / interval / 50), int(slowest / interval))
        return replace(self, slower=max(1, slower))

    def api(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.api, "instance": instance}

    def workers(self, instance: str) -> dict[str, str]:
        return {"job": self.thresholds.service.jobs.workers, "instance": instance}

    def worker(self, instance: str) -> dict[str, str]:
        return {**self.workers(instance), "worker": "0"}
