"""`citycloud top`: the site as staff must see it, live in a terminal.

Prometheus is asked every few seconds by a thread of its own, so that keys answer at once while it does not.
When it is down the last reading stays, with its age.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from infra import inventory as inventories
from infra.cli.main import EXIT_UNHEALTHY
from infra.cli.output import emit, inventory_option, output_option
from infra.cli.top_view import SORTS, VIEWS, Screen
from infra.inventory import Inventory
from infra.provisioning.prometheus import ALERTMANAGER_PORT, PROMETHEUS_PORT
from infra.provisioning.site import find_site
from infra.settings import Settings
from monitoring.overview import PAGE, Overview, read_overview
from monitoring.prometheus import Alertmanager, MonitoringUnreachable, Prometheus

KEY_SECONDS = 0.25
Read = Callable[[], Overview]


class Watch:
    """The last reading that succeeded, and why the newest did not."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._seen: tuple[Overview | None, str] = (None, "")

    def look(self) -> None:
        """Read once; a failure keeps what was read before."""
        seen: tuple[Overview | None, str]
        try:
            seen = (self._read(), "")
        except MonitoringUnreachable as failed:
            seen = (self.seen[0], str(failed))
        with self._lock:
            self._seen = seen

    @property
    def seen(self) -> tuple[Overview | None, str]:
        with self._lock:
            return self._seen

    def keep_looking(self, seconds: float, stop: threading.Event) -> None:
        while not stop.is_set():
            self.look()
            stop.wait(seconds)


@click.command()
@inventory_option
@output_option
@click.option(
    "--once", is_flag=True, help="Print once and end; so does a standard output that is no terminal."
)
@click.option("--interval", type=click.FloatRange(1), default=5.0, show_default=True, help="Seconds.")
@click.option(
    "--sort", type=click.Choice(SORTS), default=SORTS[0], show_default=True, help="Agencies' order."
)
@click.option("--prometheus", metavar="URL", help="Ask this one, not the site's; needs no deploy host.")
@click.option("--alertmanager", metavar="URL", help="With --prometheus; same host, port 9093, if not given.")
def top(
    *, inventory: Path, output: str, once: bool, interval: float, sort: str, prometheus: str | None,
    alertmanager: str | None,
) -> int:  # fmt: skip
    """Watch the site: APIs, alerts with their runbooks, hypervisors, agencies.

    Keys: q quits, s sorts agencies, v switches the view. With --once or --output json exit code 6 means that
    a page fires, something is unknown, or Prometheus does not answer.
    """
    loaded = inventories.load(inventory)
    if prometheus is None:
        find_site(Settings.from_environment(os.environ), loaded).enter_network()
        prometheus = f"http://{_address(loaded)}:{PROMETHEUS_PORT}"
    if alertmanager is None:
        alertmanager = f"{prometheus.rpartition(':')[0]}:{ALERTMANAGER_PORT}"
    ask, alerts = Prometheus(prometheus), Alertmanager(alertmanager)
    watch = Watch(lambda: read_overview(ask, alerts, time.time()))
    screen = Screen(
        site=loaded.site.site_name, now=time.time(), overview=None, sort=sort,
        names={agency.code: agency.name_vi for agency in loaded.agencies},
    )  # fmt: skip
    with contextlib.closing(ask), contextlib.closing(alerts):
        if once or output == "json" or not sys.stdout.isatty():
            return show_once(watch, screen, output)
        return show_live(watch, screen, interval)


def _address(loaded: Inventory) -> str:
    hosts = loaded.monitoring()
    if not hosts:
        raise MonitoringUnreachable("the inventory has no server in group `monitoring`")
    return str(hosts[0].address)


def show_once(watch: Watch, screen: Screen, output: str) -> int:
    """Print the overview; raises MonitoringUnreachable. Returns the exit code."""
    watch.look()
    overview, error = watch.seen
    if overview is None:
        raise MonitoringUnreachable(error)
    if output == "json":
        emit(output, document(screen.site, overview), str)
    else:
        Console(highlight=False, soft_wrap=False).print(replace(screen, now=time.time(), overview=overview))
    return EXIT_UNHEALTHY if overview.count(PAGE) or overview.problems else 0


def document(site: str, overview: Overview) -> dict[str, object]:
    """The overview for programs: its fields, what fires, and totals by resource class."""
    classes = sorted({name for hypervisor in overview.hypervisors for name in hypervisor.uses})
    return {
        "site": site,
        "pages": overview.count(PAGE),
        "firing": overview.firing,
        "apis_down": overview.apis_down,
        "placeable": {name: overview.use(name) for name in classes},
        **vars(overview),
    }


def show_live(watch: Watch, screen: Screen, interval: float) -> int:
    """Until q or Ctrl-C."""
    console, stop = Console(highlight=False), threading.Event()
    worker = threading.Thread(target=watch.keep_looking, args=(interval, stop), daemon=True)
    worker.start()
    with (
        contextlib.suppress(KeyboardInterrupt),
        _single_keys() as key,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while (pressed := key(KEY_SECONDS)) != "q":
            overview, error = watch.seen
            screen = replace(
                turned(screen, pressed), now=time.time(), overview=overview, error=error,
                live=True, height=console.height,
            )  # fmt: skip
            live.update(screen, refresh=True)
    stop.set()
    return 0


def turned(screen: Screen, pressed: str) -> Screen:
    """The screen after a key."""
    if pressed == "s":
        return replace(screen, sort=SORTS[(SORTS.index(screen.sort) + 1) % len(SORTS)])
    if pressed == "v":
        return replace(screen, view=VIEWS[(VIEWS.index(screen.view) + 1) % len(VIEWS)])
    return screen


@contextlib.contextmanager
def _single_keys() -> Iterator[Callable[[float], str]]:
    """Keys one by one, without Enter, "" after some seconds; the terminal is set back at the end."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def key(seconds: float) -> str:
        ready, _, _ = select.select([number], [], [], seconds)
        return os.read(number, 1).decode(errors="replace") if ready else ""

    try:
        tty.setcbreak(number)
        yield key
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
