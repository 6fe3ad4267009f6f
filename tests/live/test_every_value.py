"""Other thresholds need no second edit: promtool passes on all that is rendered from them.

With one value changed, the right files change, and of the rule tests those run that change or whose
alert depends on the value. Scenarios run on whole files of other thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from generator.bundle import render
from generator.config import load
from generator.scenarios.render import FOLDER
from tests.bundle import FILE, ROOT, alerts, files, text
from tests.changes import (
    LEAVES,
    Leaf,
    changed_thresholds,
    covered,
    everything_larger,
    everything_shorter,
    name_of,
    proofs,
)
from tests.live.promtool import cases, run
from tests.reach import check_reach

pytestmark = pytest.mark.full

OTHERS: Final = {
    "larger.yaml": everything_larger(),
    "shorter.yaml": everything_shorter(),
    **{path.name: path.read_text() for path in (ROOT / "deploy/overlays").iterdir()},
}
# Of the scenarios, so that several run at a time.
PARTS: Final = 8


@cache
def rendered_from(other: str) -> dict[str, str]:
    return render(load(text(), FILE, [(other, OTHERS[other])]))


@pytest.mark.parametrize("other", sorted(OTHERS))
@pytest.mark.parametrize("part", range(PARTS))
def test_no_scenario_is_stale(part: int, other: str, tmp_path: Path, any_promtool: Path) -> None:
    rendered = rendered_from(other)
    tests = sorted(path for path in rendered if path.startswith(FOLDER))[part::PARTS]
    rules = {path for path in rendered if path.startswith("alerts/")}
    write(tmp_path, {path: rendered[path] for path in {*rules, *tests}})
    run(any_promtool, "test", "rules", *(tmp_path / each for each in tests))


@pytest.mark.parametrize("path", LEAVES, ids=name_of)
def test_a_change_reaches_what_depends_on_it_and_no_test_is_stale(
    path: Leaf, tmp_path: Path, any_promtool: Path
) -> None:
    thresholds = changed_thresholds(path)
    rendered = render(thresholds)
    check_reach(path, thresholds, rendered)
    if path[-1] == "why":  # a text, which no rule depends on
        return
    changed = {each for each in rendered if rendered[each] != files().get(each)}
    owners = [alert for alert in alerts() if covered(alert, name_of(path))]
    stale = {
        each
        for each in changed | proofs(owners)
        if each.startswith("promtool-tests/") and not each.startswith(FOLDER)
    }
    if stale:
        write(tmp_path, rendered)
        tests = [tmp_path / each for each in sorted(stale)]
        run(any_promtool, "test", "rules", *cases(tests, tmp_path))


def write(folder: Path, rendered: Mapping[str, str]) -> None:
    for path, content in rendered.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
