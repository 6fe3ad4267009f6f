"""The error for a configuration file that cannot be used."""

from __future__ import annotations

from collections.abc import Collection


class ConfigError(Exception):
    """One line for each problem with the file."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
