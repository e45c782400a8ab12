"""Opening: who can reach which service of a deployment, in words that need no knowledge of networks.

What a catalog item opens by itself stands here too (`GIVEN`), so that what people read of it and what the
stack makes are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.domain.words import Words
from infra.errors import InfraError


class Service(StrEnum):
    """TCP is any other port, which is then named."""

    WEB = "web"
    SSH = "ssh"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    REMOTE_DESKTOP = "remote-desktop"
    TCP = "tcp"


class Source(StrEnum):
    """CITY is the network in which the city's cloud and its offices are; AGENCY the agency's own network in
    the cloud."""

    EVERYBODY = "everybody"
    CITY = "city"
    AGENCY = "agency"


PORTS: Mapping[Service, tuple[int, ...]] = {
    Service.WEB: (80, 443),
    Service.SSH: (22,),
    Service.POSTGRESQL: (5432,),
    Service.MYSQL: (3306,),
    Service.REMOTE_DESKTOP: (3389,),
}
SERVICE_WORDS: Mapping[Service, Words] = {
    Service.WEB: Words("Web (HTTP, HTTPS)", "Web (HTTP, HTTPS)"),
    Service.SSH: Words("SSH (đăng nhập từ xa)", "SSH (remote login)"),
    Service.POSTGRESQL: Words("Cơ sở dữ liệu PostgreSQL", "PostgreSQL database"),
    Service.MYSQL: Words("Cơ sở dữ liệu MySQL", "MySQL database"),
    Service.REMOTE_DESKTOP: Words("Màn hình từ xa (RDP)", "Remote desktop (RDP)"),
    Service.TCP: Words("Cổng TCP khác", "Another TCP port"),
}
SOURCE_WORDS: Mapping[Source, Words] = {
    Source.EVERYBODY: Words("mọi người, kể cả từ Internet", "everybody, the Internet included"),
    Source.CITY: Words("mạng của thành phố", "the city's network"),
    Source.AGENCY: Words("mạng của cơ quan tôi", "my agency's network"),
}


@dataclass(frozen=True, order=True)
class Opening:
    """A service that a source reaches. `port` is that of TCP, 0 for services that have their own."""

    service: Service
    source: Source
    port: int = 0

    @property
    def ports(self) -> tuple[int, ...]:
        return PORTS.get(self.service) or (self.port,)

    @property
    def key(self) -> str:
        """What it is called by where it is removed: `web:city`, `tcp-8080:agency`."""
        service = f"{self.service}-{self.port}" if self.service == Service.TCP else str(self.service)
        return f"{service}:{self.source}"

    @property
    def told(self) -> Words:
        """The sentence that people read."""
        what, whom = SERVICE_WORDS[self.service], SOURCE_WORDS[self.source]
        if self.service == Service.TCP:
            what = Words(f"Cổng TCP {self.port}", f"TCP port {self.port}")
        return Words(f"{what.vi} – từ {whom.vi}", f"{what.en} from {whom.en}")


GIVEN: Mapping[str, tuple[Opening, ...]] = {
    "web-server": (Opening(Service.WEB, Source.EVERYBODY),),
    "database-server": (Opening(Service.POSTGRESQL, Source.AGENCY),),
}
"""Blueprint -> what it opens by itself: as long as the deployment lives nobody takes it away."""


class OpeningRefused(InfraError):
    """The city does not allow this opening; `told` says why and what to do instead. Nothing was changed."""

    code = "opening_refused"

    def __init__(self, field: str, told: Words) -> None:
        self.field, self.told = field, told
        super().__init__(told.en)


@dataclass(frozen=True)
class OpeningPolicy:
    """TCP ports that may be opened to nobody outside: `closed_to_everybody` to all of the world,
    `closed_to_city` not even to the city's network. `most` is how many openings a deployment may have beside
    what its item gives.
    """

    closed_to_everybody: tuple[int, ...] = (
        22, 23, 135, 139, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 6379, 9200, 11211, 27017,
    )  # fmt: skip
    closed_to_city: tuple[int, ...] = (23, 2375, 6379, 11211)
    most: int = 8

    def check(self, wanted: Opening, have: Sequence[Opening], given: Sequence[Opening] = ()) -> None:
        """Whether `wanted` may be added to what a deployment has and is given. Raises OpeningRefused."""
        if wanted.source == Source.EVERYBODY and (closed := self._closed(wanted, self.closed_to_everybody)):
            raise OpeningRefused("source", _to_everybody(wanted, closed))
        if wanted.source == Source.CITY and (closed := self._closed(wanted, self.closed_to_city)):
            raise OpeningRefused("source", _to_city(closed))
        if wanted in (*have, *given):
            raise OpeningRefused("service", _THERE)
        if len(have) >= self.most:
            raise OpeningRefused("service", _too_many(self.most))

    @staticmethod
    def _closed(wanted: Opening, closed: Sequence[int]) -> int:
        return next((port for port in wanted.ports if port in closed), 0)


def opening(service: str, source: str, port: str) -> Opening:
    """As people or programs entered it. Raises OpeningRefused, which names the field."""
    if service not in set(Service):
        raise OpeningRefused("service", _SERVICE)
    if source not in set(Source):
        raise OpeningRefused("source", _SOURCE)
    if service != Service.TCP:
        return Opening(Service(service), Source(source))
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
        raise OpeningRefused("port", _PORT)
    number = int(port)
    named = next((one for one, ports in PORTS.items() if ports == (number,)), None)
    return Opening(named, Source(source)) if named else Opening(Service.TCP, Source(source), number)


def _to_everybody(wanted: Opening, port: int) -> Words:
    what = wanted.told.vi.partition(" – ")[0], wanted.told.en.partition(" from ")[0]
    return Words(
        f"{what[0]} không được mở cho mọi người (cổng {port}): ai trên Internet cũng dò được mật khẩu. Hãy mở"
        " cho mạng của thành phố hoặc mạng của cơ quan; người ở ngoài kết nối qua VPN của thành phố.",
        f"{what[1]} cannot be open to everybody (port {port}): anybody on the Internet could try passwords."
        " Open it to the city's or your agency's network; people outside connect by the city's VPN.",
    )


def _to_city(port: int) -> Words:
    return Words(
        f"Cổng {port} không có mã hóa hay mật khẩu nên chỉ được mở cho mạng của cơ quan.",
        f"Port {port} has no encryption or password of its own, so it can be open to your agency's network"
        " only.",
    )


def _too_many(most: int) -> Words:
    return Words(
        f"Đã có {most} mục mở, nhiều nhất cho phép; hãy gỡ một mục không cần nữa.",
        f"There are {most} openings, the most that are allowed; remove one that is not needed.",
    )


_THERE = Words("Mục này đã mở rồi.", "This is open already.")
_SERVICE = Words("Hãy chọn một dịch vụ trong danh sách.", "Choose a service of the list.")
_SOURCE = Words("Hãy chọn ai được vào.", "Choose who may come in.")
_PORT = Words("Hãy nhập số cổng từ 1 đến 65535.", "Enter the number of the port, from 1 to 65535.")
