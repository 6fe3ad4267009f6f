"""Hours of simulated events: incidents that alerts must detect, and harmless ones they must not."""

from generator.scenarios.context import ScenarioContext
from generator.scenarios.registry import all_scenarios
from generator.scenarios.scenario import Events
from generator.scenarios.timeseries import Span, steady

__all__ = ["Events", "ScenarioContext", "Span", "all_scenarios", "steady"]
