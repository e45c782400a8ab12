"""What every service stands on: the database, the site, the clock, and errors in the words of the
interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from infra.domain import deployment as deployment_domain
from infra.domain import request as request_domain
from infra.domain.agency import Agency
from infra.domain.approval import REASON_NEEDED, SignatureRefused
from infra.domain.auto_approval import AutoApproval
from infra.domain.calendar import ZONE, WorkCalendar
from infra.domain.catalog import Catalog
from infra.domain.change import ChangeRefused
from infra.domain.deployment import Ladder
from infra.domain.estate import AgencyClosed
from infra.domain.flavor import Flavor
from infra.domain.person import Person
from infra.domain.policy import Policies
from infra.domain.reservation import QuotaExceeded
from infra.domain.words import Words
from infra.portal.interface import Capacity, Component, Conflict, FieldProblem, InputRefused, NotAllowed
from infra.portal.usage import Usage, UsageState
from infra.store.answer import KeyUsed, once
from infra.store.portal_database import Connection, PortalDatabase, Transaction
from infra.store.request import ChangedMeanwhile

UNKNOWN_CAPACITY = Capacity(
    None, None, None, Words("Chưa có số liệu về dung lượng.", "Nobody knows the capacity now.")
)


class Refused(NotAllowed):
    """A refusal with its reason in both languages."""

    def __init__(self, told: Words) -> None:
        self.told = told
        super().__init__(told.en)


@dataclass(frozen=True)
class RemoteConsoles:
    """`open` asks the cloud where the screen of a server (its id) is; the answer is good for `seconds`."""

    open: Callable[[str], str]
    seconds: int


@dataclass(frozen=True)
class PortalSite:
    """The site as services see it. `capacity` tells what the cloud could still hold for a request's items;
    `busy` the measured part of an agency's cores and memory that is busy, None where nobody measured;
    `flavors` are sizes by name, for what a server can become; `status` the public state of the cloud's parts;
    `usage` what monitoring knows of an agency's server, by its id; `policies` what people may do without
    asking; `console` gives the last lines that a server (its id) printed, `remote_consoles` its screen;
    `look_up` asks the directory for a person by id, as `infra.portal.identity.Directory` does: without it,
    what it said at their last sign-in counts.
    """

    agencies: Mapping[str, Agency]
    catalog: Catalog
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    ladder: Ladder = field(default_factory=Ladder)
    auto_approval: AutoApproval = field(default_factory=AutoApproval)
    capacity: Callable[[request_domain.Request], Capacity] = lambda _: UNKNOWN_CAPACITY
    busy: Callable[[str], float | None] = lambda _: None
    flavors: Mapping[str, Flavor] = field(default_factory=dict)
    status: Callable[[], Sequence[Component]] = tuple
    usage: Callable[[str, str], Usage] = lambda agency, server: Usage(UsageState.UNREACHABLE)
    policies: Policies = field(default_factory=Policies)
    console: Callable[[str, int], str] | None = None
    remote_consoles: RemoteConsoles | None = None
    look_up: Callable[[str], Person | None] | None = None


@dataclass(frozen=True)
class Ground:
    database: PortalDatabase
    site: PortalSite
    clock: Callable[[], datetime]

    def today(self) -> date:
        """The day in the city."""
        return self.clock().astimezone(ZONE).date()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.database.reading() as connection:
            yield connection

    def once(
        self, person: Person, key: str, asked: list[Any], effect: Callable[[Transaction], str]
    ) -> str:  # fmt: skip
        """Run `effect` in one transaction, once for a key; its errors become those of the interface."""
        with told(), self.database.writing() as tx:
            return once(
                tx, person.id, key, asked=asked, now=self.clock(), effect=lambda: effect(tx)
            )  # fmt: skip

    def audit(
        self, tx: Transaction, person: Person, agency: str, *, action: str, about: str, told: Words,
        facts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        tx.audit(
            at=self.clock(), who=person.id, who_name=person.display_name or person.name, agency=agency,
            action=action, about=about, told=told, facts=facts,
        )  # fmt: skip


@contextmanager
def told() -> Iterator[None]:
    """Errors of the domain and the store as the interface names them."""
    try:
        yield
    except (QuotaExceeded, ChangeRefused, AgencyClosed) as error:
        raise Conflict(error.told) from error
    except SignatureRefused as error:
        if error.told == REASON_NEEDED:
            raise InputRefused([FieldProblem("reason", error.told)]) from error
        raise Refused(error.told) from error
    except (request_domain.TransitionRefused, deployment_domain.DeploymentRefused, ChangedMeanwhile) as error:
        raise Conflict(CHANGED) from error
    except KeyUsed as error:
        raise Conflict(KEY_USED) from error


CHANGED = Words(
    "Mục này đã thay đổi sau khi anh/chị mở nó, hoặc trạng thái hiện tại không cho phép; hãy xem lại.",
    "It has changed since you looked, or its state does not allow this any more; look again.",
)
KEY_USED = Words(
    "Khóa chống gửi lặp đã được dùng cho việc khác; hãy thử lại từ đầu.",
    "The idempotency key was used for another call; begin again.",
)
