"""Hours of simulated events: incidents that alerts must detect, and harmless ones they must not."""

from generator.scenarios.registry import all_scenarios

__all__ = ["all_scenarios"]
