"""The severities of an alert from its settings, and the guards that silence them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from generator.alerts.model import Trigger
from generator.names import API_CLIENTS
from generator.thresholds.levels import Levels, LoadLevels
from generator.thresholds.model import Thresholds
from generator.thresholds.settings import SEVERITIES, AlertSettings, BoundSeverity


def triggers(
    thresholds: Thresholds,
    settings: AlertSettings,
    guard: str = "",
    lower_guard: Callable[[Levels], str] | None = None,
) -> tuple[Trigger, ...]:
    """The severities that `settings` set, worst first.

    `guard` belongs to all of them; `lower_guard` derives one more from the row for all but the
    worst.
    """
    found: list[Trigger] = []
    for severity in SEVERITIES:
        configured = getattr(settings, severity, None)
        if configured is None:
            continue
        bound = (
            thresholds.bound(configured.fires_at) if isinstance(configured, BoundSeverity) else None
        )
        guards = [guard, lower_guard(bound.levels) if lower_guard and bound and found else ""]
        found.append(Trigger(severity, configured.for_, bound, "\n".join(filter(None, guards))))
    return tuple(found)


def users_of(levels: Levels) -> int | None:
    """The number of users up to which a row holds; None if it has no such limit."""
    return levels.up_to_users if isinstance(levels, LoadLevels) else None


def while_users_allow(levels: Levels) -> str:
    """A guard that silences a bound while there are more users than its row covers.

    An unknown number of users silences nothing.
    """
    users = users_of(levels)
    return "" if users is None else f"unless on (instance) {API_CLIENTS}{{}} > {users}"


def users_paths(alert_triggers: Sequence[Trigger]) -> tuple[str, ...]:
    """Paths of the numbers of users that silence the lower severities."""
    rows = (trigger.bound for trigger in alert_triggers[1:] if trigger.bound)
    return tuple(
        f"targets.{bound.row}.up_to_users" for bound in rows if users_of(bound.levels) is not None
    )
