"""Tests of an alert on the share of failures and the number of outages within a window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from generator.alerts.context import Context
from generator.alerts.model import Alert, AlertTest, Case, Series
from generator.alerts.testcases.inputs import HERE, MakeLabels
from generator.alerts.testcases.series import run
from generator.names import UP

Target = tuple[str, MakeLabels]


def cases(
    context: Context, alert: Alert, window: float, outages: int, targets: Sequence[Target]
) -> tuple[Case, ...]:
    """Each of the `targets` flaps; the last one also nearly does."""
    flapping = Flapping(context, alert, window, outages)
    last = targets[-1]
    few, many = flapping.failures
    minutes = flapping.minutes()
    fewer = flapping.split(many, outages - 1)
    return (
        *(
            flapping.case(
                f"{labels(HERE)['job']} fails every other minute", (metric, labels), minutes
            )
            for metric, labels in targets
        ),
        flapping.case("just below the share", last, flapping.split(few, outages)),
        flapping.case("just above the share", last, flapping.split(many, outages)),
        *(
            flapping.case(
                f"as many failures of {labels(HERE)['job']} in fewer outages, and one long ago",
                (metric, labels),
                [True, False, *[True] * flapping.samples, *fewer[len(flapping.healthy) :]],
            )
            for metric, labels in (targets[0], last)
        ),
        flapping.case("a single scrape fails now and then", last, flapping.every(36)),
    )


@dataclass(frozen=True)
class Flapping:
    """Samples lie between the evaluations, so none lies at the edge of a window.

    Prometheus 3 excludes a sample there, and earlier versions include it.
    """

    context: Context
    alert: Alert
    window: float
    outages: int

    @property
    def step(self) -> int:
        """Seconds between two samples."""
        return max(1, self.context.clock.interval - 1)

    @property
    def samples(self) -> int:
        """The most samples in a window."""
        return math.ceil(self.window / self.step)

    @property
    def failures(self) -> tuple[int, int]:
        """Most failures in a window that are few enough, fewest that are too many."""
        share = self.alert.constant
        return math.ceil(share * (self.samples - 1)) - 1, math.floor(share * self.samples) + 1

    def minutes(self) -> list[bool]:
        """Two windows of outages, then none."""
        length = max(1, 60 // self.step)
        turns = math.ceil(2 * self.window / (2 * length * self.step))
        return ([True] * length + [False] * length) * turns + self.healthy

    def split(self, failures: int, outages: int) -> list[bool]:
        """So many failures in so many outages."""
        lengths = [failures // outages + (turn < failures % outages) for turn in range(outages)]
        found = list(self.healthy)
        for length in lengths:
            found += [*[False] * length, True]
        return found + self.healthy

    def every(self, samples: int) -> list[bool]:
        return ([True] * (samples - 1) + [False]) * math.ceil(4 * self.samples / samples)

    @property
    def healthy(self) -> list[bool]:
        seconds = self.window + self.alert.longest_for + self.alert.keep_firing_for
        return [True] * math.ceil(seconds / self.step + 9)

    def case(self, title: str, target: Target, answers: Sequence[bool]) -> Case:
        metric, labels = target
        runs = [(answer, len(list(group))) for answer, group in groupby(answers)]
        values = " ".join(run(str(int(answer)), length) for answer, length in runs)
        scraped = Series(UP, labels(HERE), f"1x{len(answers)}")
        series = (Series(metric, labels(HERE), values), *([scraped] if metric != UP else []))
        return Case(title, series, tuple(self._tests(answers, labels)), interval=self.step)

    def _tests(self, answers: Sequence[bool], labels: MakeLabels) -> Iterator[AlertTest]:
        """Before and after each change, the last time the share is beyond, and at the end."""
        interval = self.context.clock.interval
        times = range(interval, len(answers) * self.step - interval, interval)
        readings = [self._read(answers, at) for at in times]
        shown = list(self._shown(readings))
        beyond = [i for i, (share, _) in enumerate(readings) if share > self.alert.constant]
        checked = {0, *beyond[-1:], len(shown) - 1}
        for index, (before, after) in enumerate(pairwise(shown)):
            if (before is None) is not (after is None):
                checked |= {index, index + 1}
        for index in sorted(checked):
            at, value = times[index], shown[index]
            yield AlertTest(at) if value is None else self.alert.firing(at, value, labels(HERE))

    def _shown(self, readings: Sequence[tuple[float, int]]) -> Iterator[float | None]:
        """The share that a firing alert shows at each evaluation; None while it does not fire."""
        interval = self.context.clock.interval
        since, was_beyond, firing, shown = 0, False, False, 0.0
        for at, (share, outages) in enumerate(readings):
            beyond = share > self.alert.constant and outages >= self.outages
            if beyond is not was_beyond:
                since, was_beyond = at, beyond
            lasted = (at - since) * interval
            if beyond:
                shown = share
                firing = firing or lasted >= self.alert.longest_for
            else:
                firing = firing and lasted < self.alert.keep_firing_for
            yield shown if firing else None

    def _read(self, answers: Sequence[bool], at: int) -> tuple[float, int]:
        """Share of failures and number of outages in the window before `at`."""
        first = max(0, math.floor((at - self.window) / self.step) + 1)
        seen = answers[first : at // self.step + 1]
        outages = sum(before and not after for before, after in pairwise(seen))
        return seen.count(False) / len(seen), outages
