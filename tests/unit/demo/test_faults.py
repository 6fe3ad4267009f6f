from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo import injection
from demo.faults import FAULTS, Fault, UnknownFaultError, injections, names
from demo.injection import Effect, Injection
from tests.bundle import alerts

INJECTIONS = st.lists(
    st.builds(
        Injection,
        effect=st.sampled_from(Effect),
        amount=st.floats(0, 1e9),
        since=st.floats(0, 1e10),
        worker=st.none() | st.integers(0, 63),
    )
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_names_existing_alerts(fault: Fault) -> None:
    known = {(alert.name, each.severity) for alert in alerts() for each in alert.triggers}
    families = {alert.name: alert.family for alert in alerts()}
    assert set(fault.expected) <= known
    assert {families[name] for name, _ in fault.expected} <= set(fault.allowed)
    assert set(fault.allowed) <= set(families.values())


def test_every_effect_belongs_to_a_fault() -> None:
    assert {effect for fault in FAULTS for effect, _ in fault.effects} == set(Effect)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.effects for fault in FAULTS}) == len(FAULTS), "their effects identify them"


def test_a_fault_can_be_limited_to_one_worker() -> None:
    (all_workers,) = injections(["errors"], 7)
    (one_worker,) = injections(["errors:2"], 7)
    assert [all_workers.applies_to(worker) for worker in range(4)] == [True] * 4
    assert [one_worker.applies_to(worker) for worker in range(4)] == [False, False, True, False]


def test_injections_lead_back_to_the_names_of_their_faults() -> None:
    wanted = ["slow-leak:0", "errors", "hang"]
    assert sorted(names(injections(wanted, 7))) == sorted(wanted)
    assert names([]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eror", "unknown fault 'eror'; known faults: errors, outage, "),
        ("errors:", "'errors:': '' is not a worker number"),
        ("errors:first", "'errors:first': 'first' is not a worker number"),
        ("errors:-1", "'-1' is not a worker number"),
    ],
)
def test_an_unknown_fault_or_worker_is_reported(text: str, message: str) -> None:
    with pytest.raises(UnknownFaultError) as raised:
        injections([text], 0)
    assert message in str(raised.value)


@given(wanted=INJECTIONS)
def test_injections_survive_writing_and_reading(
    wanted: list[Injection], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("control")
    assert injection.read(folder) == []
    injection.write(folder, wanted)
    assert injection.read(folder) == wanted
    assert [file.name for file in folder.iterdir()] == [injection.FILE]


def test_a_later_injection_replaces_the_earlier(tmp_path: Path) -> None:
    injection.write(tmp_path, injections(["errors"], 1))
    injection.write(tmp_path, injections(["hang"], 2))
    assert names(injection.read(tmp_path)) == ["hang"]
