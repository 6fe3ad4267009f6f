"""The stages of a scenario as a load shape for Locust.

    locust -f tests/performance/locustfile.py,tests/performance/shape.py --scenario spike

Separate from the users, because a run with a shape ignores --users and --run-time.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from locust import LoadTestShape, events

from tests.performance.scenarios import BY_NAME


def add_options(parser: ArgumentParser, **_: object) -> None:
    own = parser.add_argument_group("Scenario")
    own.add_argument("--scenario", choices=BY_NAME, default="smoke", help="default: smoke")
    own.add_argument("--scale", type=float, default=1.0, help="multiply the durations (default: 1)")
    own.add_argument(
        "--users-scale", type=float, default=1.0, help="multiply the users (default: 1)"
    )


events.init_command_line_parser.add_listener(add_options)


class ScenarioShape(LoadTestShape):
    """Runs the stages one after another."""

    def tick(self) -> tuple[int, float] | None:
        runner: Any = self.runner
        chosen = runner.environment.parsed_options
        elapsed = time.perf_counter() - self.start_time
        scenario = BY_NAME[chosen.scenario].scaled(chosen.scale, chosen.users_scale)
        stage = scenario.at(elapsed)
        return (stage.users, stage.spawn_rate) if stage else None
