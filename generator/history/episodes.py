"""When an alert fires, from when its condition holds: Prometheus's own rules, without Prometheus.

As `AlertingRule.Eval` of Prometheus (rules/alerting.go) goes: pending while the condition holds,
firing once it has held for `for`, and no more once it has not held for `keep_firing_for`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from generator.history.client import Range


@dataclass(frozen=True)
class Episode:
    """One firing, in Unix time; `end` is None if it fires still at the end of the range."""

    start: float
    end: float | None


def episodes(
    true_at: Collection[float], span: Range, for_: float, keep_firing_for: float
) -> Iterator[Episode]:
    """The firings of one series whose condition holds at these moments of the range."""
    holds = {span.index(time) for time in true_at}
    since: float | None = None
    firing: float | None = None
    lost: float | None = None
    for number, time in enumerate(span.times()):
        if number in holds:
            lost = None
            since = time if since is None else since
            if firing is None and time - since >= for_:
                firing = time
        elif firing is not None:
            lost = time if lost is None else lost
            if time - lost >= keep_firing_for:
                yield Episode(firing, time)
                since = firing = lost = None
        else:
            since = None
    if firing is not None:
        yield Episode(firing, None)
