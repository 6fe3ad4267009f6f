"""What a changed value of the thresholds may and must change among the rendered files."""

from __future__ import annotations

from collections.abc import Mapping

from generator.alerts import all_alerts
from generator.alerts.model import Alert
from generator.alerts.objectives import FAMILIES
from generator.scenarios.render import FOLDER
from generator.thresholds import Thresholds
from tests.bundle import alerts, files
from tests.changes import Leaf, covered, name_of, proofs

# No test can show how long an alert stays that never ends.
ENDLESS = "alerts.watchdog.keep_firing_for"
# Settings that panels use besides those of their own alerts.
SHOWN = (
    "alerts.requests_waiting.min_waiting",
    "alerts.workers_missing.before",
    "alerts.workers_missing.envelope",
)


def check_reach(path: Leaf, thresholds: Thresholds, rendered: Mapping[str, str]) -> None:
    """Raises AssertionError unless a change at `path` reaches what depends on it, and no more."""
    name = name_of(path)
    changed = {each for each in {*rendered, *files()} if rendered.get(each) != files().get(each)}
    assert changed, "no artefact depends on this value"
    if name.startswith("service."):
        return
    involved = [alert for alert in (*alerts(), *all_alerts(thresholds)) if covered(alert, name)]
    assert changed <= may_change(name, involved)
    if name.startswith("alerts."):
        assert {f"docs/runbooks/{alert.name}.md" for alert in involved} <= changed
        assert path[-1] == "why" or name == ENDLESS or proofs(involved) <= changed


def may_change(name: str, involved: list[Alert]) -> set[str]:
    """Files that may depend on a value, by what the alerts declare."""
    allowed = {"docs/targets.md", "docs/runbooks/README.md"}
    for alert in involved:
        allowed |= {f"promtool-tests/{alert.name}.yml", f"docs/runbooks/{alert.name}.md"}
        allowed |= {
            f"alerts/{family}.yml"
            for family in (alert.family, *(each.family for each in alert.recordings))
        }
        allowed.add(f"dashboards/{alert.panel.dashboard}.json")
    if name.endswith(".for"):
        allowed.add("deploy/compose/compose.yaml")  # the shortest is the grace period
    if name.endswith(".fires_at"):
        allowed.add("deploy/alertmanager/alertmanager.yml")  # an alert inhibits in its severities
    if name.startswith(("routing.", "deploy.", "dashboards.")):
        allowed |= {path for path in files() if path.startswith("deploy/")}
    if name.startswith("slo."):
        allowed |= {f"alerts/{family}.yml" for family in ("error", "latency", *FAMILIES)}
        allowed.add("promtool-tests/budget.yml")
        allowed.add("deploy/compose/compose.yaml")  # what it looks back at is kept
    shown = name.endswith("window") or name in SHOWN
    if shown or name.startswith(("targets.", "slo.", "dashboards.")):
        allowed |= {path for path in files() if path.startswith("dashboards/")}
    if not name.startswith(("routing.", "deploy.", "dashboards.")):
        allowed |= {path for path in files() if path.startswith(FOLDER)}  # a healthy day is in all
    return allowed | {mirror(path) for path in allowed}


def mirror(path: str) -> str:
    """The manifest that carries a file, or the file itself where none does."""
    folder, _, name = path.partition("/")
    if folder == "alerts":
        return "deploy/kubernetes/prometheus-rule.yaml"
    if folder == "dashboards":
        return f"deploy/kubernetes/dashboard-{name.removesuffix('.json')}.yaml"
    return path
