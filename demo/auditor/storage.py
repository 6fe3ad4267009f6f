"""Stores results, and holds the pool of database connections."""

from __future__ import annotations

import json
import socket
import sqlite3
from typing import Any

from demo.auditor.schemas import Statistics, VerifyResponse
from demo.auditor.settings import Settings

_TABLE = """
create table if not exists verifications
  (id text primary key, score real, verified integer, label text, body text)
"""


class Storage:
    """Rows in SQLite, and idle connections to STANDIN_DATABASE.

    Monitoring sees only the connections to a database, so nothing is sent over them.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.database_url.removeprefix("sqlite:///")
        self._rows = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._rows.execute("pragma journal_mode=wal")
        self._rows.execute("pragma synchronous=off")
        self._rows.execute(_TABLE)
        self._address = settings.pool_address
        self._max_connections = settings.pool_size
        self._connections: list[socket.socket] = []

    def resize_pool(self, wanted: int) -> int:
        """Open or close connections, up to the size of the pool; return how many are open."""
        wanted = min(wanted, self._max_connections)
        while len(self._connections) > wanted:
            self._connections.pop().close()
        while self._address and len(self._connections) < wanted:
            self._connections.append(socket.create_connection(self._address, timeout=5))
        return len(self._connections)

    def store(self, result: VerifyResponse) -> None:
        confidence = result.confidence
        row = (result.verification_id, confidence.score, confidence.verified)
        self._rows.execute(
            "insert into verifications values (?, ?, ?, ?, ?)",
            (*row, confidence.trust_label, result.model_dump_json()),
        )

    def get(self, verification_id: str) -> dict[str, Any] | None:
        query = "select body from verifications where id = ?"
        row = self._rows.execute(query, (verification_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def statistics(self) -> Statistics:
        query = "select count(*), total(verified), coalesce(avg(score), 0) from verifications"
        total, valid, average = self._rows.execute(query).fetchone()
        labels = self._rows.execute("select label, count(*) from verifications group by label")
        return Statistics(
            total_verifications=total,
            valid_verifications=int(valid),
            average_confidence=average,
            by_label=dict(labels.fetchall()),
        )
