"""Providers that are born grown up: forked from a process that has loaded all that a provider needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection

from infra.provider import server

_NURSERY = get_context("forkserver")


def open_nursery(main: str) -> None:
    """Before the first provider; `main` is the module that is run, which each of them loads again."""
    _NURSERY.set_forkserver_preload(["infra.provider.server", "openstack.connection", main])


class ForkedProvider:
    """As `tests.cloud.provider.engine.ProviderProcess`, where hundreds are killed: a start of Python and its
    imports take longer than all that one does here.
    """

    def __init__(self, patience: str, environ: Mapping[str, str]) -> None:
        self._line, theirs = _NURSERY.Pipe()
        self._process = _NURSERY.Process(target=_provide, args=(theirs, patience, dict(environ)))
        self._process.start()
        theirs.close()
        self.port = int(os.read(self._line.fileno(), 20))

    @property
    def pid(self) -> int:
        assert self._process.pid is not None  # it was started
        return self._process.pid

    def close(self) -> None:
        self._line.close()
        self._process.kill()
        self._process.join()


def _provide(line: Connection, patience: str, environ: Mapping[str, str]) -> None:
    """What `python -m infra.provider.server` does, with the line for its standard input and output."""
    os.environ.clear()
    os.environ.update(environ)
    with (
        open(line.fileno(), closefd=False) as sys.stdin,
        open(line.fileno(), "w", closefd=False) as sys.stdout,
    ):
        server.main(["--until-stdin-closes", "--patience", patience])
