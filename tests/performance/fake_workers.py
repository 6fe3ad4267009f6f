"""Fake workers: `python fake_workers.py WORKERS THREADS FDS` prints the port they listen on.

They share a listening socket and wait on it like asyncio servers. Each has that many threads and
file descriptors. They exit with their parent, which exits at the end of its input.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading


def work(listener: socket.socket, threads: int, fds: int, ready: int) -> None:
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    for _ in range(threads - 1):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    source = os.open(os.devnull, os.O_RDONLY)
    os.write(ready, b".")
    os.close(ready)
    while len(os.listdir("/proc/self/fd")) - 1 < fds:  # noqa: PTH208  # no Path needed
        os.dup(source)
    signal.pause()


def main() -> None:
    workers, threads, fds = map(int, sys.argv[1:])
    threading.stack_size(1 << 16)
    listener = socket.create_server(("127.0.0.1", 0))
    reading, writing = os.pipe()
    children = []
    for _ in range(workers):
        child = os.fork()
        if not child:
            os.close(reading)
            os.close(0)
            try:
                work(listener, threads, fds, writing)
            finally:
                os._exit(1)
        children.append(child)
    os.close(writing)
    while os.read(reading, 4096):
        pass
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
