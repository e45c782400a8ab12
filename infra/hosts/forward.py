"""Loopback ports of the deploy host that lead into the lab's network, for a browser that cannot enter it.

Run as `python -m infra.hosts.forward NAMESPACE LOCAL:ADDRESS:PORT...`. It listens on the deploy host's
loopback and then moves into the lab's network: sockets stay where they were made, so the accepted ones are
outside and new ones inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.errors import InfraError
from infra.hosts import namespace

Carrier = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5.0
CHUNK = 65536


class PortTaken(InfraError):
    """A port of the loopback is in use on the deploy host; choose another: LOCAL:ADDRESS:PORT."""

    code = "port_taken"


@dataclass(frozen=True)
class Forward:
    """`local` on the deploy host's loopback leads to `address`:`port` in the lab."""

    local: int
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.local}:{self.address}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Forward:
        """Of `LOCAL:ADDRESS:PORT`; raises ValueError."""
        local, address, port = text.split(":")
        return cls(int(local), address, int(port))


def listen(forwards: Iterable[Forward]) -> list[tuple[Forward, socket.socket]]:
    """A listening socket for each; raises PortTaken and then leaves none open."""
    with contextlib.ExitStack() as opened:
        pairs = []
        for forward in forwards:
            server = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((LOOPBACK, forward.local))
                server.listen()
            except OSError as error:
                raise PortTaken(
                    f"{LOOPBACK}:{forward.local} cannot be listened on: {error.strerror}"
                ) from error
            pairs.append((forward, server))
        opened.pop_all()
        return pairs


async def serve(pairs: Sequence[tuple[Forward, socket.socket]]) -> None:
    """Carries connections until it is cancelled. Call it inside the lab's network."""
    servers = [await asyncio.start_server(_carrier(forward), sock=listener) for forward, listener in pairs]
    try:
        await asyncio.gather(*(server.serve_forever() for server in servers))
    finally:
        for server in servers:
            server.close()


def _carrier(forward: Forward) -> Carrier:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far_reader, far_writer = await asyncio.open_connection(forward.address, forward.port)
        except OSError:
            writer.close()  # nobody there: the client sees the connection close, as it would in the lab
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        far_writer.close()
        writer.close()

    return carry


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # either end may go at any time
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def run(name: str, forwards: Sequence[Forward]) -> None:
    """Listens, enters the lab's network and carries until killed."""
    pairs = listen(forwards)
    namespace.enter(name)
    asyncio.run(serve(pairs))


def main() -> None:
    name, *words = sys.argv[1:]
    try:
        run(name, [Forward.parse(word) for word in words])
    except InfraError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
