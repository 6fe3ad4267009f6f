"""Recordings of a gauge that may leak: its lower envelope, slope, and time to its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from generator.alerts.model import Family, Recording
from generator.names import RESIDENT_MEMORY
from generator.thresholds.document import Document
from generator.thresholds.fields import PositiveSeconds, Seconds, doc
from generator.thresholds.problems import Problem
from generator.thresholds.settings import SEVERITIES, WindowAlert
from generator.thresholds.units import Unit, format_duration, format_value


class LeakAlert(WindowAlert):
    envelope: PositiveSeconds = doc("Range of the minimum, which filters out what comes and goes.")
    warm_up: Seconds = doc("Age of a worker up to which growth counts as startup, not as a leak.")

    @classmethod
    def problems(cls, document: Document, path: str) -> Iterator[Problem]:
        yield from super().problems(document, path)
        window = document.number(f"{path}.window")
        for severity in SEVERITIES:
            wait = document.number(f"{path}.{severity}.for")
            if window is not None and wait is not None and wait <= window:
                limit = format_value(window, Unit.DURATION)
                reason = "a single jump stays in the slope that long"
                expected = f"a duration above {path}.window ({limit}): {reason}"
                yield document.problem(f"{path}.{severity}.for", expected)


@dataclass(frozen=True)
class LeakingGauge:
    """A gauge of a worker that may leak.

    `limit` is what it must not reach, PromQL with braces at every selector. In tests it is `top`,
    given by the series `limits` if it is not a number. A healthy worker has `base`, which garbage
    collection, a pause of its clients or a release moves by `swing`. `compare` is what else may
    grow with it. `origins` are the paths of the thresholds that the limit comes from.
    """

    metric: str
    family: Family
    section: str
    noun: str
    limit: str
    spoken_limit: str
    compare: str
    top: float
    base: float
    swing: float
    limits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def is_memory(self) -> bool:
        return self.metric == RESIDENT_MEMORY


def envelope(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """The lower envelope, which leaves out what comes and goes."""
    e = format_duration(settings.envelope)
    return Recording(
        leaking.family,
        f"worker:{leaking.metric}:min{e}",
        f"min_over_time({leaking.metric}{{}}[{e}])",
    )


def slope(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """The least-squares slope of the envelope, per second."""
    low, w = envelope(leaking, settings), format_duration(settings.window)
    return Recording(leaking.family, f"{low.name}_deriv{w}", f"deriv({low.query}[{w}])")


def seconds_to_limit(leaking: LeakingGauge, settings: LeakAlert) -> Recording:
    """Seconds until a growing worker reaches its limit."""
    return Recording(
        leaking.family,
        f"worker:{leaking.metric}:seconds_to_limit_deriv{format_duration(settings.window)}",
        f"({leaking.limit} - {leaking.metric}{{}} > 0)\n/ ({slope(leaking, settings).query} > 0)",
    )


def judged_from(settings: LeakAlert) -> float:
    """The age at which window and envelope both lie after the warm-up."""
    return settings.warm_up + settings.envelope + settings.window
