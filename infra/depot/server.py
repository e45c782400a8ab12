"""Serve a depot over HTTP to the servers of the management network.

Plain HTTP is enough: packages are signed with the depot's key, environments are checked against hashes that
come to the servers over SSH. Names that start with a dot (lock, unfinished parts) are not served, nor are
listings.
"""

from __future__ import annotations

import http
import http.server
import logging
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOG = logging.getLogger(__name__)


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def send_head(self):  # type: ignore[no-untyped-def]  # an open file or None, as the parent's
        """Refuse folders and hidden names, else as the parent."""
        names = unquote(urlsplit(self.path).path).split("/")
        if (
            any(name.startswith(".") and name != "." for name in names)
            or Path(self.translate_path(self.path)).is_dir()
        ):
            self.send_error(http.HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are worth a line only to someone who looks for them."""
        _LOG.debug(format, *args)


class DepotServer(http.server.ThreadingHTTPServer):
    """Serves until `shutdown`; the address in use is `server_address`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, depot_dir: Path, address: str, port: int) -> None:
        super().__init__((address, port), partial(_Files, directory=str(depot_dir)))


def serve(depot_dir: Path, address: str, port: int) -> None:
    """Serve for ever. Raises OSError when the address is not this machine's or the port is taken."""
    with DepotServer(depot_dir, address, port) as server:
        server.serve_forever()
