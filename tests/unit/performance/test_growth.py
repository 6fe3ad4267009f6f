from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from generator.thresholds.levels import GrowthLevels
from tests.bundle import thresholds
from tests.performance.grading import Level
from tests.performance.growth import MIN_SAMPLES, growth
from tests.performance.workers import growth_grade

MIB = 2**20
EVERY = 5.0
TEN_MINUTES = [EVERY * each for each in range(121)]
ROW: GrowthLevels = thresholds().targets.memory.growth


def leak(rate: float) -> list[float]:
    """Resident memory that grows by `rate` MiB per minute."""
    return [300 * MIB + rate * MIB * at / 60 for at in TEN_MINUTES]


def sawtooth(period: float, height: float) -> list[float]:
    """It grows, then everything is freed at once."""
    return [300 * MIB + height * MIB * (at % period) / period for at in TEN_MINUTES]


def noise(seed: int, size: float, memory: float = 0.0) -> NDArray[np.float64]:
    """Normal noise; `memory` is its autocorrelation."""
    draws = np.random.default_rng(seed).normal(0, size * MIB, len(TEN_MINUTES))
    found = [draws[0]]
    for draw in draws[1:]:
        found.append(memory * found[-1] + draw)
    return np.asarray(found)


def per_minute(row_edge: float, factor: float) -> float:
    """A multiple of a number of the row, in MiB per minute."""
    return factor * 60 * row_edge / MIB


# A poor leak, in MiB per minute.
LEAK = per_minute(ROW.acceptable, 1.2)


def level(values: list[float]) -> Level | None:
    return growth_grade("memory.growth", ROW, growth(TEN_MINUTES, values)).level


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (per_minute(ROW.target, -0.5), Level.TARGET),
        (0, Level.TARGET),
        (per_minute(ROW.target, 0.999), Level.TARGET),
        (per_minute(ROW.target, 1.001), Level.ACCEPTABLE),
        (per_minute(ROW.acceptable, 0.999), Level.ACCEPTABLE),
        (per_minute(ROW.acceptable, 1.001), Level.POOR),
        (LEAK, Level.POOR),
    ],
)
def test_a_steady_leak_is_graded_by_its_rate(rate: float, expected: Level) -> None:
    found = growth(TEN_MINUTES, leak(rate))
    assert found
    assert found.slope * 60 / MIB == pytest.approx(rate, abs=1e-6)
    assert level(leak(rate)) is expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [12, 60])
def test_a_leak_is_found_in_the_noise_of_requests(rate: float, seed: int) -> None:
    values = np.asarray(leak(rate)) + noise(seed, 10)
    found = growth(TEN_MINUTES, list(values))
    assert found
    assert found.significant
    assert found.slope * 60 / MIB == pytest.approx(rate, abs=2)


@pytest.mark.parametrize("height", [20, 150, 1000])
@pytest.mark.parametrize("period", [15, 47, 60, 97, 150, 200, 290])
def test_a_sawtooth_is_no_leak(period: float, height: float) -> None:
    """If it is freed at least twice. Before that nobody can tell."""
    found = level(sawtooth(period, height))
    assert found is None or found <= Level.ACCEPTABLE


@pytest.mark.parametrize("period", [15, 47])
def test_a_quick_sawtooth_is_on_target(period: float) -> None:
    assert level(sawtooth(period, 150)) is Level.TARGET


@pytest.mark.parametrize("period", [15, 47, 60])
def test_a_leak_below_a_sawtooth_is_found(period: float) -> None:
    values = [a + b for a, b in zip(leak(3 * LEAK), sawtooth(period, 60), strict=True)]
    assert level(values) is Level.POOR


@pytest.mark.parametrize("seconds", [5, 10, 30])
@pytest.mark.parametrize("begin", [0, 60, 200])
def test_loading_models_is_no_leak(begin: float, seconds: float) -> None:
    """One gigabyte in 5 to 30 s, then no more."""
    loaded = [
        300 * MIB + 1024 * MIB * min(1.0, max(0.0, (at - begin) / seconds)) for at in TEN_MINUTES
    ]
    found = growth(TEN_MINUTES, loaded)
    assert found
    assert found.slope == pytest.approx(0, abs=1)
    assert found.warm_up == pytest.approx(begin + seconds, abs=EVERY)
    assert level(loaded) is Level.TARGET


@pytest.mark.parametrize("begin", [310, 400, 550])
def test_a_late_jump_is_no_leak_either(begin: float) -> None:
    values = [300 * MIB + 1024.0 * MIB * (at >= begin) for at in TEN_MINUTES]
    found = level(values)
    assert found is None or found is Level.TARGET


def test_a_leak_after_loading_models_is_found() -> None:
    values = [
        a + (1024 * MIB if at > 40 else 0) for at, a in zip(TEN_MINUTES, leak(LEAK), strict=True)
    ]
    assert level(values) is Level.POOR


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_noise_is_rarely_called_growth(memory: float) -> None:
    """A 99.9% interval misses one time in a thousand, more often if noise is autocorrelated."""
    significant = 0
    for seed in range(200):
        found = growth(TEN_MINUTES, list(noise(seed, 10, memory)))
        assert found
        significant += found.significant
    assert significant / 200 <= (0.005 if memory == 0 else 0.04)


def test_too_few_samples_give_no_growth() -> None:
    assert growth([], []) is None
    assert growth(TEN_MINUTES[: MIN_SAMPLES - 1], leak(12)[: MIN_SAMPLES - 1]) is None
    assert growth(TEN_MINUTES, leak(12), warm_up=1000) is None


def test_a_given_warm_up_is_ignored() -> None:
    values = [50 * MIB * min(at, 120) for at in TEN_MINUTES]
    found = growth(TEN_MINUTES, values, warm_up=120)
    assert found
    assert (found.slope, found.warm_up) == (0, 120)


@given(
    st.lists(st.integers(0, 2**34), min_size=MIN_SAMPLES, max_size=80),
    st.integers(1, 1000),
    st.integers(0, 2**40),
)
def test_the_slope_scales_with_the_values_and_ignores_an_offset(
    values: list[int], factor: int, offset: int
) -> None:
    times = [float(each) for each in range(len(values))]
    plain = growth(times, [float(each) for each in values])
    other = growth(times, [float(factor * each + offset) for each in values])
    assert (plain is None) == (other is None)
    if plain and other:
        assert math.isclose(other.slope, factor * plain.slope, rel_tol=1e-6, abs_tol=1e-3)
        assert plain.low <= plain.slope <= plain.high
