from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.web.request import BadRequestError, parse_head

TOKEN = st.text("!#$%&'*+-.^_`|~abcXYZ019", min_size=1, max_size=20)
VALUE = st.text([chr(code) for code in range(0x21, 0x7F)], max_size=30)


@pytest.mark.parametrize(
    ("head", "path", "query", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\nHost: a", "/", {}, True),
        (b"GET / HTTP/1.0", "/", {}, False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", "/", {}, True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: te, CLOSE", "/", {}, False),
        (
            b"GET /metrics?pss=1&pss=2&x= HTTP/1.1\r\nHost:",
            "/metrics",
            {"pss": ("1", "2"), "x": ("",)},
            True,
        ),
        (b"GET /a%20b%C3%BC?q=%2f HTTP/1.1\r\nHost: a", "/a bü", {"q": ("/",)}, True),
        (b"GET http://proxy/metrics?a=b HTTP/1.1\r\nHost: a", "/metrics", {"a": ("b",)}, True),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0", "/", {}, True),
    ],
)
def test_good_requests(
    head: bytes, path: str, query: dict[str, tuple[str, ...]], keep_alive: bool
) -> None:
    request = parse_head(head)
    assert (request.path, request.query, request.keep_alive) == (path, query, keep_alive)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 400),
        (b"GET /", 400),
        (b"GET  / HTTP/1.1\r\nHost: a", 400),
        (b"GET / HTTP/2.0\r\nHost: a", 400),
        (b"GET / HTTP/1.1 \r\nHost: a", 400),
        (b"GET / HTTP/1.1", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a", 400),
        (b"GET /%ff HTTP/1.1\r\nHost: a", 400),
        (b"GET * HTTP/1.1\r\nHost: a", 400),
        (b"GET http://[/ HTTP/1.1\r\nHost: a", 400),
        (b"GET /?" + b"a=b&" * 21 + b" HTTP/1.1\r\nHost: a", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y", 400),
        (b"GET / HTTP/1.1\r\nHost : a", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \0", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -0", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", 400),
        (b"POST / HTTP/1.1\r\nHost: a", 405),
        (b"get / HTTP/1.1\r\nHost: a", 405),
        (b"GET / HTTP/1.1\r\n" + b"\r\n".join(b"A%d: b" % each for each in range(101)), 431),
    ],
)
def test_bad_requests(head: bytes, status: int) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_head(head)
    assert caught.value.status == status


@given(st.one_of(st.binary(), st.text("GETHPO/1. \r\n:abc%").map(str.encode)))
def test_any_bytes_are_a_good_or_a_bad_request(head: bytes) -> None:
    with suppress(BadRequestError):
        parse_head(head)


@given(st.dictionaries(TOKEN.map(str.lower), VALUE, max_size=10))
def test_headers_are_parsed(headers: dict[str, str]) -> None:
    special = {"host", "content-length", "transfer-encoding", "connection"}
    headers = {name: value for name, value in headers.items() if name not in special}
    lines = "".join(f"\r\n{name.upper()}: \t{value} " for name, value in headers.items())
    request = parse_head(f"GET / HTTP/1.1\r\nHost: a{lines}".encode())
    assert request.headers == {"host": "a", **headers}


def test_a_repeated_header_is_one_list() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\naccept: */*;q=0.1"
    assert parse_head(head).headers["accept"] == "text/plain, */*;q=0.1"
