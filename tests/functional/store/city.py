"""A small city for tests of the portal's services: two agencies, people of every role, three items."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from infra.domain.agency import Agency
from infra.domain.catalog import Catalog, CatalogItem
from infra.domain.flavor import Flavor
from infra.domain.parameter import ChangePolicy, Choice, Parameter, ParameterKind
from infra.domain.person import Person, Role
from infra.domain.price import PriceList
from infra.domain.quota import Quota
from infra.domain.words import Words
from infra.portal.interface import Deployment, Draft, Line
from infra.portal.service.ground import PortalSite

NOW = dt.datetime(2026, 11, 27, 2, tzinfo=dt.UTC)
"""A Friday morning in Hai Phong."""
LIMIT = Quota(
    instances=10, cores=20, ram_mib=20480, volumes=5, gigabytes=100, floating_ips=4, networks=2, routers=1,
    security_groups=10, ports=40,
)  # fmt: skip
BASE = Quota(networks=1, routers=1, security_groups=2, ports=2)


class Clock:
    """Time that a test moves by hand."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += dt.timedelta(**parts)


def words(text: str) -> Words:
    return Words(f"{text} (vi)", text)


SIZE = Parameter(
    "size", ParameterKind.CHOICE, words("Size"), default="small", change=ChangePolicy.REQUESTED,
    choices=(
        Choice("small", words("Small"), takes=Quota(instances=1, cores=1, ram_mib=512, ports=1)),
        Choice("large", words("Large"), takes=Quota(instances=1, cores=4, ram_mib=4096, ports=1)),
    ),
)  # fmt: skip
PUBLIC = Parameter(
    "public", ParameterKind.SWITCH, words("Public address"), takes=Quota(floating_ips=1),
    change=ChangePolicy.ALLOWED,
)  # fmt: skip
DISK = Parameter(
    "disk", ParameterKind.INTEGER, words("Disk"), required=False, minimum=1, maximum=50,
    takes=Quota(gigabytes=1), unit=words("GiB"), change=ChangePolicy.REQUESTED,
)  # fmt: skip
FLAVORS = {one.name: one for one in (Flavor("small", 1, 512, 10), Flavor("large", 4, 4096, 20))}
"""The larger one has the larger disk: nothing goes back from it."""
CATALOG = Catalog(
    (
        CatalogItem(
            "plain-server", "server", "Máy chủ ảo", "Plain server", blueprint="plain-server/1",
            parameters=(SIZE, PUBLIC, DISK), max_count=10,
        ),
        CatalogItem(
            "secret-server", "server", "Máy chủ mật", "Secret server", blueprint="secret-server/1",
            parameters=(SIZE,), security_level=3,
        ),
        CatalogItem("old-server", "server", "Máy chủ cũ", "Old server"),
    ),
    PriceList(core=100_000, memory_gib=50_000, volume_gib=2_000, address=30_000),
)  # fmt: skip


def make_agency(code: str, number: int, level: int = 1) -> Agency:
    network = IPv4Network(f"10.64.{number}.0/24")
    return Agency(code, "city", "S", False, f"Sở {code}", f"Department {code}", network, LIMIT,
                  security_level=level)  # fmt: skip


AGENCIES: Mapping[str, Agency] = {"sotc": make_agency("sotc", 1), "sonv": make_agency("sonv", 2)}


def make_person(id_: str, *roles: Role, agency: str = "sotc") -> Person:
    return Person(id_, id_, agency, frozenset(roles), id_.title())


AN = make_person("an", Role.MEMBER)
BINH = make_person("binh", Role.APPROVER)
CHI = make_person("chi", Role.OPERATOR, agency="vpubnd")
DUNG = make_person("dung", Role.AUDITOR, agency="vpubnd")
STRANGER = make_person("khach", Role.MEMBER, Role.APPROVER, agency="sonv")
"""Member and approver of another agency."""
NOBODY = make_person("khong")


def make_site(**changes: Any) -> PortalSite:
    return PortalSite(**{"agencies": AGENCIES, "catalog": CATALOG, "flavors": FLAVORS, **changes})


def make_change(one: Deployment, **values: str) -> Draft:
    """What changes these values of a deployment."""
    line = Line(one.item, values, 1, one.summary.id, one.version)
    return Draft((line,), "Thêm chỗ cho hồ sơ năm mới", legal_basis="123/QĐ-STC")


def make_draft(item: str = "plain-server", count: int = 1, **changes: Any) -> Draft:
    values = changes.pop("values", {"size": "small"})
    said = {
        "items": (Line(item, values, count),),
        "purpose": "Trang tin của Sở Tài chính",
        "legal_basis": "123/QĐ-STC",
    }
    return Draft(**{**said, **changes})
