from __future__ import annotations

import pytest

from exporters.contract import FAMILIES, LabelledWorkerMetric, Metric, WorkerMetric


def test_names_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", ["auditor_things_total", "auditor_things_bucket"])
def test_a_suffix_in_the_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: write the name without _"):
        Metric(name, "counter", "Things.")
    with pytest.raises(ValueError, match=f"{name}: write the name without _"):
        WorkerMetric(name, "gauge", "Things.", read=lambda _: 1)


def test_the_labels_of_a_worker_metric_follow_from_its_class() -> None:
    plain = WorkerMetric("auditor_things", "gauge", "Things.", read=lambda _: 1)
    split = LabelledWorkerMetric("a", "counter", "Things.", label="mode", read=lambda _: {})
    assert plain.labels == ("worker",)
    assert split.labels == ("worker", "mode")
    assert (plain.sample, split.sample) == ("auditor_things", "a_total")
