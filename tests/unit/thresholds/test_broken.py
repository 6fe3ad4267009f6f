import pytest

from tests.unit.thresholds.cases import Case, read_cases
from tests.unit.thresholds.good import FILE, GOOD, problems

CASES = read_cases("broken.txt")


def test_the_good_file_is_good() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message(case: Case) -> None:
    assert problems(case.broken(GOOD)) == case.expected(GOOD, FILE)


@pytest.mark.parametrize("case", read_cases("allowed.txt"), ids=lambda case: case.name)
def test_just_right(case: Case) -> None:
    """The nearest values that are not refused."""
    assert problems(case.broken(GOOD)) == []


def test_names_of_the_cases_differ() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
