"""What a user reads when a configuration file cannot be used."""

from __future__ import annotations

from collections.abc import Collection


class ConfigError(Exception):
    """A file that cannot be used; one line for each problem."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
