"""Builds stands: the role's own templates with a stand's addresses, and all times divided by `FACTOR`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.provisioning.site import SiteContext
from tests.cloud.monitoring.scaled_rules import scaled
from tests.cloud.monitoring.stand import JOBS, NAME, Program, Stand, calm, unrest, until
from tests.cloud.monitoring.wire import Wire
from tests.cloud.provider.fault_proxy import Call, Lane

FACTOR = 12
"""All of the site's times are divided by this, where a fault names no other number."""
INTERVALS = {
    "services": 2, "capacity": 2, "servers": 2, "projects": 2.5, "volumes": 2.5, "pools": 2.5,
    "volume_agents": 2.5, "network_agents": 2.5, "network": 2.5, "addresses": 2.5, "images": 25,
    "quotas": 75, "drift": 25,
}  # fmt: skip
"""Seconds; about a twelfth of the exporter's own."""
SUBJECT = ("agency", "agent", "api", "canary", "capacity", "hypervisor", "load_balancer", "monitoring", "slo")
"""The rules that are judged. The others' figures do not come from exporters of ours."""
_RENDERED_ADDRESS = "192.0.2.1:"
_PROGRAMS = Path(sys.executable).parent
# A mount namespace with the stand's own names; nobody listens where its resolver is.
_WITH_NAMES = (
    "unshare", "--mount", "--propagation", "private", "sh", "-c",
    'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"', "-",
)  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What the site has: hypervisors with their management addresses, agencies' servers that can be reached
    (floating address and hypervisor by server id), the services' host:port; and the rendered configurations.
    """

    hypervisors: Mapping[str, str]
    guests: Mapping[str, tuple[str, str]]
    services: Mapping[str, str]
    configurations: Path


@dataclass(frozen=True)
class Setting:
    """What a stand is made of. `shifted`: exporters start with a clock that a file shifts. `intervals` are
    over `INTERVALS`; `without` are collectors that are left out."""

    site: SiteContext
    lane: Lane
    ground: Ground
    folder: Path
    shifted: bool = False
    intervals: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    factor: float = FACTOR
    ports: Mapping[str, int] = field(
        default_factory=lambda: {
            name: _free_port() for name in ("capacity", "uptime", "prometheus", "alertmanager")
        }
    )

    def programs(self) -> dict[str, Program]:
        return {**_exporters(self), **_tools(self)}


@contextlib.contextmanager
def stand(setting: Setting) -> Iterator[Stand]:
    """A stand that runs and is calm: every fact was read and no alert fires but the heartbeat."""
    folder = setting.folder
    folder.mkdir()
    with contextlib.ExitStack() as held:
        nodes = {
            name: held.enter_context(Wire((address, 9100)))
            for name, address in setting.ground.hypervisors.items()
        }
        guests = _guest_wires(held, setting)
        made = Stand(
            setting.lane, folder, **setting.programs(), node_wires=nodes, guest_wires=guests,
            services=setting.ground.services,
        )  # fmt: skip
        setting.lane.edited = _editor(made)
        made.hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        made.clock.write_text("0")
        _configure_prometheus(setting, nodes)
        _configure_alertmanager(setting)
        programs = (*made.exporters, made.alertmanager, made.prometheus)
        for program in programs:
            held.callback(program.end)
            program.start()
        for program in programs:
            program.ready()
        until(lambda: calm(made), "a calm beginning", why=lambda: unrest(made))
        yield made


def _exporters(setting: Setting) -> dict[str, Program]:
    site, folder = setting.site, setting.folder
    environment = {
        "OS_AUTH_URL": setting.lane.auth_url, "OS_USERNAME": "monitoring",
        "OS_PASSWORD": site.secrets.monitoring_password, "OS_PROJECT_NAME": "service",
        "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": site.inventory.site.region_name, "OS_INTERFACE": "public",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip

    def exporter(name: str, *options: str) -> Program:
        start = [str(_PROGRAMS / f"citycloud-{name}-exporter")]
        if setting.shifted:
            shift = "tests.cloud.monitoring.shifted_clock"
            start = [sys.executable, "-m", shift, str(folder / "clock"), f"monitoring.exporters.{name}"]
        listen = f"127.0.0.1:{setting.ports[name]}"
        command = [*_named(folder), *start, "--listen", listen, *options]
        return Program(command, environment, folder / f"{name}.log", f"http://{listen}/-/healthy")

    intervals = {**INTERVALS, **setting.intervals}.items()
    every = [word for name, seconds in intervals for word in ("--interval", f"{name}={seconds:g}")]
    every += [word for name in setting.without for word in ("--without", name)]
    return {
        "capacity": exporter("capacity", *every),
        "uptime": exporter(
            "uptime", "--server-interval", "2", "--api-interval", "2", "--probe-interval", "1.5",
            "--boot-seconds", "15", "--catalog", str(site.inventory.path / "catalog.yaml"),
            "--state-file", f"{folder}/servers.json",
        ),
    }  # fmt: skip


def _tools(setting: Setting) -> dict[str, Program]:
    folder = setting.folder

    def tool(name: str, program: str, *options: str) -> Program:
        at = f"127.0.0.1:{setting.ports[name]}"
        command = [
            *_named(folder),
            program,
            f"--config.file={folder}/{name}.yml",
            f"--web.listen-address={at}",
        ]
        return Program([*command, *options], {}, folder / f"{name}.log", f"http://{at}/-/ready")

    return {
        "prometheus": tool(
            "prometheus", "prometheus", f"--storage.tsdb.path={folder}/data",
            f"--rules.alert.for-grace-period={600 / setting.factor:g}s", "--rules.alert.resend-delay=5s",
        ),
        "alertmanager": tool(
            "alertmanager", "prometheus-alertmanager", f"--storage.path={folder}/alerts",
            "--cluster.listen-address=",
        ),
    }  # fmt: skip


def _named(folder: Path) -> list[str]:
    return [*_WITH_NAMES, str(folder / "hosts"), str(folder / "resolv.conf")]


def _configure_prometheus(setting: Setting, nodes: Mapping[str, Wire]) -> None:
    """The rendered file with the stand's own addresses, times and account."""
    folder, ports = setting.folder, setting.ports
    (folder / "rules.yml").write_text(yaml.safe_dump(scaled(setting.factor, SUBJECT)), encoding="utf-8")
    rendered = (setting.ground.configurations / "ctl1-prometheus.yml").read_text(encoding="utf-8")
    controller = str(setting.site.inventory.controllers()[0].address)
    told = yaml.safe_load(rendered.replace(_RENDERED_ADDRESS, f"{controller}:"))
    told["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"}
    told["rule_files"] = [str(folder / "rules.yml")]
    managers = [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]
    told["alerting"] = {"alertmanagers": [{"static_configs": managers}]}
    told["scrape_configs"] = [job for job in told["scrape_configs"] if job["job_name"] in JOBS]
    for job in told["scrape_configs"]:
        if job["job_name"] in ports:
            for group in job["static_configs"]:
                group["targets"] = [f"127.0.0.1:{ports[job['job_name']]}"]
    jobs = {job["job_name"]: job for job in told["scrape_configs"]}
    _discover_hypervisors(setting, jobs["hypervisor"], nodes)
    jobs["workload"] |= {"scrape_interval": "2s", "scrape_timeout": "2s"}
    (discovery,) = jobs["workload"]["http_sd_configs"]
    discovery |= {"url": f"http://127.0.0.1:{ports['uptime']}/sd/workloads", "refresh_interval": "2s"}
    file = os.open(folder / "prometheus.yml", os.O_WRONLY | os.O_CREAT, 0o600)  # it holds the password
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        yaml.safe_dump(told, stream)


def _discover_hypervisors(setting: Setting, job: dict[str, Any], nodes: Mapping[str, Wire]) -> None:
    """Through the lane; each node exporter is reached by its wire."""
    (discovery,) = job["openstack_sd_configs"]
    discovery |= {
        "identity_endpoint": setting.lane.auth_url, "refresh_interval": "5s",
        "password": setting.site.secrets.monitoring_password,
        "region": setting.site.inventory.site.region_name,
    }  # fmt: skip
    del discovery["tls_config"]
    job["relabel_configs"] += [
        {
            "source_labels": ["hypervisor"], "regex": name, "target_label": "__address__",
            "replacement": f"127.0.0.1:{wire.port}",
        }
        for name, wire in nodes.items()
    ]  # fmt: skip


def _configure_alertmanager(setting: Setting) -> None:
    """The site's routes and inhibitions; what is told is read from Alertmanager itself, nobody is mailed."""
    rendered = (setting.ground.configurations / "ctl1-alertmanager.yml").read_text(encoding="utf-8")
    told = yaml.safe_load(rendered)
    told["receivers"] = [{"name": receiver["name"]} for receiver in told["receivers"]]
    told |= {"global": {"resolve_timeout": f"{300 / setting.factor:g}s"}, "templates": []}
    (setting.folder / "alertmanager.yml").write_text(yaml.safe_dump(told), encoding="utf-8")


def _guest_wires(held: contextlib.ExitStack, setting: Setting) -> dict[str, dict[str, Wire]]:
    """By hypervisor and server id: a loopback address of the stand's own for each guest's sshd."""
    number = int(re.sub(r"\D", "", setting.lane.name) or 0)
    found: dict[str, dict[str, Wire]] = {name: {} for name in setting.ground.hypervisors}
    for place, (server, (address, hypervisor)) in enumerate(sorted(setting.ground.guests.items()), 1):
        wire = Wire((address, 22), f"127.{100 + number}.0.{place}", 22)
        found[hypervisor][server] = held.enter_context(wire)
    return found


def _editor(made: Stand) -> Callable[[Call, bytes], bytes]:
    """Guests' floating addresses become those of their wires; then come the fault's own edits."""
    near = {wire.far: wire.near for wires in made.guest_wires.values() for wire in wires.values()}

    def edited(call: Call, body: bytes) -> bytes:
        if "/servers/detail" in call.path and call.server == made.services["compute"] and call.status == 200:
            listed = json.loads(body)
            for server in listed["servers"]:
                for port in (port for ports in server["addresses"].values() for port in ports):
                    port["addr"] = near.get(port["addr"], port["addr"])
            body = json.dumps(listed).encode()
        for edit in made.edits:
            body = edit(call, body)
        return body

    return edited


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
