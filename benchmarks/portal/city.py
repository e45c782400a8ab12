"""A city to measure with: agencies, their people, and a portal's database with a year of requests in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from infra import inventory as inventories
from infra.domain.agency import Agency
from infra.domain.person import Person, Role
from infra.domain.quota import LANDING_ZONE_USAGE, Quota
from infra.domain.words import Words
from infra.portal.interface import Draft, Line
from infra.portal.service.ground import PortalSite
from infra.portal.service.services import PortalServices
from infra.store import lease, reservation
from infra.store.portal_database import PortalDatabase
from infra.store.work import WorkBook

ROOT = Path(__file__).parents[2]
AUDIT_KEY = b"k" * 32
AGENCIES, MEMBERS = 10, 19
"""With one approver each: 200 people."""
EACH = 36
"""Requests of each agency; two of three were fulfilled and have a deployment, every sixth waits."""
PLENTY = Quota(
    instances=500, cores=1000, ram_mib=2_000_000, volumes=500, gigabytes=50_000, floating_ips=200,
    networks=50, routers=10, security_groups=500, ports=2000,
)  # fmt: skip
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl do@do"
CITY = Words("thành phố Hải Phòng", "City of Hai Phong")


@dataclass(frozen=True)
class City:
    site: PortalSite
    members: tuple[Person, ...]
    approvers: tuple[Person, ...]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def make_city() -> City:
    """The lab's catalog, and agencies of its own."""
    agencies = {
        f"coquan{number:02}": Agency(
            f"coquan{number:02}", "city", "S", False, f"Cơ quan số {number}", f"Agency {number}",
            IPv4Network(f"10.64.{number}.0/24"), PLENTY,
        )
        for number in range(1, AGENCIES + 1)
    }  # fmt: skip
    members = tuple(
        Person(f"{code}-m{place}", f"m{place}", code, frozenset({Role.MEMBER}), f"Nguyễn Văn {place}")
        for code in agencies
        for place in range(MEMBERS)
    )
    approvers = tuple(
        Person(f"{code}-a", "a", code, frozenset({Role.APPROVER}), "Trần Thị Duyệt") for code in agencies
    )
    catalog = inventories.load(ROOT / "inventories/lab").catalog
    return City(PortalSite(agencies, catalog), members, approvers)


def fill(database: PortalDatabase, city: City) -> None:
    """A year's requests, through the services as people would make them."""
    services, book = PortalServices(database, city.site, now), WorkBook(database)
    with database.writing() as tx:
        for code in city.site.agencies:
            reservation.set_account(tx, code, PLENTY, LANDING_ZONE_USAGE, now())
    draft = Draft(
        (Line("plain-server", {"size": "container.small", "ssh_key": SSH_KEY}),),
        "Trang tiếp nhận hồ sơ trực tuyến của cơ quan", legal_basis="12/QĐ-UBND",
    )  # fmt: skip
    for approver in city.approvers:
        people = [one for one in city.members if one.agency == approver.agency]
        held = lease.acquire(
            database, f"agency/{approver.agency}", "do", now=now(), lasts=dt.timedelta(hours=1)
        )
        assert held is not None
        for place in range(EACH):
            made = services.submit(people[place % MEMBERS], draft, "")
            if place % 6 == 5:
                continue
            services.decide(approver, made, "approve" if place % 6 else "reject", "Đúng kế hoạch", 1, "")
            if place % 6:
                outputs = {
                    "address": f"10.64.0.{place}",
                    "user": "debian",
                    "ssh": f"ssh debian@10.64.0.{place}",
                }
                for one in book.begin(held, made, now()).deployments:
                    book.activate(held, one.id, outputs, now())
                book.fulfill(held, made, now())
