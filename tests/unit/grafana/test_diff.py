from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.grafana.diff import Change, diff, panels
from tests.live.grafana.command import RENDERED

Json = dict[str, Any]
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "refId", "id"]), inner, max_size=4)
    ),
    max_leaves=15,
)
PANELS = st.lists(
    st.fixed_dictionaries({"id": st.integers(1, 5), "title": st.text(max_size=3), "x": VALUES}),
    max_size=4,
    unique_by=lambda panel: panel["id"],
)
DASHBOARDS = st.fixed_dictionaries({"title": st.text(max_size=3), "y": VALUES, "panels": PANELS})


@given(DASHBOARDS)
def test_a_dashboard_equals_itself(dashboard: Json) -> None:
    assert diff(dashboard, deepcopy(dashboard)) == ()


@given(DASHBOARDS, DASHBOARDS)
def test_the_reverse_diff_has_the_reverse_changes(one: Json, other: Json) -> None:
    forth = {(each.panel, each.path): each for each in diff(one, other)}
    back = {(each.panel, each.path): each for each in diff(other, one)}
    assert back.keys() == forth.keys()
    for key, change in forth.items():
        assert back[key] == Change(*key, change.after, change.before)


@given(DASHBOARDS, st.data())
def test_a_change_has_the_id_of_its_panel(dashboard: Json, data: st.DataObject) -> None:
    if not dashboard["panels"]:
        return
    changed = deepcopy(dashboard)
    panel = data.draw(st.sampled_from(changed["panels"]))
    panel["title"] += "!"
    (change,) = diff(dashboard, changed)
    assert change == Change(panel["id"], "title", panel["title"][:-1], panel["title"])


def leaves(value: Any) -> list[tuple[list[str | int], Any]]:
    """Every non-empty number and text of a document, with the keys that lead there."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [([key, *rest], leaf) for key, each in items for rest, leaf in leaves(each)]
    return [([], value)] if value and isinstance(value, str | int | float) else []


@pytest.mark.parametrize("uid", RENDERED)
def test_a_change_of_any_value_is_found(uid: str) -> None:
    """One value after another, except Grafana's own."""
    rendered, changed = RENDERED[uid], deepcopy(RENDERED[uid])
    own = {"schemaVersion", "uid", "id", "pluginVersion", "gridPos"}
    for keys, leaf in leaves(rendered):
        if own & set(keys):
            continue
        at: Any = changed
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = f"{leaf}!" if isinstance(leaf, str) else 2 * leaf + 1
        found = diff(rendered, changed)
        at[keys[-1]] = leaf
        assert found, keys
        assert all((each.panel is None) == (keys[0] != "panels") for each in found), keys


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"a": None}),
        ({"a": ""}, {}),
        ({}, {"a": []}),
        ({"a": {}}, {"a": None}),
        ({}, {"a": False}),
        ({"version": 1, "id": 2, "schemaVersion": 38}, {"version": 9}),
    ],
)
def test_empty_values_and_bookkeeping_are_no_changes(before: Json, after: Json) -> None:
    assert diff(before, after) == ()


@pytest.mark.parametrize(("before", "after"), [({}, {"a": 0}), ({"a": False}, {"a": True})])
def test_zero_and_true_are_changes(before: Json, after: Json) -> None:
    assert len(diff(before, after)) == 1


def test_the_elements_of_lists_are_matched_by_their_keys() -> None:
    before = {"list": [{"name": "a", "x": 1}, {"name": "b", "x": 2}]}
    after = {"list": [{"name": "b", "x": 2}, {"name": "a", "x": 3}, {"name": "c"}]}
    assert diff(before, after) == (
        Change(None, "list[a].x", 1, 3),
        Change(None, "list[c]", None, {"name": "c"}),
    )


def test_panels_in_a_collapsed_row_are_the_same_panels() -> None:
    """Grafana moves them into the row when somebody collapses it."""
    inner = {"id": 2, "title": "inner"}
    opened: Json = {"panels": [{"id": 1, "type": "row", "panels": []}, inner]}
    closed: Json = {"panels": [{"id": 1, "type": "row", "panels": [inner]}]}
    assert list(panels(closed)) == [1, 2]
    assert diff(opened, closed) == ()
