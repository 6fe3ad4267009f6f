from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.proc.cgroup import parse_cgroup, parse_mounts
from exporters.proc.parse import (
    Malformed,
    Stat,
    parse_boot_time,
    parse_epoll,
    parse_max_fds,
    parse_namespace_pids,
    parse_pids,
    parse_resident_pages,
    parse_shared_memory,
    parse_stat,
)

BIG = 2**64 - 1
PARSERS: list[Callable[[bytes], Any]] = [
    parse_stat,
    parse_resident_pages,
    parse_max_fds,
    parse_namespace_pids,
    parse_boot_time,
    parse_shared_memory,
    parse_pids,
    parse_epoll,
    parse_cgroup,
    parse_mounts,
]
NUMBERS = st.integers(0, BIG)


def stat_line(name: bytes, stat: Stat) -> bytes:
    after = (
        f"{stat.state} {stat.parent} 1 1 0 -1 4194560 9 9 0 0 {stat.user_ticks} {stat.system_ticks}"
        f" 0 0 20 0 {stat.threads} 0 {stat.start_ticks} {stat.virtual_bytes} 6 18446744073709551615"
    )
    return b"%d (%b) %b 1 1 0 0 0\n" % (stat.pid, name, after.encode())


@given(
    name=st.one_of(
        st.binary(max_size=16), st.sampled_from([b"a) R 1", b"(", b")", b"x\ny", b"\xff"])
    ),
    stat=st.builds(
        Stat,
        pid=NUMBERS,
        state=st.sampled_from("RSDZTtXxKWPI"),
        parent=NUMBERS,
        user_ticks=NUMBERS,
        system_ticks=NUMBERS,
        threads=NUMBERS,
        start_ticks=NUMBERS,
        virtual_bytes=NUMBERS,
    ),
)
def test_stat_is_parsed_whatever_the_name(name: bytes, stat: Stat) -> None:
    found = parse_stat(stat_line(name, stat))
    assert found == stat
    assert found.alive == (stat.state not in "ZXx" and stat.virtual_bytes > 0)


@pytest.mark.parametrize("parse", PARSERS)
@given(
    data=st.one_of(st.binary(), st.text(alphabet="0123456789-+_ :()\n\tkBSRMPax").map(str.encode))
)
def test_anything_else_is_malformed(parse: Callable[[bytes], Any], data: bytes) -> None:
    with suppress(Malformed):
        parse(data)


@pytest.mark.parametrize("parse", PARSERS[:4])
def test_an_error_shows_an_excerpt(parse: Callable[[bytes], Any]) -> None:
    with pytest.raises(Malformed) as caught:
        parse(b"\xff" * 10_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_stat, b""),
        (parse_stat, b"12 (python"),
        (parse_stat, b"12 (python3) S 1 1 1"),
        (parse_stat, b"-12 (python3) S" + b" 1" * 30),
        (parse_stat, b"12 (python3) SS" + b" 1" * 30),
        (parse_stat, b"12 (python3) S 1_0" + b" 1" * 30),
        (parse_stat, b"12 (python3) S" + b" 1" * 18 + b" " + b"9" * 21 + b" 1 1"),
        (parse_resident_pages, b"1000"),
        (parse_resident_pages, b"1000 -5 1"),
        (parse_max_fds, b"Max cpu time              unlimited            unlimited seconds"),
        (parse_max_fds, b"Max open files            -1                   4096     files"),
        (parse_namespace_pids, b"Name:\tx\n"),
        (parse_namespace_pids, b"NSpid:\t\n"),
        (parse_boot_time, b"cpu 1 2\n"),
        (parse_shared_memory, b"Pss: 5 kB\n"),
        (parse_pids, b"1 2 x"),
        (parse_cgroup, b"0:/nothing\n"),
        (parse_mounts, b"30 23 0:26 / /sys/fs/cgroup rw\n"),
    ],
)
def test_malformed_texts(parse: Callable[[bytes], Any], text: bytes) -> None:
    with pytest.raises(Malformed):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_resident_pages, b"9999 18446744073709551615 1 1 0 1 0\n", BIG),
        (parse_max_fds, b"Max open files            1024                 4096     files\n", 1024),
        (parse_max_fds, b"Max open files            unlimited            unlimited files\n", None),
        (parse_namespace_pids, b"Name:\tx\nNSpid:\t4711\t12\t1\nNSpgid:\t1\n", (4711, 12, 1)),
        (parse_boot_time, b"cpu  1 2\nctxt 5\nbtime 1700000000\n", 1700000000),
        (
            parse_shared_memory,
            (
                b"5500-7ff rw-p [rollup]\nRss:  90 kB\nPss:   40 kB\nPss_Dirty: 7 kB\n"
                b"Private_Clean:    3 kB\nPrivate_Dirty:    5 kB\n"
            ),
            (40 * 1024, 8 * 1024),
        ),
        (parse_pids, b"12 13  14 \n", [12, 13, 14]),
        (parse_pids, b"", []),
        (
            parse_epoll,
            (
                b"pos:\t0\nflags:\t02\ntfd:        5 events:       19 data: 1  pos:0 ino:8 sdev:9\n"
                b"tfd:       17 events:       19 data: 2\n"
            ),
            [5, 17],
        ),
        (
            parse_cgroup,
            b"4:cpu,memory:/a\n1:name=systemd:/b:c\n0::/d\n",
            {"cpu": "/a", "memory": "/a", "name=systemd": "/b:c", "": "/d"},
        ),
        (
            parse_mounts,
            (
                b"30 23 0:26 / /sys/fs/cgroup/a\\040b rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
                b"31 23 0:27 /x /m rw - cgroup cgroup rw,memory\n"
            ),
            {"": ("/sys/fs/cgroup/a b", "/"), "memory": ("/m", "/x")},
        ),
    ],
)
def test_texts_of_the_kernel(parse: Callable[[bytes], Any], text: bytes, value: Any) -> None:
    assert parse(text) == value
