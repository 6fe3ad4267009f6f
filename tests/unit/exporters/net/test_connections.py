from __future__ import annotations

from pathlib import Path

import pytest

from exporters.errors import ErrorReason
from exporters.net.connections import DatabaseConnections
from exporters.net.sockets import Socket
from exporters.proc.parse import Denied, Identity
from exporters.proc.root import ProcRoot, SocketInodes
from tests.unit.exporters.app.pages import Reports
from tests.unit.exporters.tree import PORT, Tree

DATABASE = 5432


def to_database(*inodes: int) -> list[Socket]:
    """Connections to the database, among others."""
    others = [
        Socket(False, PORT, b"\1\2\3\4", 40000, 0, 901, 0),
        Socket(False, DATABASE, b"\1\2\3\4", 40001, 0, 902, 0),
        Socket(True, DATABASE, bytes(4), 0, 0, 903, 0),
        Socket(False, 40002, b"\1\2\3\4", DATABASE, 0, 0, 0),
    ]
    return others + [Socket(False, 50000, b"\1\2\3\4", DATABASE, 0, each, 0) for each in inodes]


class Machine:
    def __init__(self, folder: Path, root: type[ProcRoot] = ProcRoot) -> None:
        self.tree = Tree(folder)
        self.reports = Reports()
        self.database = DatabaseConnections(root(folder), [DATABASE])

    def count(self, workers: list[Identity], *inodes: int) -> list[int | None]:
        found = self.database.count(to_database(*inodes), workers, self.reports)
        return [found.get(each) for each in workers]


def test_each_connection_belongs_to_its_holder(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    a = machine.tree.process(10, sockets=[1, 2, 901])
    b = machine.tree.process(11, sockets=[3])
    c = machine.tree.process(12)
    assert machine.count([a, b, c], 1, 2, 3, 99) == [2, 1, 0], "99 belongs to no worker"
    assert machine.count([a, b, c], 1) == [1, 0, 0], "closed ones are forgotten"
    machine.tree.link(12, 7, "socket:[2]")
    assert machine.count([a, b, c], 1, 2) == [2, 0, 0], "looked up when it comes"
    assert machine.reports.found == []


def test_known_connections_are_not_looked_up_again(tmp_path: Path) -> None:
    asked: list[int] = []

    class Counting(ProcRoot):
        def socket_inodes(self, pid: int) -> SocketInodes:
            asked.append(pid)
            return super().socket_inodes(pid)

    machine = Machine(tmp_path, Counting)
    a = machine.tree.process(10, sockets=[1])
    assert machine.count([a], 1, 99) == [1]
    assert machine.count([a], 1, 99) == [1]
    assert asked == [10], "connections without an owner are remembered too"
    b = machine.tree.process(11, sockets=[99])
    assert machine.count([a, b], 1, 99) == [1, 1], "a new worker may own what had no owner"


def test_a_worker_that_is_replaced(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    a = machine.tree.process(10, sockets=[1])
    assert machine.count([a], 1) == [1]
    again = machine.tree.process(10, start=4711, sockets=[2])
    assert machine.count([again], 1, 2) == [1]


def test_what_is_denied_is_left_out_and_counted(tmp_path: Path) -> None:
    class Partly(ProcRoot):
        def socket_inodes(self, pid: int) -> SocketInodes:
            if pid == 11:
                raise Denied("11/fd: Permission denied")
            return super().socket_inodes(pid)

    machine = Machine(tmp_path, Partly)
    a, b = machine.tree.process(10), machine.tree.process(11)
    assert machine.count([a, b]) == [0, None]
    assert [reason for reason, _ in machine.reports.found] == [ErrorReason.PERMISSION]


@pytest.mark.parametrize("inodes", [(), (1,)])
def test_a_worker_that_has_just_ended(tmp_path: Path, inodes: tuple[int, ...]) -> None:
    machine = Machine(tmp_path)
    a = machine.tree.process(10, sockets=[1])
    machine.tree.end(10)
    assert machine.count([a], *inodes) == [None]
    assert machine.reports.found == []
