"""Corrections of what grafanalib 0.7.1 emits to the schema that Grafana 9.4 to 13 accept.

The library emits nulls, members that Grafana has dropped, and for some panels the options of
Grafana 6. What is left here is valid in today's `@grafana/schema`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Json = dict[str, Any]

# The newest schema that Grafana 9.4 knows. Later versions migrate it; a schema newer than its own
# makes Grafana report a failed migration.
SCHEMA_VERSION: Final = 38
# Without it Grafana takes a panel's options for those of version 6 and migrates them.
PLUGIN_VERSION: Final = "9.4.0"

_PANEL: Final = ("datasource", "description", "gridPos", "id", "links", "targets", "title", "type")
# What the library emits and Grafana has dropped.
_OLD_DASHBOARD: Final = ("__inputs", "hideControls", "rows", "sharedCrosshair", "style", "version")
_OLD_VARIABLE: Final = ("auto", "auto_count", "auto_min", "useTags")
_OLD_OPTIONS: Final = ("fieldOptions", "showThresholdLabels", "showThresholdMarkers", "sortBy")
_OLD_CUSTOM: Final = ("displayMode", "filterable")


def dashboard(emitted: Json) -> Json:
    return {**_without(emitted, _OLD_DASHBOARD), "timepicker": {}}


def variable(emitted: Json) -> Json:
    return _without(emitted, _OLD_VARIABLE)


def panel(emitted: Json) -> Json:
    found = emitted["fieldConfig"]
    defaults = {"color": {"mode": "thresholds"}, "mappings": [], **_without(found["defaults"], ())}
    defaults["custom"] = _without(defaults["custom"], _OLD_CUSTOM)
    if "scaleDistribution" in defaults["custom"]:
        # A linear scale has no base.
        defaults["custom"]["scaleDistribution"] = {"type": "linear"}
    if emitted["type"] == "table":
        defaults["custom"] |= {"cellOptions": {"type": "auto"}, "inspect": False}
    kept = _only(emitted, _PANEL) | {
        "fieldConfig": {"defaults": defaults, "overrides": found.get("overrides", [])},
        "options": _without(emitted["options"], _OLD_OPTIONS),
        "pluginVersion": PLUGIN_VERSION,
    }
    if emitted["transformations"]:
        kept["transformations"] = emitted["transformations"]
    return kept


def _only(emitted: Json, members: Iterable[str]) -> Json:
    return {name: emitted[name] for name in members if emitted.get(name) is not None}


def _without(emitted: Json, members: Iterable[str]) -> Json:
    """The others, but no nulls."""
    return _only(emitted, emitted.keys() - set(members))
