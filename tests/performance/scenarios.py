"""The load test scenarios: kind and number of users over time, and the purpose of the run."""

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
    """`spawn_rate` is how many users start or stop per second until there are `users`."""

    seconds: float
    users: int
    spawn_rate: float


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`user` is the class of its users. `judges_memory`: inconclusive if no worker is visible."""

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
        """The peak."""
        return max(each.users for each in self.stages)

    def scaled(self, time: float, users: float) -> Scenario:
        """Multiply the durations by `time` and the users by `users`, but keep at least one."""
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
        """The stage at that time; None after the last."""
        ends = accumulate(each.seconds for each in self.stages)
        pairs = zip(ends, self.stages, strict=True)
        return next((stage for end, stage in pairs if seconds < end), None)


def _constant(seconds: float, users: int, ramp: float = 0.1) -> Stage:
    """`ramp` is the share of the time until all users have started."""
    return Stage(seconds, users, users / (seconds * ramp))


# Users and durations are those of the guide, Testing Types. It has none for burst and heavy.
SCENARIOS: Final = (
    Scenario(
        name="smoke",
        purpose="does it work at all",
        every="deploy",
        stages=(_constant(1 * MINUTE, 10),),
    ),
    Scenario(
        name="baseline",
        purpose="normal load, for comparison",
        every="week",
        stages=(_constant(5 * MINUTE, 50),),
    ),
    Scenario(
        name="load",
        purpose="the expected load, in three steps",
        every="release",
        stages=tuple(_constant(5 * MINUTE, users) for users in (100, 150, 200)),
    ),
    Scenario(
        name="stress",
        purpose="beyond capacity, in three steps",
        every="month",
        stages=(
            _constant(3 * MINUTE, 300),
            _constant(3 * MINUTE, 400),
            _constant(4 * MINUTE, 500),
        ),
    ),
    Scenario(
        name="spike",
        purpose="ten times the users within seconds, then recovery",
        every="month",
        stages=(
            _constant(1.5 * MINUTE, 50),
            Stage(1 * MINUTE, 500, 100),
            Stage(2.5 * MINUTE, 50, 100),
        ),
    ),
    Scenario(
        name="burst",
        purpose="users who send ten requests in a row, then pause",
        every="month",
        stages=(_constant(5 * MINUTE, 50),),
        user="BurstUser",
    ),
    Scenario(
        name="heavy",
        purpose="long answers with many sources",
        every="month",
        stages=(_constant(5 * MINUTE, 20),),
        user="HeavyUser",
    ),
    Scenario(
        name="endurance",
        purpose="sustained load",
        every="release",
        stages=(_constant(30 * MINUTE, 100, ramp=0.03),),
        judges_memory=True,
    ),
    Scenario(
        name="soak",
        purpose="memory leaks",
        every="quarter",
        stages=(_constant(2 * HOUR, 75, ramp=0.01),),
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
    """By its name, or because it is public and its name does not say otherwise."""
    name = urlsplit(host).hostname or ""
    try:
        return ipaddress.ip_address(name).is_global
    except ValueError:
        words = set(_words(name))
    if words & _PRODUCTION:
        return True
    return "." in name and not words & _HARMLESS


def _words(name: str) -> Iterator[str]:
    """The parts of a host name, with and without a trailing number."""
    for part in name.lower().replace("-", ".").replace("_", ".").split("."):
        yield part
        yield part.rstrip("0123456789")
