"""`citycloud portal`: the self-service portal's server, its worker, its data. For the portal's servers."""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click

from infra import inventory as inventories
from infra.cli.portal_settings import CONFIG, PortalSettings, load
from infra.cloud.connection import connect
from infra.domain.words import Words
from infra.hosts.keys import ensure_key
from infra.inventory import Inventory
from infra.portal.app import create_app
from infra.portal.keystone import KeystoneDirectory
from infra.portal.oidc import OpenId
from infra.portal.service.account import take_in
from infra.portal.service.ground import PortalSite
from infra.portal.service.services import PortalServices
from infra.portal.session import Access
from infra.portal.wiring import Wiring
from infra.provisioning.agency_stack import AgencyStacks, StackPlace
from infra.provisioning.guest_setup import GuestSetup
from infra.provisioning.portal_hands import CloudHands
from infra.provisioning.worker import Worker
from infra.settings import Settings, SitePaths
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore

log = logging.getLogger(__name__)
config_option = click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), default=CONFIG, show_default=True,
    help="The portal's settings.",
)  # fmt: skip


@click.group()
def portal() -> None:
    """The self-service portal: its server, its worker, its data. For the portal's servers."""


@portal.command()
@config_option
@click.option("--check", is_flag=True, help="Check the settings and end.")
def serve(*, config: Path, check: bool) -> None:
    """Serve pages and API, and work too unless the settings leave that to other processes."""
    settings = load(config, os.environ)
    inventory = inventories.load(Path(settings.file.inventory))
    if check:
        return
    _log_to_journal()
    stop = _stopped_by_signals()
    with ExitStack() as held:
        database = held.enter_context(PortalDatabase(settings.database, key=settings.audit_key))
        changed = take_in(database, inventory.agencies, inventory.platform.flavors, _now())
        log.info("quotas taken in of %d agencies", len(changed))
        if settings.file.worker:
            held.enter_context(_working(settings, inventory, database, stop))
        _serve(settings, inventory, database, stop)


@portal.command()
@config_option
def worker(*, config: Path) -> None:
    """Work on what was approved, beside other workers. Needs a database that they share."""
    settings = load(config, os.environ)
    inventory = inventories.load(Path(settings.file.inventory))
    _log_to_journal()
    stop = _stopped_by_signals()
    with (
        PortalDatabase(settings.database, key=settings.audit_key, make=False) as database,
        _working(settings, inventory, database, stop),
    ):
        stop.wait()


def _serve(
    settings: PortalSettings, inventory: Inventory, database: PortalDatabase, stop: threading.Event
) -> None:
    import uvicorn

    host, _, port = settings.file.listen.rpartition(":")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(wiring(settings, inventory, database)), host=host, port=int(port), log_level="warning",
            proxy_headers=True, forwarded_allow_ips=",".join(settings.file.proxies) or "127.0.0.1",
            server_header=False, timeout_graceful_shutdown=5, lifespan="off",
        )
    )  # fmt: skip

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, name="end of the server", daemon=True).start()
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # ours set `stop`
    server.run()
    stop.set()


def wiring(settings: PortalSettings, inventory: Inventory, database: PortalDatabase) -> Wiring:
    """The web part over this database and this site's Keystone."""
    directory = KeystoneDirectory(connect(settings.credentials, user_agent="citycloud-portal"),
                                  settings.credentials)  # fmt: skip
    agencies = {one.code: one for one in inventory.agencies}
    site = PortalSite(agencies=agencies, catalog=inventory.catalog)
    city = inventory.city
    return Wiring(
        services=PortalServices(database, site, _now),
        access=Access(SessionStore(database), directory, _now),
        directory=directory,
        agencies={code: Words(one.name_vi, one.name_en) for code, one in agencies.items()},
        city=Words(city.name_vi, city.name_en),
        clock=_now,
        openid=OpenId(settings.provider, frozenset(agencies), _now) if settings.provider else None,
        contact=settings.file.contact,
    )


@contextmanager
def _working(
    settings: PortalSettings, inventory: Inventory, database: PortalDatabase, stop: threading.Event
) -> Iterator[None]:
    """A worker in a thread of its own, ended with `stop`."""
    file, paths = settings.file, SitePaths(Path(settings.file.folder))
    own = Settings.from_environment(os.environ)
    path = ":".join(one for one in (file.engine_path, own.search_path) if one)
    place = StackPlace(
        paths.directory, paths.directory / "cache", path, settings.passphrase, file.state_backend
    )
    manager_key = ensure_key(paths.ssh_key, "citycloud")
    setup = GuestSetup(
        connect(settings.credentials, user_agent="citycloud-worker"), paths, own.project_root,
        {"depot_url": file.depot_url}, path,
    )  # fmt: skip
    holder = f"{socket.gethostname()}:{os.getpid()}"
    with AgencyStacks(inventory, place, settings.credentials, manager_key) as stacks:
        working = Worker(database, CloudHands(stacks, setup, file.monitoring), _now, holder)
        thread = threading.Thread(target=working.run, args=(stop,), name="worker")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop


def _log_to_journal() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
