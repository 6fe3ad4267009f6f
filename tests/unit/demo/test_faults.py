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
def test_a_fault_names_alerts_that_there_are(fault: Fault) -> None:
    known = {(alert.name, each.severity) for alert in alerts() for each in alert.triggers}
    families = {alert.name: alert.family for alert in alerts()}
    assert set(fault.fires) <= known
    assert {families[name] for name, _ in fault.fires} <= set(fault.shows)
    assert set(fault.shows) <= set(families.values())


def test_every_effect_belongs_to_a_fault() -> None:
    assert {effect for fault in FAULTS for effect, _ in fault.effects} == set(Effect)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.effects for fault in FAULTS}) == len(FAULTS), "they can be told apart"


def test_a_fault_on_one_worker_alone() -> None:
    (everywhere,) = injections(["errors"], 7)
    (alone,) = injections(["errors:2"], 7)
    assert [everywhere.meets(worker) for worker in range(4)] == [True] * 4
    assert [alone.meets(worker) for worker in range(4)] == [False, False, True, False]


def test_the_names_of_what_is_injected() -> None:
    wanted = ["slow-leak:0", "errors", "hang"]
    assert sorted(names(injections(wanted, 7))) == sorted(wanted)
    assert names([]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eror", "fault 'eror' is not known; there are errors, outage, "),
        ("errors:", "'errors:': '' is no worker; expected a number from 0"),
        ("errors:first", "'errors:first': 'first' is no worker"),
        ("errors:-1", "'-1' is no worker"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(UnknownFaultError) as raised:
        injections([text], 0)
    assert message in str(raised.value)


@given(wanted=INJECTIONS)
def test_the_file_gives_back_what_was_written(
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
