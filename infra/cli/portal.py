"""`citycloud portal`: the self-service portal's server, its worker, its data. For the portal's servers."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click

from infra import inventory as inventories
from infra.cli.portal_closure import close, reopen
from infra.cli.portal_data import backup, config_option, migrate, restore
from infra.cli.portal_settings import PortalSettings, load, must_be_shared
from infra.cloud.connection import connect
from infra.cloud.deployed import console_log, deployed_servers, remote_console
from infra.cloud.kept_image import archived
from infra.domain.deployment import Deployment
from infra.domain.portal_data import is_shared_database
from infra.domain.words import Words
from infra.errors import InfraError
from infra.hosts.keys import ensure_key, fingerprint
from infra.inventory import Inventory
from infra.portal.app import create_app, keep_what_is_loaded
from infra.portal.chores import Chores
from infra.portal.keystone import KeystoneDirectory
from infra.portal.mail import Mailer, MailSecurity, MailServer
from infra.portal.metrics import PortalMetrics, worker_families
from infra.portal.oidc import OpenId
from infra.portal.service.account import take_in
from infra.portal.service.ground import PortalSite, RemoteConsoles
from infra.portal.service.services import PortalServices
from infra.portal.session import Access
from infra.portal.sla_reading import SlaView
from infra.portal.status import PORT, CloudView
from infra.portal.usage_reading import UsageView
from infra.portal.wiring import Wiring
from infra.provisioning import textfile
from infra.provisioning.agency_stack import AgencyStacks, StackPlace, stack_states
from infra.provisioning.guest_setup import GuestSetup
from infra.provisioning.portal_hands import CloudHands
from infra.provisioning.worker import Worker
from infra.settings import Settings, SitePaths
from infra.store import portal_figures
from infra.store.claim import claim
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore
from monitoring.prometheus import Prometheus

log = logging.getLogger(__name__)
KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep a connection: else they send a request into one that is being closed."""
METRICS_SECONDS = 15.0
CHORE_SECONDS = 20.0
"""From one look at what is due to the next: mails wait no longer."""


class WorkerKeyDiffers(InfraError):
    """This server's worker has another SSH key than the others, which guests do not let in."""

    code = "worker_key_differs"


@click.group()
def portal() -> None:
    """The self-service portal: its server, its worker, its data. For the portal's servers."""


for command in (migrate, backup, restore, close, reopen):
    portal.add_command(command)


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
        wired, site = wiring(settings, inventory, database)
        if settings.file.worker:
            wired.metrics.worker = held.enter_context(_working(settings, inventory, database, stop))
        held.enter_context(_doing_chores(settings, wired, site, database, stop))
        _serve(settings, wired, stop)


@portal.command()
@config_option
@click.option(
    "--metrics-file", type=click.Path(dir_okay=False, path_type=Path),
    help="Where the node exporter reads the worker's metrics (*.prom).",
)  # fmt: skip
def worker(*, config: Path, metrics_file: Path | None) -> None:
    """Work on what was approved, beside other workers. Needs a database and a state backend that they
    share.
    """
    settings = load(config, os.environ)
    must_be_shared(settings.file, config)
    inventory = inventories.load(Path(settings.file.inventory))
    _log_to_journal()
    stop = _stopped_by_signals()
    with (
        PortalDatabase(settings.database, key=settings.audit_key, make=False) as database,
        _working(settings, inventory, database, stop) as working,
    ):
        while not stop.wait(METRICS_SECONDS):
            if metrics_file is not None:
                textfile.keep(metrics_file, textfile.exposition(lambda: worker_families(working)))


@portal.command()
@config_option
def states(*, config: Path) -> None:
    """Print what the worker has made, by agency, as its stacks' states have it: JSON, for `zone drift`."""
    settings = load(config, os.environ)
    inventory = inventories.load(Path(settings.file.inventory))
    place = _place(settings)
    told = stack_states(inventory, place)
    click.echo(json.dumps(told))


def _serve(settings: PortalSettings, wired: Wiring, stop: threading.Event) -> None:
    import uvicorn

    host, _, port = settings.file.listen.rpartition(":")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(wired), host=host, port=int(port), log_level="warning",
            proxy_headers=True, forwarded_allow_ips=",".join(settings.file.proxies) or "127.0.0.1",
            server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=KEEP_ALIVE_SECONDS,
            lifespan="off",
        )
    )  # fmt: skip

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, name="end of the server", daemon=True).start()
    keep_what_is_loaded()
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # ours set `stop`
    server.run()
    stop.set()


def wiring(
    settings: PortalSettings, inventory: Inventory, database: PortalDatabase
) -> tuple[Wiring, PortalSite]:
    """The web part over this database and this site's Keystone, and the site as its services see it."""
    service = connect(settings.credentials, user_agent="citycloud-portal")
    directory = KeystoneDirectory(service, settings.credentials)
    agencies = {one.code: one for one in inventory.agencies}
    openid = OpenId(settings.provider, frozenset(agencies), _now) if settings.provider else None
    view = CloudView(settings.file.monitoring)
    monitoring = Prometheus(f"http://{settings.file.monitoring}:{PORT}") if settings.file.monitoring else None
    consoles = settings.file.consoles
    screens = RemoteConsoles(partial(remote_console, service), consoles.seconds) if consoles else None
    site = PortalSite(
        agencies=agencies, catalog=inventory.catalog, capacity=view.capacity, status=view.status,
        usage=UsageView(monitoring, _now).usage, policies=inventory.policies,
        sla=SlaView(settings.file.ops_url).sla,
        console=lambda server, lines: console_log(service, server, lines), look_up=directory.look_up,
        flavors={one.name: one for one in inventory.platform.flavors}, remote_consoles=screens,
    )  # fmt: skip
    wired = Wiring(
        services=PortalServices(database, site, _now),
        access=Access(SessionStore(database), directory, _now, openid),
        directory=directory,
        agencies={code: Words(one.name_vi, one.name_en) for code, one in agencies.items()},
        city=_city(inventory),
        clock=_now,
        openid=openid,
        contact=settings.file.contact,
        ops_url=settings.file.ops_url,
        console_origin=consoles.origin if consoles else "",
        metrics=PortalMetrics(
            lambda: portal_figures.read(database, _now(), mails=settings.file.mail is not None)
        ),
    )
    return wired, site


@contextmanager
def _doing_chores(
    settings: PortalSettings, wired: Wiring, site: PortalSite, database: PortalDatabase, stop: threading.Event
) -> Iterator[None]:
    """What is done as time goes by, in a thread of its own, ended with `stop`."""
    file = settings.file
    cloud = connect(settings.credentials, user_agent="citycloud-chores")

    def archive(one: Deployment) -> bool:
        return archived(cloud, one.id, deployed_servers(cloud, [one.id]).get(one.id))

    chores = Chores(
        database, site, _mailer(settings, wired.city), _now, archive=archive, directory=wired.directory,
        checkpoints=Path(file.audit_checkpoints) if file.audit_checkpoints else None,
    )  # fmt: skip

    def turn() -> None:
        while not stop.wait(CHORE_SECONDS):
            chores.run_due()
        chores.stop()

    thread = threading.Thread(target=turn, name="chores")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _mailer(settings: PortalSettings, city: Words) -> Mailer | None:
    mail = settings.file.mail
    if mail is None:
        return None
    return Mailer(
        MailServer(
            mail.host, mail.sender, settings.file.address, city, mail.port, MailSecurity(mail.security),
            mail.user, settings.mail_password, mail.authority,
        )
    )  # fmt: skip


def _city(inventory: Inventory) -> Words:
    return Words(inventory.city.name_vi, inventory.city.name_en)


@contextmanager
def _working(
    settings: PortalSettings, inventory: Inventory, database: PortalDatabase, stop: threading.Event
) -> Iterator[Worker]:
    """A worker in a thread of its own, ended with `stop`."""
    file, paths = settings.file, SitePaths(Path(settings.file.folder))
    own, place = Settings.from_environment(os.environ), _place(settings)
    manager_key = ensure_key(paths.ssh_key, "citycloud")
    if is_shared_database(file.database):
        _same_key(database, manager_key, paths.ssh_key)
    cloud = connect(settings.credentials, user_agent="citycloud-worker")
    setup = GuestSetup(
        cloud, paths, own.project_root, {"depot_url": file.depot_url}, place.engine_path,
        lambda guest, key: claim(database, f"guest:{guest.id}:{guest.boot}", key, _now()),
    )  # fmt: skip
    holder = f"{socket.gethostname()}:{os.getpid()}"
    with AgencyStacks(inventory, place, settings.credentials, manager_key) as stacks:
        working = Worker(database, CloudHands(cloud, stacks, setup, file.monitoring), _now, holder)
        thread = threading.Thread(target=working.run, args=(stop,), name="worker")
        thread.start()
        try:
            yield working
        finally:
            stop.set()
            thread.join()


def _same_key(database: PortalDatabase, public: str, file: Path) -> None:
    """Every worker has the one key that guests let in: another would make all of them anew. Raises
    WorkerKeyDiffers.
    """
    mine = fingerprint(public)
    known = claim(database, "worker:ssh-key", mine, _now())
    if known != mine:
        raise WorkerKeyDiffers(
            f"{file} is {mine}, and the workers' key is {known}: put that key into the vault as"
            " portal_worker_key, remove this file and its .pub, and deploy the portal again"
        )


def _place(settings: PortalSettings) -> StackPlace:
    """Where the worker keeps its stacks; the engine is in the settings' folder, or on PATH."""
    file, folder = settings.file, Path(settings.file.folder)
    search = Settings.from_environment(os.environ).search_path
    path = ":".join(one for one in (file.engine_path, search) if one)
    return StackPlace(folder, folder / "cache", path, settings.passphrase, file.state_backend)


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop


def _log_to_journal() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    for chatty in ("alembic", "httpx", "paramiko"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("paramiko.transport").setLevel(logging.CRITICAL)  # a guest that boots is no trouble


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
