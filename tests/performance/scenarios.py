"""The scenarios: who comes, how many at which time, and what the run is for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final
from urllib.parse import urlsplit

MINUTE: Final = 60
HOUR: Final = 3600


@dataclass(frozen=True)
class Stage:
    """So many seconds with so many users, who come or go at so many a second."""

    seconds: float
    users: int
    spawn_rate: float


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`user` is the class of its users; `judges_memory`: without workers to be seen it is void."""

    name: str
    purpose: str
    every: str
    stages: tuple[Stage, ...]
    user: str = "StandardUser"
    judges_memory: bool = False

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.stages)

    @property
    def users(self) -> int:
        """The most at once."""
        return max(each.users for each in self.stages)

    def scaled(self, time: float, users: float) -> Scenario:
        """The same shape in another time, with more or fewer users, but one at least."""
        stages = (
            Stage(
                seconds=each.seconds * time,
                users=max(1, round(each.users * users)),
                spawn_rate=each.spawn_rate * users / time,
            )
            for each in self.stages
        )
        return replace(self, stages=tuple(stages))

    def at(self, seconds: float) -> Stage | None:
        """The stage of a moment; None when it is over."""
        ends = accumulate(each.seconds for each in self.stages)
        pairs = zip(ends, self.stages, strict=True)
        return next((stage for end, stage in pairs if seconds < end), None)


def _level(seconds: float, users: int, ramp: float = 0.1) -> Stage:
    """All users are there after this share of the time."""
    return Stage(seconds, users, users / (seconds * ramp))


# Users and durations: the guide, Testing Types. It gives none for burst and heavy.
SCENARIOS: Final = (
    Scenario(
        name="smoke",
        purpose="does it work at all",
        every="deploy",
        stages=(_level(1 * MINUTE, 10),),
    ),
    Scenario(
        name="baseline",
        purpose="usual load, to compare with",
        every="week",
        stages=(_level(5 * MINUTE, 50),),
    ),
    Scenario(
        name="load",
        purpose="the load that is expected, in three steps",
        every="release",
        stages=tuple(_level(5 * MINUTE, users) for users in (100, 150, 200)),
    ),
    Scenario(
        name="stress",
        purpose="beyond capacity, in three steps",
        every="month",
        stages=(
            _level(3 * MINUTE, 300),
            _level(3 * MINUTE, 400),
            _level(4 * MINUTE, 500),
        ),
    ),
    Scenario(
        name="spike",
        purpose="ten times the users within seconds, and the recovery",
        every="month",
        stages=(
            _level(1.5 * MINUTE, 50),
            Stage(1 * MINUTE, 500, 100),
            Stage(2.5 * MINUTE, 50, 100),
        ),
    ),
    Scenario(
        name="burst",
        purpose="users who ask ten times in a row, then pause",
        every="month",
        stages=(_level(5 * MINUTE, 50),),
        user="BurstUser",
    ),
    Scenario(
        name="heavy",
        purpose="long answers against many sources",
        every="month",
        stages=(_level(5 * MINUTE, 20),),
        user="HeavyUser",
    ),
    Scenario(
        name="endurance",
        purpose="lasting load",
        every="release",
        stages=(_level(30 * MINUTE, 100, ramp=0.03),),
        judges_memory=True,
    ),
    Scenario(
        name="soak",
        purpose="leaks of memory",
        every="quarter",
        stages=(_level(2 * HOUR, 75, ramp=0.01),),
        judges_memory=True,
    ),
)
BY_NAME: Final = {each.name: each for each in SCENARIOS}

_HARMLESS: Final = frozenset(
    {"ci", "demo", "dev", "development", "docker", "internal", "lan", "local", "localhost"}
    | {"preview", "qa", "sandbox", "stage", "staging", "test", "testing", "uat"}
)
_PRODUCTION: Final = frozenset(["live", "prd", "prod", "production"])


def looks_like_production(host: str) -> bool:
    """Whether a name says so, or nothing says that it is another: a public address or name."""
    name = urlsplit(host).hostname or ""
    try:
        return ipaddress.ip_address(name).is_global
    except ValueError:
        words = set(_words(name))
    if words & _PRODUCTION:
        return True
    return "." in name and not words & _HARMLESS


def _words(name: str) -> Iterator[str]:
    """The parts of a host's name between dots and hyphens, and each without a number at its end."""
    for part in name.lower().replace("-", ".").replace("_", ".").split("."):
        yield part
        yield part.rstrip("0123456789")
