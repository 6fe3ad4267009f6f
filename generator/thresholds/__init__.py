"""The file of thresholds: reading it, checking it, and describing it."""

from generator.thresholds.jsonnet import Importer
from generator.thresholds.load import load
from generator.thresholds.model import Thresholds, UnknownAlertError, model_of
from generator.thresholds.notes import between_buckets, notes
from generator.thresholds.problems import ConfigError, Note, Position, Problem

__all__ = [
    "ConfigError",
    "Importer",
    "Note",
    "Position",
    "Problem",
    "Thresholds",
    "UnknownAlertError",
    "between_buckets",
    "load",
    "model_of",
    "notes",
]
