"""Every value of the thresholds file, changed alone.

What speaks of it changes, nothing else does, and all tests of the rules pass. The scenarios, which
would take hours so, have whole files changed in test_scenarios.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.alerts import all_alerts
from generator.alerts.budget import FAMILIES
from generator.alerts.model import Alert
from generator.bundle import render
from generator.mutation.scaffold import Workshop, whole
from generator.mutation.suite import read_suite
from generator.scenarios.render import FOLDER
from tests.bundle import alerts, files
from tests.changes import LEAVES, Leaf, changed_thresholds, name_of
from tests.live.test_promtool import run

# No test can show how long an alert stays that never ends.
ENDLESS = "alerts.watchdog.keep_firing_for"


def covered(alert: Alert, name: str) -> bool:
    """The alert says that it depends on the value; it quotes the reason of each row it uses."""
    row = f"{name.removesuffix('.why')}." if name.endswith(".why") else None
    return any(
        name == path or name.startswith(f"{path}.") or (row and path.startswith(row))
        for path in alert.paths()
    )


def may_change(name: str, involved: list[Alert]) -> set[str]:
    """Files that speak of a value, told by what the alerts say of themselves."""
    allowed = {"docs/targets.md", "docs/runbooks/README.md"}
    for alert in involved:
        allowed |= {f"promtool-tests/{alert.name}.yml", f"docs/runbooks/{alert.name}.md"}
        allowed |= {
            f"alerts/{family}.yml"
            for family in (alert.family, *(each.family for each in alert.recordings))
        }
        allowed.add(f"dashboards/{alert.panel.dashboard}.json")
    if name.startswith(("routing.", "deploy.", "dashboards.")):
        allowed |= {path for path in files() if path.startswith("deploy/")}
    if name.startswith("slo."):
        allowed.add("deploy/compose/compose.yaml")  # what it looks back at is kept
    if name.startswith("slo."):
        allowed |= {f"alerts/{family}.yml" for family in ("error", "latency", *FAMILIES)}
    if name.startswith("slo."):
        allowed.add("promtool-tests/budget.yml")
    shown = name.endswith("window") or name == "alerts.requests_waiting.min_waiting"
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


def proofs(involved: list[Alert]) -> set[str]:
    return {f"promtool-tests/{alert.name}.yml" for alert in involved}


@pytest.mark.slow
@pytest.mark.parametrize("path", LEAVES, ids=name_of)
def test_a_change_reaches_what_speaks_of_it_and_no_test_is_stale(
    path: Leaf, tmp_path: Path, any_promtool: Path
) -> None:
    name = name_of(path)
    thresholds = changed_thresholds(path)
    rendered = render(thresholds)
    changed = {each for each in {*rendered, *files()} if rendered.get(each) != files().get(each)}
    assert changed, "no artefact speaks of this value"
    if not name.startswith("service."):
        involved = [alert for alert in (*alerts(), *all_alerts(thresholds)) if covered(alert, name)]
        assert changed <= may_change(name, involved)
        if name.startswith("alerts."):
            assert {f"docs/runbooks/{alert.name}.md" for alert in involved} <= changed
            assert path[-1] == "why" or name == ENDLESS or proofs(involved) <= changed
    owners = [alert for alert in alerts() if covered(alert, name)]
    stale = {
        each
        for each in changed | proofs(owners)
        if each.startswith("promtool-tests/") and not each.startswith(FOLDER)
    }
    if stale and path[-1] != "why":
        for each, content in rendered.items():
            (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / each).write_text(content)
        run(any_promtool, "test", "rules", *cases(tmp_path, sorted(stale)))


def cases(bundle: Path, tests: list[str]) -> list[Path]:
    """Each case in a file of its own, over the rules alone that it reads: in half of the time."""
    folder = bundle / "cases"
    folder.mkdir()
    workshop = Workshop(folder)
    suite = read_suite(bundle / each for each in tests)
    return [workshop.test(unit)[0] for unit in whole(suite)]
