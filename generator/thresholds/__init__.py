"""The file of thresholds: reading it, checking it, and describing it."""

from generator.thresholds.jsonnet import Importer
from generator.thresholds.load import load
from generator.thresholds.model import Position, Thresholds
from generator.thresholds.notices import between_buckets, notices
from generator.thresholds.problems import ConfigError, Notice, Problem

__all__ = [
    "ConfigError",
    "Importer",
    "Notice",
    "Position",
    "Problem",
    "Thresholds",
    "between_buckets",
    "load",
    "notices",
]
