"""A changed value reaches the files that depend on it and no others: one setting of each kind.

`tests/live/test_every_value.py` changes all of them.
"""

from __future__ import annotations

import pytest

from generator.bundle import render
from tests.changes import LEAVES, Leaf, changed_thresholds, name_of
from tests.reach import check_reach

# The first of those with the same section and key, which are read and rendered alike.
SAMPLE = {
    (path[0], [key for key in path if isinstance(key, str)][-1]): path for path in LEAVES[::-1]
}


@pytest.mark.parametrize("path", SAMPLE.values(), ids=name_of)
def test_a_change_reaches_what_depends_on_it(path: Leaf) -> None:
    thresholds = changed_thresholds(path)
    check_reach(path, thresholds, render(thresholds))
