"""Real sockets, seen through netlink and through /proc/net."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.net import sockets
from exporters.net.connections import ApiConnections, api_connections
from exporters.net.sockets import Socket, SocketFilter, SocketsError, parse_table, read_sockets
from exporters.proc.parse import Malformed
from exporters.proc.root import ProcRoot
from tests.unit.exporters.tree import PORT, SOCKET, Tree

ALL = SocketFilter(PORT, connected_to=frozenset({5432}))


def by_netlink() -> ProcRoot:
    return ProcRoot()


def by_text() -> ProcRoot:
    root = ProcRoot()
    root.real = False
    return root


WAYS = [pytest.param(by_netlink, id="netlink"), pytest.param(by_text, id="text")]
Way = Callable[[], ProcRoot]


@contextmanager
def listener(address: str, dual: bool = False, backlog: int = 8) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        made = socket.create_server(
            (address, 0), family=family, backlog=backlog, dualstack_ipv6=dual
        )
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with made:
        yield made


def wanted(server: socket.socket) -> SocketFilter:
    return SocketFilter(server.getsockname()[1])


def eventually(find: Callable[[], object], expected: object) -> None:
    """Data arrives some time after it was sent."""
    end = time.monotonic() + 60
    while (found := find()) != expected and time.monotonic() < end:
        time.sleep(0.01)
    assert found == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("address", "dual", "client"),
    [
        ("127.0.0.1", False, "127.0.0.1"),
        ("::1", False, "::1"),
        ("::", True, "127.0.0.1"),
        ("::", True, "::1"),
    ],
)
def test_connections_of_every_family(way: Way, address: str, dual: bool, client: str) -> None:
    root = way()
    with listener(address, dual) as server, ExitStack() as stack:
        port = server.getsockname()[1]

        def now(own: tuple[int, ...] = ()) -> ApiConnections:
            return api_connections(read_sockets(root, None, wanted(server)), port, own)

        assert now() == ApiConnections(0, 0, 0, 0)
        first = stack.enter_context(socket.create_connection((client, port), timeout=60))
        second = stack.enter_context(socket.create_connection((client, port), timeout=60))
        second.sendall(b"unread")
        eventually(now, ApiConnections(established=2, clients=1, waiting=0, queue=2))
        accepted = [stack.enter_context(server.accept()[0]) for _ in range(2)]
        eventually(now, ApiConnections(established=2, clients=1, waiting=1, queue=0))
        own = first.getsockname()[1]
        assert now((own,)) == ApiConnections(established=1, clients=1, waiting=1, queue=0)
        for each in accepted:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.recv(100)
        assert now() == ApiConnections(established=2, clients=1, waiting=0, queue=0)


@pytest.mark.parametrize("way", WAYS)
def test_clients_are_counted_by_address(way: Way) -> None:
    root = way()
    with listener("127.0.0.1") as server, ExitStack() as stack:
        port = server.getsockname()[1]
        for last in (1, 2, 3, 3):
            source = (f"127.0.0.{last}", 0)
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 5, source))
            stack.enter_context(server.accept()[0])
        found = api_connections(read_sockets(root, None, wanted(server)), port, ())
        assert found == ApiConnections(established=4, clients=3, waiting=0, queue=0)


def test_netlink_and_text_agree() -> None:
    with listener("127.0.0.1") as server, ExitStack() as stack:
        port = server.getsockname()[1]
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(5)
        ]
        accepted = [stack.enter_context(server.accept()[0]) for _ in range(3)]
        clients[0].sendall(b"12345")
        want = SocketFilter(port, connected_to=frozenset({port}))
        both = [set(read_sockets(way(), None, want)) for way in (by_netlink, by_text)]
        assert both[0] == both[1]
        assert len(both[0]) == 1 + 2 * 5
        inodes = {sock.inode for sock in both[0]}
        assert {inode_of(each) for each in (server, *clients, *accepted)} <= inodes
        (waiting,) = [sock for sock in both[0] if sock.queue == 5]
        assert waiting.remote == socket.inet_aton("127.0.0.1")
        assert waiting.remote_port == clients[0].getsockname()[1]


def inode_of(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


@pytest.mark.parametrize("way", WAYS)
def test_only_listeners(way: Way) -> None:
    with listener("127.0.0.1") as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 5):
            (found,) = read_sockets(way(), None, SocketFilter(port, connections=False))
    assert found.listening
    assert found.inode


def test_without_netlink_the_tables_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's seccomp filter may refuse it."""

    def refused(_wanted: SocketFilter) -> Iterator[Socket]:
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(sockets, "_by_netlink", refused)
    with listener("127.0.0.1") as server:
        assert len(read_sockets(by_netlink(), None, wanted(server))) == 1


def test_a_table_that_changes_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = [False, False, True]

    def dump(found: list[Socket], _wanted: SocketFilter) -> bool:
        found.append(Socket(True, len(outcomes), b"", 0, 0, 0, 0))
        return outcomes.pop(0)

    monkeypatch.setattr(sockets, "_dump", dump)
    assert [each.local_port for each in read_sockets(by_netlink(), None, ALL)] == [1]
    outcomes[:] = [False] * 5
    with listener("127.0.0.1") as server:
        assert len(read_sockets(by_netlink(), None, wanted(server))) == 1, "from the text"


def test_a_truncated_message() -> None:
    whole = struct.pack("=IHHII", 20, 18, 0, 1, 0) + b"abcd"
    assert [end - start for _, _, start, end in sockets._messages(whole)] == [4]  # noqa: SLF001
    with pytest.raises(SocketsError, match="truncated"):
        list(sockets._messages(whole[:-1]))  # noqa: SLF001


def test_tables_of_a_fixture(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.listen(SOCKET, user=33)
    (found,) = read_sockets(tree.root, None, ALL)
    assert found == Socket(True, PORT, bytes(4), 0, 0, SOCKET, 33)
    tree.write("net/tcp6", (tmp_path / "net/tcp").read_text())
    assert len(read_sockets(tree.root, None, ALL)) == 2
    (tmp_path / "net/tcp").unlink()
    with pytest.raises(SocketsError):
        read_sockets(tree.root, None, ALL)


def test_a_connection_that_the_table_repeats_is_one() -> None:
    with listener("127.0.0.1") as server, socket.create_connection(server.getsockname(), 60):
        head, *lines = Path("/proc/net/tcp").read_bytes().splitlines()
        table = b"\n".join([head, *lines, *lines])
        found = [each for each in parse_table(table, wanted(server)) if not each.listening]
    assert len(found) == 1


@given(st.one_of(st.binary(), st.text("0123456789ABCDEF: \n").map(str.encode)))
def test_any_text_is_parsed_or_malformed(text: bytes) -> None:
    with suppress(Malformed):
        for found in parse_table(text, ALL):
            assert len(found.remote) in (4, 16)
