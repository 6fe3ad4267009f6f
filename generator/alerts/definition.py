"""What a family's module declares about an alert: the form of its settings, and its builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from generator.alerts.context import Context
from generator.alerts.model import Alert, alert_name
from generator.names import SCRAPED
from generator.promql import looking_back
from generator.thresholds.model import AlertForm
from generator.thresholds.settings import AlertSettings, Rows
from generator.thresholds.units import format_duration

S = TypeVar("S", bound=AlertSettings)


@dataclass(frozen=True)
class Definition(Generic[S]):
    """An alert's key in the thresholds file, the form of its settings, and its builder.

    `rows` are the rows of the targets that its `fires_at` may name; None if it has no bound.
    """

    key: str
    settings: type[S]
    rows: Rows | None
    build: Callable[[Context, S], Alert]

    @property
    def name(self) -> str:
        return alert_name(self.key)

    @property
    def form(self) -> AlertForm:
        return AlertForm(self.settings, self.rows)

    def alert(self, context: Context) -> Alert:
        """The alert as the thresholds set it. Raises UnknownAlertError if it needs another one."""
        settings = context.thresholds.alert(self.key, self.settings)
        alert = replace(self.build(context, settings), key=self.key)
        return _bridging_failed_scrapes(alert, context.thresholds.service.lookback)


def _bridging_failed_scrapes(alert: Alert, lookback: float) -> Alert:
    """`alert` so that failed scrapes neither resolve it nor start its `for` anew.

    It reads the last value within `lookback` seconds of everything that a failed scrape leaves out.
    """
    incomplete = {each.name for each in alert.recordings if each.has_gaps} | SCRAPED
    window = format_duration(lookback)
    triggers = (
        replace(each, guard=looking_back(each.guard, incomplete, window)) for each in alert.triggers
    )
    quantity = looking_back(alert.quantity, incomplete, window)
    return replace(alert, quantity=quantity, triggers=tuple(triggers))


def define(
    settings: type[S], rows: Rows | None = None
) -> Callable[[Callable[[Context, S], Alert]], Definition[S]]:
    """Declare the decorated builder's alert; the function's name is the key of its settings."""

    def declare(build: Callable[[Context, S], Alert]) -> Definition[S]:
        return Definition(build.__name__, settings, rows, build)

    return declare
