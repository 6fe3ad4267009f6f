"""Which alerts Alertmanager inhibits while another one fires.

An alert never inhibits one of a higher severity. Every rule has a single alert of a single severity
as its source: Alertmanager 0.29 to 0.34.0 may forget the others once one of several sources that
are equal has resolved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator.alerts import ByKey
from generator.alerts.model import LABELS, Alert
from generator.thresholds.settings import SEVERITIES, Severity

# Where the series of an explained alert come from, the source's place.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "instance": ("instance",),
    "job": ("job", "instance"),
    "workers": ("job", "instance"),
}
# Families whose alerts are not symptoms of the service.
_NO_SYMPTOMS: Final = ("availability", "meta")
# Families whose alerts use the workers' metrics.
_WORKER_FAMILIES: Final = ("workers", "memory", "database")


@dataclass(frozen=True)
class Inhibition:
    """While `source` fires at `severity`, `targets` are muted where the `equal` labels agree."""

    source: str
    severity: Severity
    targets: tuple[str, ...]
    severities: tuple[Severity, ...]
    equal: tuple[str, ...]


def inhibitions(alerts: Sequence[Alert]) -> Iterator[Inhibition]:
    """Every pair of alerts, those of a source with the same severities and labels as one."""
    weaker = {alert.key: less_telling(alerts, alert) for alert in alerts}
    for source in alerts:
        for severity in (trigger.severity for trigger in source.triggers):
            found: dict[tuple[tuple[Severity, ...], tuple[str, ...]], list[str]] = {}
            for target in alerts:
                if not (equal := _place(source, target, weaker)):
                    continue
                # The less telling alert inhibits the other one only if it is worse.
                below = source.key in weaker[target.key]
                severities = SEVERITIES[SEVERITIES.index(severity) + below :]
                if any(trigger.severity in severities for trigger in target.triggers):
                    found.setdefault((severities, equal), []).append(target.name)
            for (severities, equal), targets in found.items():
                yield Inhibition(source.name, severity, tuple(targets), severities, equal)


def less_telling(alerts: Sequence[Alert], alert: Alert) -> frozenset[str]:
    """The keys of all alerts that it inhibits, those that these inhibit included."""
    by_key, found, following = ByKey(alerts), set[str](), list(alert.inhibits)
    while following:
        if (key := following.pop()) not in found:
            found.add(key)
            following += by_key[key].inhibits
    return frozenset(found)


def _place(source: Alert, target: Alert, weaker: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The labels in which the two must agree; none if neither has to do with the other."""
    if source.explains and _is_explained(source.explains, target):
        return _PLACES[source.explains]
    if target.key not in weaker[source.key] and source.key not in weaker[target.key]:
        return ()
    shared = [label for label in LABELS[source.scope] if label in LABELS[target.scope]]
    # Jobs differ between the metrics of an instance's app and its workers.
    return tuple(label for label in shared if label != "job") or ("job",)


def _is_explained(explained: str, alert: Alert) -> bool:
    if "instance" not in LABELS[alert.scope]:
        return False
    if explained == "workers":
        return alert.scope == "worker" or alert.family in _WORKER_FAMILIES
    return alert.family not in _NO_SYMPTOMS
