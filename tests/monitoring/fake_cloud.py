"""A cloud that answers what the exporters ask, over HTTP on loopback, and can be told to fail.

`python fake_cloud.py PORT` serves it until it is stopped, to look at the exporters by hand.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAR_FUTURE = "2099-01-01T00:00:00.000000Z"


@dataclass
class FakeCloud:
    """`hypervisors`: name -> up. `servers`: nova's own dictionaries, `actions` theirs by
    id (a user is named as their agency). `failing`: service, or "service /path"
    as a pattern, -> status to answer with; `slow`: service -> seconds to wait first. `calls` counts requests
    by service. `vanished` are projects that nova and Keystone know no longer, though they were listed.
    `token` is the one that is valid; a log-in is given it."""

    hypervisors: dict[str, bool] = field(default_factory=lambda: {"hv1": True, "hv2": True})
    agencies: tuple[str, ...] = ("sxd", "stc")
    servers: list[dict[str, Any]] = field(default_factory=list)
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)
    token: str = "token"
    address: str = ""

    def answer(self, service: str, path: str) -> tuple[int, Any]:
        """Status and body for a GET (or the POST of a log-in)."""
        self.calls[service] = self.calls.get(service, 0) + 1
        time.sleep(self.slow.get(service, 0.0))
        for pattern, status in list(self.failing.items()):
            if pattern == service or re.fullmatch(pattern, f"{service} {path}"):
                return status, {"error": {"message": f"{service} is told to fail"}}
        if any(
            path.startswith((f"/v2.1/os-quota-sets/{gone}", f"/v3/projects/{gone}")) for gone in self.vanished
        ):
            return 404, {"error": {"message": "Could not find project"}}
        for pattern, answer in _ANSWERS.items():
            found = re.fullmatch(pattern, f"{service} {path}")
            if found:
                return 200, answer(self, *found.groups())
        return 404, {"error": {"message": f"no {service} {path}"}}

    def catalog(self) -> list[dict[str, Any]]:
        types = {
            "identity": "/v3",
            "compute": "/v2.1",
            "network": "",
            "block-storage": "/v3",
            "placement": "",
            "image": "/v2",
        }
        return [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": kind,
                        "interface": "public",
                        "region": "hai-phong",
                        "region_id": "hai-phong",
                        "url": f"{self.address}/{kind}{version}",
                    }
                ],
            }
            for kind, version in types.items()
        ]


def _hypervisor(number: int, name: str, up: bool) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "hypervisor_hostname": name,
        "hypervisor_type": "QEMU",
        "hypervisor_version": 7002000,
        "host_ip": f"127.0.1.{number}",
        "state": "up" if up else "down",
        "status": "enabled",
        "cpu_info": {},
        "service": {"id": f"svc-{name}", "host": name, "disabled_reason": None},
        # What Prometheus' own discovery cannot do without (nova leaves it out from 2.88 on).
        "free_disk_gb": 40,
        "local_gb": 40,
        "vcpus": 2,
        "memory_mb": 6144,
    }


def _services(cloud: FakeCloud) -> dict[str, Any]:
    return {
        "services": [
            {
                "id": f"svc-{name}",
                "binary": "nova-compute",
                "host": name,
                "state": "up" if up else "down",
                "status": "enabled",
                "updated_at": "2026-11-23T10:00:00.000000",
                "zone": "nova",
                "disabled_reason": None,
            }
            for name, up in cloud.hypervisors.items()
        ]
    }


def _inventory(total: int, reserved: int, ratio: float) -> dict[str, Any]:
    return {
        "total": total,
        "reserved": reserved,
        "allocation_ratio": ratio,
        "min_unit": 1,
        "max_unit": total,
        "step_size": 1,
    }


_ANSWERS: dict[str, Callable[..., Any]] = {
    r"identity /v3/domains": lambda cloud: {
        "domains": [
            {"id": "default", "name": "Default"},
            *({"id": f"d-{code}", "name": code} for code in cloud.agencies),
        ]
    },
    r"identity /v3/projects": lambda cloud: {
        "projects": [
            {"id": "p0", "name": "service", "domain_id": "default"},
            *({"id": f"p-{code}", "name": code, "domain_id": f"d-{code}"} for code in cloud.agencies),
        ]
    },
    r"compute /v2.1/os-services": _services,
    r"compute /v2.1/os-hypervisors/detail": lambda cloud: {
        "hypervisors": [
            _hypervisor(number, name, up) for number, (name, up) in enumerate(cloud.hypervisors.items(), 1)
        ]
    },
    r"compute /v2.1/os-aggregates": lambda cloud: {"aggregates": []},
    r"compute /v2.1/flavors/detail": lambda cloud: {
        "flavors": [
            {
                "name": "m1.small",
                "vcpus": 1,
                "ram": 512,
                "disk": 3,
                "swap": "",
                "OS-FLV-EXT-DATA:ephemeral": 0,
                "extra_specs": {},
            }
        ]
    },
    r"compute /v2.1/servers/detail": lambda cloud: {"servers": cloud.servers},
    r"compute /v2.1/servers/([^/]+)/os-instance-actions": lambda cloud, server: {
        "instanceActions": cloud.actions.get(server, [])
    },
    r"identity /v3/users/([^/]+)": lambda cloud, user: {"user": {"id": user, "domain_id": f"d-{user}"}},
    r"identity /v3/domains/d-([^/]+)": lambda cloud, code: {"domain": {"id": f"d-{code}", "name": code}},
    r"compute /v2.1/os-migrations": lambda cloud: {"migrations": []},
    r"compute /v2.1/os-quota-sets/([^/]+)": lambda cloud, _: {
        "quota_set": {"id": _, "instances": 10, "cores": 20, "ram": 4096}
    },
    r"network /v2.0/quotas": lambda cloud: {"quotas": []},
    r"network /v2.0/quotas/([^/]+)/default": lambda cloud, _: {
        "quota": dict.fromkeys(("floatingip", "network", "router", "security_group", "port"), 5)
    },
    r"network /v2.0/agents": lambda cloud: {
        "agents": [
            {
                "id": "a1",
                "binary": "neutron-l3-agent",
                "host": "ctl1",
                "alive": True,
                "admin_state_up": True,
                "heartbeat_timestamp": "2026-11-23 10:00:00",
                "availability_zone": "nova",
            }
        ]
    },
    r"network /v2.0/(networks)": lambda cloud, _: {
        "networks": [{"id": "n1", "name": "internet", "project_id": "p0", "router:external": True}]
    },
    r"network /v2.0/network-ip-availabilities": lambda cloud: {
        "network_ip_availabilities": [
            {
                "network_id": "n1",
                "network_name": "internet",
                "project_id": "p0",
                "subnet_ip_availability": [
                    {
                        "subnet_id": "sn1",
                        "subnet_name": "internet",
                        "cidr": "203.0.113.0/24",
                        "ip_version": 4,
                        "total_ips": 200,
                        "used_ips": 3,
                    }
                ],
            }
        ]
    },
    r"network /v2.0/floatingips": lambda cloud: {
        "floatingips": [{"project_id": "p-sxd", "floating_network_id": "n1", "port_id": "port1"}]
    },
    r"network /v2.0/(routers|ports)": lambda cloud, plural: {plural: [{"id": "x", "project_id": "p-sxd"}]},
    r"network /v2.0/security-groups": lambda cloud: {"security_groups": [{"id": "x", "project_id": "p-sxd"}]},
    r"block-storage /v3/os-quota-sets/([^/]+)": lambda cloud, _: {
        "quota_set": {"id": _, "volumes": -1, "gigabytes": 50}
    },
    r"block-storage /v3/os-services": lambda cloud: {"services": []},
    r"block-storage /v3/volumes/detail": lambda cloud: {
        "volumes": [{"status": "in-use", "size": 5, "os-vol-tenant-attr:tenant_id": "p-sxd"}]
    },
    r"block-storage /v3/snapshots/detail": lambda cloud: {"snapshots": []},
    r"block-storage /v3/scheduler-stats/get_pools": lambda cloud: {
        "pools": [
            {
                "name": "ctl1@lvm#lvm",
                "capabilities": {"total_capacity_gb": 100, "free_capacity_gb": "unknown"},
            }
        ]
    },
    r"image /v2/images": lambda cloud: {"images": [{"status": "active", "visibility": "public", "size": 9}]},
    r"placement /resource_providers": lambda cloud: {
        "resource_providers": [
            {"uuid": f"id-{name}", "name": name, "generation": 1, "root_provider_uuid": f"id-{name}"}
            for name in cloud.hypervisors
        ]
    },
    r"placement /allocation_candidates": lambda cloud: {
        "provider_summaries": {
            f"id-{name}": {
                "resources": {
                    kind: {"capacity": 0, "used": used}
                    for kind, used in (("VCPU", 2), ("MEMORY_MB", 1024), ("DISK_GB", 6))
                },
                "traits": ["COMPUTE_NODE"],
            }
            for name in cloud.hypervisors
        }
    },
    r"placement /resource_providers/([^/]+)/allocations": lambda cloud, provider: {
        "allocations": {
            server["id"]: {"resources": {"VCPU": 1}}
            for server in cloud.servers
            if provider == f"id-{server['OS-EXT-SRV-ATTR:hypervisor_hostname']}"
        }
    },
    r"placement /resource_providers/([^/]+)/inventories": lambda cloud, _: {
        "inventories": {
            "VCPU": _inventory(2, 0, 16.0),
            "MEMORY_MB": _inventory(6144, 512, 1.0),
            "DISK_GB": _inventory(40, 0, 1.0),
        }
    },
    r"placement /resource_providers/([^/]+)/usages": lambda cloud, _: {
        "usages": {"VCPU": 2, "MEMORY_MB": 1024, "DISK_GB": 6}
    },
    r"identity /v3/?": lambda cloud: {
        "version": {
            "id": "v3.14",
            "status": "stable",
            "links": [{"rel": "self", "href": f"{cloud.address}/identity/v3/"}],
        }
    },
    r"\S+ (/v2.1|/v3|)/?": lambda cloud, _: {},
}


class _Handler(BaseHTTPRequestHandler):
    cloud: FakeCloud
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer

    def do_GET(self) -> None:
        _, service, *rest = self.path.split("?")[0].split("/", 2)
        if self.headers.get("X-Auth-Token") not in (None, self.cloud.token):
            self._reply(401, {"error": {"message": "The request you have made requires authentication."}})
            return
        status, body = self.cloud.answer(service, "/" + rest[0] if rest else "")
        self._reply(status, body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.cloud.answer("identity", "/v3/")
        if status == 200:
            status, body = (
                201,
                {
                    "token": {
                        "methods": ["password"],
                        "expires_at": FAR_FUTURE,
                        "issued_at": "2026-01-01T00:00:00.000000Z",
                        "user": {
                            "id": "u",
                            "name": "monitoring",
                            "domain": {"id": "default", "name": "Default"},
                        },
                        "project": {
                            "id": "p0",
                            "name": "service",
                            "domain": {"id": "default", "name": "Default"},
                        },
                        "roles": [{"id": "r", "name": "admin"}],
                        "catalog": self.cloud.catalog(),
                    }
                },
            )
        self._reply(status, body, {"X-Subject-Token": self.cloud.token})

    def _reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(text)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asked did not wait
            self.end_headers()
            self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at `calls`."""


def serve(cloud: FakeCloud, port: int = 0) -> ThreadingHTTPServer:
    """Serve `cloud` from a thread; `cloud.address` is its root."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"cloud": cloud}))
    server.daemon_threads = True
    cloud.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def make_server(name: str, agency: str, address: str = "127.0.0.1", status: str = "ACTIVE") -> dict[str, Any]:
    """A server as nova lists it."""
    ports = [{"addr": "10.64.1.5", "OS-EXT-IPS:type": "fixed"}]
    if address:
        ports.append({"addr": address, "OS-EXT-IPS:type": "floating"})
    return {
        "id": f"id-{agency}-{name}",
        "name": name,
        "tenant_id": f"p-{agency}",
        "status": status,
        "addresses": {agency: ports},
        "OS-EXT-SRV-ATTR:hypervisor_hostname": "hv1",
        "image": {"id": "i1"},
        "flavor": {
            "original_name": "m1.small",
            "vcpus": 1,
            "ram": 512,
            "disk": 3,
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": {},
        },
    }


if __name__ == "__main__":
    by_hand = FakeCloud(servers=[make_server("web", "sxd"), make_server("off", "stc", status="SHUTOFF")])
    serve(by_hand, int(sys.argv[1]))
    for line in sys.stdin:  # "hv2 down", "compute 503", "compute ok"
        what, how = line.split()
        if what in by_hand.hypervisors:
            by_hand.hypervisors[what] = how == "up"
        elif how == "ok":
            by_hand.failing.pop(what, None)
        else:
            by_hand.failing[what] = int(how)
