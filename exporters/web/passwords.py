"""Basic authentication against bcrypt hashes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import bcrypt

_MAX_CACHED: Final = 100
_MAX_WAITING: Final = 32
_MAX_BYTES: Final = 72  # bcrypt's limit; Go and Apache truncate passwords too


class BusyError(Exception):
    """Too many passwords are waiting to be checked."""


class Passwords:
    """bcrypt takes some 70 ms at cost 10, so checks run outside the event loop, one at a time.

    Correct passwords are cached by a keyed hash. An unknown user takes as long as a known one.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name.encode(): hashed.encode() for name, hashed in users.items()}
        cost = max((hashed.split("$")[2] for hashed in users.values()), default="10")
        self._nobody = f"$2b${cost}${'.' * 53}".encode()
        self._secret = secrets.token_bytes(32)
        self._correct: dict[bytes, None] = {}
        self._waiting = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    async def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header is valid; raises BusyError."""
        name, password = _credentials(authorization)
        key = hmac.digest(self._secret, name + b"\0" + password, hashlib.sha256)
        if key in self._correct:
            return True
        if self._waiting >= _MAX_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            correct = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._check, name, password
            )
        finally:
            self._waiting -= 1
        if correct:
            while len(self._correct) >= _MAX_CACHED:
                del self._correct[next(iter(self._correct))]
            self._correct[key] = None
        return correct

    def _check(self, name: bytes, password: bytes) -> bool:
        hashed = self._users.get(name)
        try:
            matches = bcrypt.checkpw(password[:_MAX_BYTES], hashed or self._nobody)
        except ValueError:  # a password that bcrypt cannot hash
            return False
        return matches and hashed is not None

    def close(self) -> None:
        self._executor.shutdown(wait=False)


def _credentials(authorization: str) -> tuple[bytes, bytes]:
    """User name and password; both empty if the header is not understood."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        name, _, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return name, password
