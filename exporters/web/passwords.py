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

_REMEMBERED: Final = 100
_MOST_WAITING: Final = 32
_LONGEST: Final = 72  # bcrypt takes no more bytes; Go's and Apache's cut off the rest as well


class BusyError(Exception):
    """More passwords wait to be checked than is reasonable."""


class Passwords:
    """A check takes bcrypt some 70 ms at cost 10: beside the event loop, one at a time.

    What has been right is remembered by a keyed hash. An unknown user takes as long as a known.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name.encode(): hashed.encode() for name, hashed in users.items()}
        cost = max((hashed.split("$")[2] for hashed in users.values()), default="10")
        self._nobody = f"$2b${cost}${'.' * 53}".encode()
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._waiting = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    async def admits(self, authorization: str) -> bool:
        """Whether a header Authorization is a user's; raises BusyError."""
        name, password = _credentials(authorization)
        key = hmac.digest(self._secret, name + b"\0" + password, hashlib.sha256)
        if key in self._right:
            return True
        if self._waiting >= _MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._check, name, password
            )
        finally:
            self._waiting -= 1
        if right:
            while len(self._right) >= _REMEMBERED:
                del self._right[next(iter(self._right))]
            self._right[key] = None
        return right

    def _check(self, name: bytes, password: bytes) -> bool:
        hashed = self._users.get(name)
        try:
            matches = bcrypt.checkpw(password[:_LONGEST], hashed or self._nobody)
        except ValueError:  # a password that bcrypt has no hash for
            return False
        return matches and hashed is not None

    def close(self) -> None:
        self._executor.shutdown(wait=False)


def _credentials(authorization: str) -> tuple[bytes, bytes]:
    """Two empty ones of what is not understood."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        name, _, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return name, password
