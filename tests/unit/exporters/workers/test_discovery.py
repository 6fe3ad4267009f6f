from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporters.proc.parse import Denied, Identity
from exporters.proc.root import ProcRoot, SocketInodes
from exporters.workers.discovery import SEARCH_SECONDS, Discovery, State, Target
from tests.unit.exporters.clock import Clock
from tests.unit.exporters.tree import PORT, SOCKET, Tree

HOLDS: dict[str, Any] = {"sockets": [SOCKET]}
SERVES: dict[str, Any] = {"watches": [SOCKET]}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.process(1, 0, name="systemd")
    made.process(2, 1, name="another server", watches=[77])
    return made


def discovery(tree: Tree, **target: Any) -> Discovery:
    return Discovery(tree.root, Target(PORT, **target), Clock())


def found(tree: Tree, **target: Any) -> list[int]:
    result = discovery(tree, **target).find()
    assert (result.state is State.FOUND) == bool(result.workers)
    return [worker.pid for worker in result.workers]


def uvicorn_of_one(tree: Tree) -> list[int]:
    tree.process(10, 1, **SERVES)
    return [10]


def uvicorn_of_four(tree: Tree) -> list[int]:
    tree.process(10, 1, **HOLDS)
    tree.process(11, 10, command="python3 -c from multiprocessing.resource_tracker import main")
    for pid in (12, 13, 14, 15):
        tree.process(pid, 10, **SERVES)
    return [12, 13, 14, 15]


def gunicorn(tree: Tree) -> list[int]:
    """The master of newer ones has an epoll too, for something else."""
    tree.process(10, 1, idle_epoll=True, **HOLDS)
    for pid in (12, 13):
        tree.process(pid, 10, sockets=[88], watches=[SOCKET])
    return [12, 13]


def gunicorn_that_starts(tree: Tree) -> list[int]:
    tree.process(10, 1, idle_epoll=True, **HOLDS)
    for pid in (12, 13):
        tree.process(pid, 10, **HOLDS)
    return [12, 13]


def container(tree: Tree) -> list[int]:
    """The entry point is a shell without the socket."""
    tree.process(1, 0, name="sh")
    tree.process(7, 1, **SERVES)
    return [7]


def socket_activation(tree: Tree) -> list[int]:
    """The parent of all holds the socket as well."""
    tree.process(1, 0, name="systemd", idle_epoll=True, **HOLDS)
    tree.process(10, 1, **HOLDS)
    tree.process(12, 10, **SERVES)
    tree.process(13, 10, **SERVES)
    return [12, 13]


def two_masters(tree: Tree) -> list[int]:
    """While gunicorn is upgraded, or with SO_REUSEPORT."""
    tree.listen(SOCKET, SOCKET + 1)
    for master, inode in ((10, SOCKET), (20, SOCKET + 1)):
        tree.process(master, 1, sockets=[inode])
        tree.process(master + 1, master, watches=[inode])
    return [11, 21]


def a_worker_that_forks(tree: Tree) -> list[int]:
    """Its children have all that it has open."""
    tree.process(10, 1, **SERVES)
    tree.process(11, 10, **SERVES)
    return [10]


def orphans(tree: Tree) -> list[int]:
    """Their master has been killed."""
    tree.process(12, 1, **SERVES)
    tree.process(13, 1, **SERVES)
    return [12, 13]


def with_a_zombie(tree: Tree) -> list[int]:
    uvicorn_of_four(tree)
    tree.process(13, 10, state="Z")
    return [12, 14, 15]


SETUPS = [
    uvicorn_of_one,
    uvicorn_of_four,
    gunicorn,
    gunicorn_that_starts,
    container,
    socket_activation,
    two_masters,
    a_worker_that_forks,
    orphans,
    with_a_zombie,
]


@pytest.mark.parametrize("setup", SETUPS)
def test_workers_of_each_setup(tree: Tree, setup: Callable[[Tree], list[int]]) -> None:
    assert setup(tree) == found(tree)


@pytest.mark.parametrize("setup", [uvicorn_of_one, uvicorn_of_four, gunicorn, with_a_zombie])
def test_the_process_can_be_named(tree: Tree, setup: Callable[[Tree], list[int]]) -> None:
    expected = setup(tree)
    tree.write("10/cmdline", "uvicorn\0app:app\0")
    file = tree.write("pid", "10\n")
    assert found(tree, pid=10) == expected
    assert found(tree, pid_file=file) == expected
    assert found(tree, pattern=re.compile("uvicorn app:")) == expected


def test_a_wrapper_can_be_named(tree: Tree) -> None:
    tree.process(9, 1, name="sh", command="sh -c uvicorn app:app")
    tree.process(10, 9, command="uvicorn app:app", **SERVES)
    assert found(tree, pid=9) == [10]
    assert found(tree, pattern=re.compile("uvicorn")) == [10]


def test_the_sidecar_does_not_match_its_own_pattern(tree: Tree) -> None:
    tree.process(os.getpid(), 1, command="python -m exporters --pattern uvicorn", **SERVES)
    assert found(tree, pattern=re.compile("uvicorn")) == []


@pytest.mark.parametrize("text", ["", "no number", "99999", "-1", "0"])
def test_a_pid_file_that_names_nobody(tree: Tree, text: str) -> None:
    uvicorn_of_one(tree)
    result = discovery(tree, pid_file=tree.write("pid", text)).find()
    assert result.state is State.NO_PROCESS
    assert str(tree.folder / "pid") in result.detail


def test_states_and_their_details(tree: Tree) -> None:
    tree.listen()
    assert result(tree) == (State.NO_LISTENER, f"nothing listens on port {PORT}")
    tree.listen(SOCKET, user=33)
    state, text = result(tree)
    assert state is State.HIDDEN
    assert "user 33 listens" in text
    assert f"user {os.geteuid()} cannot inspect" in text
    tree.process(10, 1, **HOLDS)
    assert result(tree) == (State.STARTING, f"process 10 has no workers on port {PORT} yet")
    tree.process(12, 10, **SERVES)
    assert result(tree) == (State.FOUND, f"found 1 worker on port {PORT}")
    assert result(tree, pid=4711) == (State.NO_PROCESS, "no process has the pid 4711")
    tree.write("net/tcp", "header\nnonsense\n")
    assert result(tree)[0] is State.DENIED


def result(tree: Tree, **target: Any) -> tuple[State, str]:
    result = discovery(tree, **target).find()
    return result.state, result.detail


def test_a_child_between_fork_and_exec_is_not_remembered(tree: Tree) -> None:
    uvicorn_of_four(tree)
    tree.process(11, 10, **HOLDS)
    search = discovery(tree)
    search.find()
    tree.process(11, 10, command="python3 -c from multiprocessing.resource_tracker import main")
    assert [worker.pid for worker in search.find().workers] == [12, 13, 14, 15]


def test_a_reused_pid_is_another_worker(tree: Tree) -> None:
    uvicorn_of_four(tree)
    search = discovery(tree)
    before = search.find().workers
    new = tree.process(13, 10, start=987654, **SERVES)
    assert set(search.find().workers) - set(before) == {new}
    tree.process(13, 1, start=999999)
    assert new not in search.find().workers
    assert Identity(999999, 13) not in search.find().workers


@pytest.mark.parametrize("inode", [SOCKET, SOCKET + 1])
def test_a_restart_is_found_at_once(tree: Tree, inode: int) -> None:
    uvicorn_of_four(tree)
    search = discovery(tree)
    search.find()
    for pid in range(10, 16):
        tree.end(pid)
    assert search.find().workers == ()
    tree.listen()
    assert search.find().state is State.NO_LISTENER
    tree.listen(inode)
    tree.process(30, 1, sockets=[inode])
    tree.process(31, 30, watches=[inode])
    assert [worker.pid for worker in search.find().workers] == [31]


class Counting(ProcRoot):
    """Counts the expensive operation."""

    asked = 0

    def socket_inodes(self, pid: int) -> SocketInodes:
        self.asked += 1
        return super().socket_inodes(pid)


def test_known_workers_are_not_inspected_again(tree: Tree) -> None:
    uvicorn_of_four(tree)
    root = Counting(tree.folder)
    search = Discovery(root, Target(PORT), Clock())
    search.find()
    root.asked = 0
    search.find()
    assert root.asked == 1, "the resource tracker, which could still become a worker"


def test_other_processes_are_not_scanned_repeatedly(tree: Tree) -> None:
    for pid in range(100, 150):
        tree.process(pid)
    root, clock = Counting(tree.folder), Clock()
    search = Discovery(root, Target(PORT), clock)
    search.find()
    assert root.asked == 52
    search.find()
    assert root.asked == 52
    tree.process(200, **SERVES)
    assert [worker.pid for worker in search.find().workers] == [200]
    assert root.asked == 52 + 2, "the new one: to find it, and to see what it is"
    tree.end(200)
    clock.now += SEARCH_SECONDS
    tree.process(100, start=1, **SERVES)
    assert [worker.pid for worker in search.find().workers] == [100]


class Forbidden(ProcRoot):
    """What another user without capabilities sees."""

    def socket_inodes(self, pid: int) -> SocketInodes:
        raise Denied(f"{pid}/fd: Permission denied")


def test_another_users_workers_are_found_if_the_process_is_named(tree: Tree) -> None:
    uvicorn_of_four(tree)
    root = Forbidden(tree.folder)
    assert Discovery(root, Target(PORT)).find().state is State.HIDDEN
    workers = Discovery(root, Target(PORT, pid=10)).find().workers
    assert [worker.pid for worker in workers] == [12, 13, 14, 15]
    tree.process(20, 1)
    assert [worker.pid for worker in Discovery(root, Target(PORT, pid=20)).find().workers] == [20]


def test_another_network_namespace_is_seen(tree: Tree) -> None:
    uvicorn_of_one(tree)
    tree.process(5, 1)
    for pid, name in (("10", "net:[1]"), ("self", "net:[2]")):
        folder = tree.folder / pid / "ns"
        folder.mkdir(parents=True)
        (folder / "net").symlink_to(name)
    tree.listen()
    tree.write("10/net/tcp", (tree.folder / "net/tcp").read_text())
    search = discovery(tree, pid=10)
    assert search.find().state is State.NO_LISTENER
    assert search.network_pid == 10
    tree.listen(SOCKET)
    tree.write("10/net/tcp", (tree.folder / "net/tcp").read_text())
    tree.listen()
    assert [worker.pid for worker in search.find().workers] == [10]


@pytest.mark.parametrize("what", ["stat", "cmdline", "fd", "task", "task/10/children", "fdinfo"])
def test_discovery_never_fails_whatever_vanishes(tree: Tree, what: str) -> None:
    uvicorn_of_four(tree)
    for pid in range(10, 16):
        place = tree.folder / str(pid) / what
        place.rename(tree.folder / f"gone-{pid}") if place.exists() else None
    for target in ({}, {"pid": 10}, {"pattern": re.compile("python")}):
        discovery(tree, **target).find()
