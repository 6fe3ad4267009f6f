"""The head of a request, as RFC 9112 writes it; a stricter reading than the RFC allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/1\.([01])" % _TOKEN)
_FIELD: Final = re.compile(rb"(%s):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*" % _TOKEN)
_MOST_FIELDS: Final = 100
_MOST_PARAMETERS: Final = 20


class BadRequestError(Exception):
    """What came is no request that is served here; `status` is what to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have lower-case names; of a repeated one the values are joined by commas."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    keep_alive: bool


def parse_head(head: bytes) -> Request:
    """From the first line to before the empty one; raises BadRequestError."""
    first, *rest = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if not line:
        raise BadRequestError(400, "the first line is no HTTP/1.1 request")
    headers = _fields(rest)
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequestError(400, "a request with a body is not served here")
    method = line[1].decode("ascii")
    if method not in ("GET", "HEAD"):
        raise BadRequestError(405, "only GET and HEAD are served here")
    if line[3] == b"1" and "host" not in headers:
        raise BadRequestError(400, "HTTP/1.1 asks for a Host header")
    path, query = _target(line[2].decode("ascii"))
    wishes = {wish.strip().lower() for wish in headers.get("connection", "").split(",")}
    keep_alive = "close" not in wishes and (line[3] == b"1" or "keep-alive" in wishes)
    return Request(method, path, query, MappingProxyType(headers), keep_alive)


def _fields(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > _MOST_FIELDS:
        raise BadRequestError(431, "too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise BadRequestError(400, "a header line is malformed")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        if name in headers and name in ("host", "content-length", "authorization"):
            raise BadRequestError(400, f"the header {name} stands twice")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _target(target: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Path and query; a proxy's absolute form is taken too."""
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        raise BadRequestError(400, "the target is malformed") from None
    if not path.startswith("/"):
        raise BadRequestError(400, "the target is no path")
    return path, {name: tuple(values) for name, values in query.items()}
