"""A fake database that only accepts connections and keeps them open."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import Self


class Database:
    """Monitoring sees only the connections to the database port, so there is nothing else here."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._thread.join(10)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, self._listener)
            while not self._stopped:
                for key, _ in selector.select(0.2):
                    self._handle(selector, key.data)
            for key in list(selector.get_map().values()):
                key.data.close()

    def _handle(self, selector: selectors.BaseSelector, ready: socket.socket) -> None:
        if ready is self._listener:
            connection, _ = ready.accept()
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, connection)
        elif _closed(ready):
            selector.unregister(ready)
            ready.close()


def _closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1024)
    except OSError:
        return True
