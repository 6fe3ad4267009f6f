"""Accepts connections and keeps them, as a database does with those of a pool."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import Self


class Database:
    """Of a database the monitoring sees the connections to its port, so this has nothing else."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join(10)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, self._listener)
            while not self._ended:
                for key, _ in selector.select(0.2):
                    self._attend(selector, key.data)
            for key in list(selector.get_map().values()):
                key.data.close()

    def _attend(self, selector: selectors.BaseSelector, found: socket.socket) -> None:
        if found is self._listener:
            connection, _ = found.accept()
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, connection)
        elif _closed(found):
            selector.unregister(found)
            found.close()


def _closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1024)
    except OSError:
        return True
