"""Wires: loopback ports that lead to servers' real ones until they are cut."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType

_BYTES = 65536
_LOOK_SECONDS = 0.1


class Wire:
    """`address` and `port` on loopback (0: any) lead to `target`. Cut, it takes connections and stays silent,
    as a packet filter or a dead machine does; connections that were open fall silent too.
    """

    def __init__(self, target: tuple[str, int], address: str = "127.0.0.1", port: int = 0) -> None:
        self.near = address
        self.far = target[0]
        self._target = target
        self._cut = threading.Event()
        self._ended = threading.Event()
        self._listener = socket.create_server((address, port), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Wire:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listener.close()

    def cut(self) -> None:
        self._cut.set()

    def mend(self) -> None:
        self._cut.clear()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """Bytes both ways until one side hangs up."""
        with near, contextlib.suppress(OSError):
            while self._cut.is_set() and not self._ended.is_set():
                if select.select([near], [], [], _LOOK_SECONDS)[0] and not near.recv(_BYTES):
                    return
            with socket.create_connection(self._target, timeout=10) as far:
                other = {near: far, far: near}
                while not self._ended.is_set():
                    for side in select.select([near, far], [], [], _LOOK_SECONDS)[0]:
                        read = side.recv(_BYTES)
                        if not read:
                            return
                        if not self._cut.is_set():
                            other[side].sendall(read)
