"""A changed value reaches the files that depend on it and no others: some settings of each section.

`tests/live/test_every_value.py` changes all of them.
"""

from __future__ import annotations

import pytest

from generator.bundle import render
from tests.changes import LEAVES, Leaf, changed_thresholds, name_of
from tests.reach import check_reach

# The first of each section, and of each depth in it.
SAMPLE = {(path[0], len(path)): path for path in LEAVES[::-1]}


@pytest.mark.parametrize("path", SAMPLE.values(), ids=name_of)
def test_a_change_reaches_what_depends_on_it(path: Leaf) -> None:
    thresholds = changed_thresholds(path)
    check_reach(path, thresholds, render(thresholds))
