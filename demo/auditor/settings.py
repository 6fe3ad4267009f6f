"""Settings from the environment, under the Auditor's own names where it has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Settings:
    """`work_seconds` is the CPU time of a verification, `load_seconds` that of loading models."""

    database_url: str
    pool_address: tuple[str, int] | None
    pool_size: int
    rate_limiting: bool
    per_minute: int
    burst: int
    keys: frozenset[str]
    work_seconds: float
    load_seconds: float
    model_bytes: int
    control: Path | None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError for a number that is not one."""
        host, _, port = environment.get("STANDIN_DATABASE", "").rpartition(":")
        keys = environment.get("STANDIN_API_KEYS", "")
        control = environment.get("STANDIN_CONTROL", "")
        size = int(environment.get("DB_POOL_SIZE", "5"))
        overflow = int(environment.get("DB_MAX_OVERFLOW", "10"))
        return cls(
            database_url=environment.get("DATABASE_URL", "sqlite:///:memory:"),
            pool_address=(host, int(port)) if port else None,
            pool_size=size + overflow,
            rate_limiting=environment.get("ENABLE_RATE_LIMITING", "true").lower() == "true",
            per_minute=int(environment.get("RATE_LIMIT_PER_MINUTE", "60")),
            burst=int(environment.get("RATE_LIMIT_BURST", "10")),
            keys=frozenset(key for key in keys.split(",") if key),
            work_seconds=float(environment.get("STANDIN_WORK_SECONDS", "0.1")),
            load_seconds=float(environment.get("STANDIN_LOAD_SECONDS", "10")),
            model_bytes=int(environment.get("STANDIN_MODEL_BYTES", str(1 << 30))),
            control=Path(control) if control else None,
        )
