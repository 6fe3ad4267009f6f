"""Where results are kept, and the connections to a database that stay open."""

from __future__ import annotations

import json
import socket
import sqlite3
from typing import Any

from demo.auditor.settings import Settings
from demo.auditor.shapes import Statistics, VerifyResponse

_TABLE = """
create table if not exists verifications
  (id text primary key, score real, verified integer, label text, body text)
"""


class Storage:
    """Rows in SQLite. With STANDIN_DATABASE a pool of connections there, of which nothing is asked.

    Monitoring sees of a database its connections alone.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.storage.removeprefix("sqlite:///")
        self._rows = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._rows.execute("pragma journal_mode=wal")
        self._rows.execute("pragma synchronous=off")
        self._rows.execute(_TABLE)
        self._address = settings.database
        self._most = settings.pool
        self._open: list[socket.socket] = []

    def connect(self, wanted: int) -> int:
        """Have so many connections open, or as many as the pool allows; the number."""
        wanted = min(wanted, self._most)
        while len(self._open) > wanted:
            self._open.pop().close()
        while self._address and len(self._open) < wanted:
            self._open.append(socket.create_connection(self._address, timeout=5))
        return len(self._open)

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
