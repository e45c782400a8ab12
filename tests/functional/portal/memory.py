"""The portal's services, sessions and directory in memory: one small city, three agencies, known people.

Only what the web part must show and refuse is modelled; the rules themselves are tested with the services.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from infra.domain.person import Person, Role
from infra.domain.session import Session, Token
from infra.domain.words import NOTHING, Words
from infra.portal.delegation import Colleague
from infra.portal.identity import DirectoryUnreachable, SignInRefused
from infra.portal.interface import (
    AuditEntry,
    AuditFilter,
    Capacity,
    Choice,
    Component,
    Conflict,
    Console,
    Cost,
    Decision,
    Deployment,
    DeploymentSummary,
    Draft,
    Facts,
    FieldProblem,
    Home,
    InputRefused,
    Item,
    Kind,
    Line,
    NewDelegation,
    NotAllowed,
    NotFound,
    Notice,
    Page,
    Parameter,
    PolicyResult,
    Preview,
    PublicStatus,
    QuotaLine,
    RemoteConsole,
    Request,
    RequestedItem,
    RequestSummary,
    Step,
    StepState,
)
from infra.portal.upkeep import Opening, Phase, Rebuild, Snapshot, Upkeep
from infra.portal.usage import Usage, UsageState
from tests.functional.portal.memory_signing import FAILURE, MemorySigning
from tests.functional.portal.memory_usage import usage_of

T = TypeVar("T")

NOW = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
PASSWORD = "mat khau rat dai"
AGENCIES = {
    "sotttt": Words("Sở Khoa học và Công nghệ", "Department of Science and Technology"),
    "hongbang": Words("Ủy ban nhân dân quận Hồng Bàng", "Hong Bang District People's Committee"),
    "leChan".lower(): Words("Ủy ban nhân dân quận Lê Chân", "Le Chan District People's Committee"),
}
PEOPLE = {
    person.id: person
    for person in (
        Person("u-hoa", "hoa", "hongbang", frozenset({Role.MEMBER}), "Nguyễn Thị Hoa"),
        Person("u-binh", "binh", "hongbang", frozenset({Role.APPROVER}), "Trần Văn Bình"),
        Person("u-mai", "mai", "lechan", frozenset({Role.MEMBER}), "Lê Thị Mai"),
        Person("u-son", "son", "lechan", frozenset({Role.APPROVER}), "Phạm Hồng Sơn"),
        Person("u-dung", "dung", "sotttt", frozenset({Role.OPERATOR}), "Vũ Tiến Dũng"),
        Person("u-lan", "lan", "sotttt", frozenset({Role.AUDITOR}), "Đỗ Ngọc Lan"),
    )
}
SIZES = {"nho": (1, 2048, 20, 90_000), "vua": (2, 4096, 40, 180_000), "lon": (4, 8192, 80, 350_000)}
SIZE = Parameter(
    "size",
    Kind.CHOICE,
    Words("Cỡ máy", "Size"),
    default="nho",
    change="requested",
    help=Words(
        "Cỡ nhỏ đủ cho phần lớn trang tin và ứng dụng nội bộ.",
        "Small is enough for most sites and internal applications.",
    ),
    choices=(
        Choice(
            "nho",
            Words("Nhỏ", "Small"),
            Words("1 lõi, 2 GiB bộ nhớ, 20 GiB đĩa", "1 core, 2 GiB memory, 20 GiB disk"),
        ),
        Choice(
            "vua",
            Words("Vừa", "Medium"),
            Words("2 lõi, 4 GiB bộ nhớ, 40 GiB đĩa", "2 cores, 4 GiB memory, 40 GiB disk"),
        ),
        Choice(
            "lon",
            Words("Lớn", "Large"),
            Words("4 lõi, 8 GiB bộ nhớ, 80 GiB đĩa", "4 cores, 8 GiB memory, 80 GiB disk"),
        ),
    ),
)
NAME = Parameter(
    "name",
    Kind.TEXT,
    Words("Tên máy", "Name of the server"),
    pattern="[a-z][a-z0-9-]{1,30}",
    maximum=31,
    help=Words(
        "Chữ thường không dấu, số và gạch ngang, ví dụ web-01.",
        "Small letters, digits and hyphens, such as web-01.",
    ),
)
KEY = Parameter(
    "key",
    Kind.SSH_KEY,
    Words("Khóa SSH công khai", "Public SSH key"),
    required=False,
    help=Words(
        "Dán nguyên dòng trong tệp .pub, bắt đầu bằng ssh-ed25519.",
        "Paste the whole line of the .pub file; it begins with ssh-ed25519.",
    ),
)
VOLUME = Parameter(
    "volume",
    Kind.INTEGER,
    Words("Ổ dữ liệu thêm", "Additional data volume"),
    required=False,
    minimum=1,
    maximum=500,
    unit=Words("GiB", "GiB"),
    unless={"size": ("nho",)},
    change="requested",
)
ITEMS = (
    Item(
        "plain-server",
        Words("Máy chủ ảo", "Plain server"),
        Words(
            "Một máy chủ Linux trống để tự cài phần mềm của cơ quan.",
            "An empty Linux server for your own software.",
        ),
        (SIZE, NAME, VOLUME, KEY),
        slo=0.99,
    ),
    Item(
        "database-server",
        Words("Máy chủ cơ sở dữ liệu", "Database server"),
        Words(
            "PostgreSQL đã cài sẵn, có sao lưu hằng ngày.", "PostgreSQL ready for use, with a daily backup."
        ),
        (
            SIZE,
            NAME,
            Parameter(
                "disk",
                Kind.INTEGER,
                Words("Dung lượng dữ liệu", "Room for data"),
                default="50",
                minimum=10,
                maximum=500,
                unit=Words("GiB", "GiB"),
            ),
            Parameter(
                "public",
                Kind.SWITCH,
                Words("Cần địa chỉ công cộng", "Needs a public address"),
                required=False,
                default="false",
            ),
        ),
        slo=0.995,
        security_level=3,
    ),
    Item(
        "private-network",
        Words("Mạng riêng", "Private network"),
        Words("Mạng nối các máy chủ của cơ quan với nhau.", "A network that joins your agency's servers."),
        (NAME,),
        kind="network",
        max_count=1,
        days=0,
    ),
)
LIMITS = {"instances": 10, "cores": 16, "ram_mib": 32768, "gigabytes": 500, "floating_ips": 3}
TITLE = Words("Máy chủ ảo", "Plain server")
MAY = frozenset({
    "stop", "reboot", "renew", "retire", "open", "close", "snapshot", "delete_snapshot", "revert", "rebuild",
    "transfer", "console", "remote_console", "change",
})  # fmt: skip
CONSOLE = "https://console.test:6080"
PRINTED = "[    0.000000] Linux version 6.1.0\n<b>web-01</b> login: "
UPKEEP = Upkeep(
    (
        Opening("web:everybody", Words("Web – từ mọi người", "Web from everybody"), given=True),
        Opening("postgresql:agency", Words("PostgreSQL – từ cơ quan tôi", "PostgreSQL from my agency")),
    ),
    (
        Snapshot(
            "s2", "Để thử", "failed", "Nguyễn Thị Hoa", NOW - timedelta(minutes=9),
            note=Words("Đám mây không chụp được", "The cloud could not make it"),
        ),
        Snapshot("s1", "Để dành", "ready", "Nguyễn Thị Hoa", NOW - timedelta(days=3), 1_850_000_000),
    ),
    3,
    Rebuild(
        Words("bản chụp Để dành", "the snapshot Để dành"), "done", NOW - timedelta(hours=4),
        tuple(
            Phase(label, "done", NOW - timedelta(hours=4), NOW - timedelta(hours=4, minutes=-3))
            for label in (
                Words("Làm mới ổ hệ thống", "The system disk is made new"),
                Words("Cài đặt phần mềm trong máy chủ", "Software is set up in the server"),
            )
        ),
    ),
    (Colleague("u-nam", "Trần Văn Nam"),),
)  # fmt: skip
"""Some of everything, and nothing of it still under way."""


@dataclass
class MemoryServices(MemorySigning):
    """`now` is moved by tests. Everything is guarded by one lock."""

    now: datetime = NOW
    people: dict[str, Person] = field(default_factory=lambda: dict(PEOPLE))
    agency_names: dict[str, Words] = field(default_factory=lambda: dict(AGENCIES))
    log: list[AuditEntry] = field(default_factory=list)
    keys: dict[tuple[str, str], tuple[object, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(12))
    lock: threading.RLock = field(default_factory=threading.RLock)
    monitored: bool = True

    def agency_name(self, code: str) -> Words:
        return AGENCIES[code]

    def agencies(self, person: Person) -> tuple[str, ...]:
        return tuple(code for code in AGENCIES if person.sees(code))

    def home(self, person: Person) -> Home:
        open_ = [
            one for one in self._seen(person) if one.summary.state in ("submitted", "returned", "approved")
        ]
        waiting = len(self.to_decide(person).items)
        looking = sum(self.may_review(person, one) for one in self.found.values())
        mine = self.deployments(person).items
        soon = tuple(
            one for one in mine if one.expires and one.expires < self.now.date() + timedelta(days=30)
        )
        signs_for = tuple(one.display_name for one in self.signs_for(person))
        quota = self._quota(person.agency, ())
        unread = len(self.notices(person, unread=True).items)
        return Home(len(open_), waiting, len(mine), soon, quota, looking, signs_for, unread)

    def catalog(self, person: Person) -> tuple[Item, ...]:
        return ITEMS

    def latest_key(self, person: Person) -> str:
        mine = [one for one in self._seen(person) if self.by[one.summary.id] == person.id]
        keys = [line.values.get("key", "") for one in mine for line in one.draft.items]
        return next((key for key in keys if key), "")

    def preview(self, person: Person, draft: Draft) -> Preview:
        if one := self._changed(draft):
            draft = replace(draft, items=(self._difference(one, draft),))
            problems = (*_problems(draft), *([] if draft.items[0].values else [_NOTHING]))
            return Preview(self._quota(person.agency, draft.items), self._costs(draft), problems, True)
        return Preview(self._quota(person.agency, draft.items), self._costs(draft), tuple(_problems(draft)))

    def submit(self, person: Person, draft: Draft, key: str) -> str:
        with self.lock:
            if (told := self._again(person, key, draft)) is not None:
                return told
            if not person.roles & {Role.MEMBER, Role.OPERATOR}:
                raise NotAllowed("only members ask")
            if problems := list(_problems(draft)):
                raise InputRefused(problems)
            if any(one.left < 0 for one in self._quota(person.agency, draft.items)):
                raise Conflict(
                    Words("Hạn mức của cơ quan không đủ.", "Your agency's quota does not suffice.")
                )
            number = next(self.numbers)
            made = self._made(f"r{number}", number, person, draft)
            self.found[made.summary.id], self.by[made.summary.id] = made, person.id
            self.keys[person.id, key] = (draft, made.summary.id)
            self.record(person, "request.submit", made.summary.number, TITLE, "")
            return made.summary.id

    def change(self, person: Person, request: str, draft: Draft, version: int, key: str) -> None:
        with self.lock:
            if self._again(person, key, (request, draft)) is not None:
                return
            found = self._owned(person, request, "change", version)
            if problems := list(_problems(draft)):
                raise InputRefused(problems)
            fresh = self._made(request, int(found.summary.number[-6:]), person, draft)
            self._put(replace(fresh, version=found.version + 1))
            self.keys[person.id, key] = ((request, draft), request)

    def requests(
        self,
        person: Person,
        *,
        state: str = "",
        agency: str = "",
        mine: bool = False,
        after: str = "",
        limit: int = 50,
    ) -> Page[RequestSummary]:
        rows = [
            one.summary
            for one in self._seen(person)
            if state in ("", one.summary.state)
            and agency in ("", one.summary.agency)
            and (not mine or self.by[one.summary.id] == person.id)
        ]
        return _page(rows, after, limit)

    def request(self, person: Person, request: str) -> Request:
        found = self.found.get(request)
        if found is None or not person.sees(found.summary.agency):
            raise NotFound(f"request {request}: there is none")
        return replace(found, may=self._may(person, found))

    def withdraw(self, person: Person, request: str, version: int, key: str) -> None:
        self._step(person, request, "withdraw", "withdrawn", version, key)

    def retry(self, person: Person, request: str, version: int, key: str) -> None:
        self._step(person, request, "retry", "approved", version, key)

    def to_decide(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        rows = [one.summary for one in self._seen(person) if "decide" in self._may(person, one)]
        return _page(rows, after, limit)

    def facts(self, person: Person, request: str) -> Facts:
        found = self.request(person, request)
        signs = person.roles & {Role.APPROVER, Role.OPERATOR} or self.signs_for(person)
        if Role.AUDITOR in person.roles or not signs:
            raise NotAllowed("only approvers weigh")
        similar = tuple(one.summary for one in self._seen(person) if one.summary.state == "fulfilled")
        return Facts(
            self._quota(found.summary.agency, found.draft.items),
            Capacity(
                42,
                41,
                17,
                Words("Tính theo cỡ máy lớn nhất trong yêu cầu.", "By the largest size in the request."),
            ),
            self._costs(found.draft),
            (
                PolicyResult(
                    Words("Đặt tên", "Names"), "pass", Words("Tên đúng quy tắc.", "The names keep the rule.")
                ),
                PolicyResult(
                    Words("Căn cứ pháp lý", "Legal basis"),
                    "warn",
                    Words("Chưa có số quyết định.", "No decision is named."),
                ),
            ),
            similar,
            Words(
                "Sẽ được duyệt: dưới 50 % mức đang dùng.", "It would be approved: under 50 % of present use."
            ),
        )

    def decide(self, person: Person, request: str, verdict: str, reason: str, version: int, key: str) -> None:
        with self.lock:
            if self._again(person, key, (request, verdict, reason)) is not None:
                return
            found = self._owned(person, request, "decide", version)
            if verdict != "approve" and not reason:
                raise InputRefused([FieldProblem("reason", Words("Hãy ghi lý do.", "Give a reason."))])
            stage = "city" if Role.OPERATOR in person.roles else "agency"
            made = Decision(person.display_name, stage, verdict, reason, self.now)
            state = {"approve": "approved", "reject": "rejected", "return": "returned"}[verdict]
            summary = replace(found.summary, state=state, waits_for=Words("", ""), due=None)
            steps = _steps(self.now, 1) if state == "approved" else found.steps
            self._put(replace(found, summary=summary, decisions=(*found.decisions, made), steps=steps))
            self.keys[person.id, key] = ((request, verdict, reason), request)
            self.record(person, f"request.{verdict}", found.summary.number, found.summary.title, "")

    def deployments(
        self, person: Person, *, state: str = "", agency: str = "", after: str = "", limit: int = 50
    ) -> Page[DeploymentSummary]:
        rows = [
            one.summary
            for one in self.living.values()
            if person.sees(one.summary.agency)
            and state in ("", one.summary.state)
            and agency in ("", one.summary.agency)
        ]
        return _page(rows, after, limit)

    def deployment(self, person: Person, deployment: str) -> Deployment:
        found = self.living.get(deployment)
        if found is None or not person.sees(found.summary.agency):
            raise NotFound(f"deployment {deployment}: there is none")
        without = {"remote_console"} if found.no_screen != NOTHING else set()
        works = bool(person.roles & {Role.MEMBER, Role.OPERATOR})
        return replace(found, may=MAY - without if works else frozenset())

    def usage(self, person: Person, deployment: str) -> Usage:
        self.deployment(person, deployment)
        return usage_of(self.now) if self.monitored else Usage(UsageState.UNREACHABLE)

    def console(self, person: Person, deployment: str) -> Console:
        found = self.deployment(person, deployment)
        if "console" not in found.may:
            raise NotAllowed("not yours")
        self.record(person, "deployment.console", deployment, Words("Xem màn hình", "Read the console"), "")
        return Console(found.summary.name, PRINTED, self.now)

    def remote_console(self, person: Person, deployment: str) -> RemoteConsole:
        found = self.deployment(person, deployment)
        if found.no_screen != NOTHING:
            raise Conflict(found.no_screen)
        if "remote_console" not in found.may:
            raise NotAllowed("not yours")
        url = f"{CONSOLE}/vnc_lite.html?path=%3Ftoken%3Dsecret"
        return RemoteConsole(url, self.now + timedelta(minutes=2))

    def act(
        self, person: Person, deployment: str, action: str, version: int, key: str,
        values: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        with self.lock:
            if self._again(person, key, (deployment, action)) is not None:
                return
            if action == "open" and (values or {}).get("source") == "everybody":
                raise InputRefused([FieldProblem("values.source", Words("Không mở được.", "Not to them."))])
            found = self.deployment(person, deployment)
            if action not in found.may:
                raise NotAllowed("not this action")
            if version != found.version:
                raise Conflict(Words("Đã thay đổi.", "It has changed."))
            told = Words(f"{action} theo yêu cầu", f"{action} as asked")
            self.living[deployment] = replace(
                found, version=version + 1, events=((self.now, told), *found.events)
            )
            self.keys[person.id, key] = ((deployment, action), deployment)

    def change_deployment(
        self, person: Person, deployment: str, values: Mapping[str, str], version: int, key: str
    ) -> str:
        """This catalog allows nothing at once."""
        if "change" not in self.deployment(person, deployment).may:
            raise NotAllowed("not this change")
        raise Conflict(Words("Thay đổi này cần được duyệt.", "This change has to be approved."))

    def audit(
        self, person: Person, wanted: AuditFilter, *, after: str = "", limit: int = 50
    ) -> Page[AuditEntry]:
        return _page([*reversed(self._records(person, wanted))], after, limit)

    def audit_export(self, person: Person, wanted: AuditFilter) -> Iterator[AuditEntry]:
        return iter(self._records(person, wanted))

    def record(self, person: Person | None, action: str, about: str, told: Words, address: str) -> None:
        with self.lock:
            who, agency = (person.name, person.agency) if person else ("", "")
            digest = f"{len(self.log) + 1:064x}"
            self.log.append(
                AuditEntry(len(self.log) + 1, self.now, who, agency, action, about, told, address, digest)
            )

    def status(self) -> PublicStatus:
        return PublicStatus(self.status_of_parts(), self.now)

    def status_of_parts(self) -> tuple[Component, ...]:
        return (
            Component(Words("Máy chủ ảo", "Servers"), "up"),
            Component(Words("Mạng", "Networks"), "up"),
            Component(
                Words("Đĩa", "Volumes"),
                "degraded",
                Words("Tạo đĩa chậm hơn thường lệ.", "New volumes take longer than usual."),
            ),
            Component(Words("Cổng tự phục vụ", "This portal"), "up"),
        )

    # What the model is made of ----------------------------------------------------------------------------

    def _changed(self, draft: Draft) -> Deployment | None:
        return next((self.living.get(line.deployment) for line in draft.items if line.deployment), None)

    def _difference(self, one: Deployment, draft: Draft) -> Line:
        """Its line, with what differs."""
        (line,) = draft.items
        values = {name: told for name, told in line.values.items() if told != one.values.get(name, "")}
        return replace(line, values=values)

    def _records(self, person: Person, wanted: AuditFilter) -> list[AuditEntry]:
        if not person.roles & {Role.APPROVER, Role.OPERATOR, Role.AUDITOR}:
            raise NotAllowed("not for members")
        return [
            one
            for one in self.log
            if person.sees(one.agency)
            and wanted.agency in ("", one.agency)
            and wanted.who in one.who
            and wanted.action in one.action
            and wanted.text in one.told.vi + one.told.en + one.about
        ]

    def _seen(self, person: Person) -> list[Request]:
        rows = [one for one in self.found.values() if person.sees(one.summary.agency)]
        return sorted(rows, key=lambda one: one.summary.number, reverse=True)

    def _again(self, person: Person, key: str, arguments: object) -> str | None:
        kept = self.keys.get((person.id, key))
        if kept is None:
            return None
        if kept[0] != arguments:
            raise Conflict(Words("Khóa đã dùng cho việc khác.", "The key was used for something else."))
        return kept[1]

    def _may(self, person: Person, found: Request) -> frozenset[str]:
        state, own = found.summary.state, self.by[found.summary.id] == person.id
        may = set()
        if own and state in ("submitted", "returned"):
            may |= {"withdraw"} | ({"change"} if state == "returned" else set())
        if state == "failed" and (own or Role.OPERATOR in person.roles):
            may.add("retry")
        if state == "submitted" and self.signs(person, found):
            may.add("decide")
        if self.may_review(person, found):
            may.add("review")
        return frozenset(may)

    def _owned(self, person: Person, request: str, action: str, version: int) -> Request:
        found = self.request(person, request)
        if version != found.version:
            raise Conflict(
                Words(
                    "Yêu cầu đã thay đổi từ khi mở trang.",
                    "The request has changed since you opened the page.",
                )
            )
        if action not in found.may:
            raise NotAllowed(f"no {action} for this person now")
        return found

    def _step(self, person: Person, request: str, action: str, state: str, version: int, key: str) -> None:
        with self.lock:
            if self._again(person, key, (request, action)) is not None:
                return
            found = self._owned(person, request, action, version)
            self._put(
                replace(found, summary=replace(found.summary, state=state, waits_for=Words("", ""), due=None))
            )
            self.keys[person.id, key] = ((request, action), request)

    def _put(self, request: Request) -> None:
        self.found[request.summary.id] = replace(request, version=request.version + 1)

    def advance(self, request: str, done: int) -> None:
        """The request has come so many steps far."""
        with self.lock:
            found = self.found[request]
            self._put(replace(found, steps=_steps(self.now, done)))

    def _made(self, id: str, number: int, person: Person, draft: Draft) -> Request:
        names = {item.name: item.label for item in ITEMS}
        items = tuple(
            RequestedItem(
                one.item,
                names[one.item],
                one.count,
                tuple(
                    (next(p.label for p in _item(one.item).parameters if p.name == name), Words(value, value))
                    for name, value in one.values.items()
                ),
            )
            for one in draft.items
        )
        summary = RequestSummary(
            id,
            f"YC-2026-{number:06}",
            person.agency,
            AGENCIES[person.agency],
            person.display_name,
            "submitted",
            names[draft.items[0].item],
            draft.purpose,
            self.now,
            draft.emergency,
            Words("người phê duyệt của cơ quan", "the agency's approver"),
            self.now + timedelta(days=1),
        )
        return Request(
            summary, items, draft.end, draft.legal_basis, (), _steps(self.now, 0), draft, frozenset(), 1
        )

    def _quota(self, agency: str, lines: tuple[object, ...]) -> tuple[QuotaLine, ...]:
        takes = dict.fromkeys(LIMITS, 0)
        for line in lines:
            cores, ram, disk, _ = SIZES.get(line.values.get("size", ""), (0, 0, 0, 0))  # type: ignore[attr-defined]
            count = line.count if cores else 0  # type: ignore[attr-defined]
            for name, one in (("instances", 1), ("cores", cores), ("ram_mib", ram), ("gigabytes", disk)):
                takes[name] += one * count
        used = {"instances": 3, "cores": 6, "ram_mib": 12288, "gigabytes": 140, "floating_ips": 1}
        return tuple(QuotaLine(name, LIMITS[name], used[name], 0, takes[name]) for name in LIMITS)

    def _costs(self, draft: Draft) -> tuple[Cost, ...]:
        return tuple(
            Cost(_item(one.item).label, SIZES[one.values["size"]][3] * one.count)
            for one in draft.items
            if one.values.get("size") in SIZES
        )


def a_city() -> MemoryServices:
    """With requests and deployments of two agencies in several states."""
    city = MemoryServices()
    for person, place in (("u-hoa", "hongbang"), ("u-mai", "lechan")):
        who = PEOPLE[person]
        city.submit(who, a_draft(), f"first-{place}")
        done = city.submit(who, a_draft(purpose="Cổng thông tin của quận"), f"second-{place}")
        request = city.found[done]
        city.found[done] = replace(
            request,
            summary=replace(request.summary, state="fulfilled", waits_for=Words("", ""), due=None),
            steps=_steps(city.now, 5),
            deployments=(f"d-{place}",),
        )
        city.living[f"d-{place}"] = Deployment(
            DeploymentSummary(
                f"d-{place}",
                "web-01",
                place,
                AGENCIES[place],
                TITLE,
                "active",
                city.now - timedelta(days=340),
                date(2026, 12, 20),
                "172.24.4.31",
            ),
            who.display_name,
            done,
            "ubuntu",
            ((Words("Từ máy của anh chị", "From your computer"), "ssh ubuntu@172.24.4.31"),),
            ((city.now - timedelta(days=340), Words("Máy chủ đã sẵn sàng.", "The server is ready.")),),
            frozenset(),
            1,
            upkeep=UPKEEP,
            item="plain-server",
            values={"size": "nho", "name": "web-01"},
            stands=((SIZE.label, SIZE.choices[0].label), (NAME.label, Words("web-01", "web-01"))),
            changes=(SIZE, VOLUME),
        )
    _trouble(city)
    return city


def _trouble(city: MemoryServices) -> None:
    """An emergency that one signature approved, a request that failed, and an approver's leave."""
    hoa, binh, mai = PEOPLE["u-hoa"], PEOPLE["u-binh"], PEOPLE["u-mai"]
    urgent = replace(a_draft("Máy thay thế sau sự cố ở phòng máy của quận"), emergency=True)
    id = city.submit(hoa, urgent, "third-hongbang")
    city.decide(binh, id, "approve", "", city.found[id].version, "third-decided")
    lost = city.submit(mai, a_draft("Thử ứng dụng mới của phòng"), "third-lechan")
    summary = replace(city.found[lost].summary, state="failed", waits_for=Words("", ""), due=None)
    city.found[lost] = replace(city.found[lost], summary=summary, failure=FAILURE, steps=_steps(city.now, 2))
    week = city.now.date()
    city.delegate(binh, NewDelegation("u-hoa", "agency", week, week + timedelta(days=6)), "")
    city.delegate(
        binh, NewDelegation("u-hoa", "agency", week + timedelta(days=30), week + timedelta(days=36)), ""
    )
    city.revoke_delegation(binh, "g1", "")
    city.told["u-hoa"] = [
        Notice(
            "n2",
            "approved",
            Words("Đã được duyệt: YC-2026-000016", "Approved: YC-2026-000016"),
            Words(
                "Yêu cầu YC-2026-000016 đã được duyệt và đang được thực hiện.",
                "Request YC-2026-000016 is approved and being carried out.",
            ),
            "/requests/r16",
            city.now,
            False,
            False,
        ),
        Notice(
            "n1",
            "ending",
            Words("Sắp hết hạn: web-01", "Ends soon: web-01"),
            Words("web-01 còn 23 ngày là hết hạn.", "web-01 ends in 23 days."),
            "/deployments/d-hongbang",
            city.now - timedelta(days=1),
            True,
            False,
        ),
    ]
    city.told["u-dung"] = [
        Notice(
            "n3",
            "emergency",
            Words("KHẨN CẤP, cần duyệt ngay: YC-2026-000016", "EMERGENCY, decide now: YC-2026-000016"),
            Words("Yêu cầu khẩn cấp YC-2026-000016 chờ duyệt.", "The emergency YC-2026-000016 waits."),
            "/approvals/r16",
            city.now,
            False,
            True,
        )
    ]


def a_draft(purpose: str = "Trang tiếp nhận hồ sơ trực tuyến của quận, thay máy chủ cũ.") -> Draft:
    return Draft(
        (Line("plain-server", {"size": "nho", "name": "web-02"}),), purpose, date(2027, 6, 30), "123/QĐ-UBND"
    )


def _item(name: str) -> Item:
    return next(item for item in ITEMS if item.name == name)


def _problems(draft: Draft) -> Iterator[FieldProblem]:
    import re

    for at, line in enumerate(draft.items):
        item = next((one for one in ITEMS if one.name == line.item), None)
        if item is None:
            yield FieldProblem(
                f"items[{at}].item", Words("Không có trong danh mục.", "It is not in the catalog.")
            )
            continue
        for one in item.parameters:
            value, path = line.values.get(one.name, ""), f"items[{at}].values.{one.name}"
            if one.required and not value and not line.deployment:
                yield FieldProblem(
                    path, Words(f"Hãy nhập: {one.label.vi}.", f"Please enter: {one.label.en}.")
                )
            elif value and one.pattern and not re.fullmatch(one.pattern, value):
                yield FieldProblem(path, Words(f"Chưa đúng: {one.help.vi}", f"Not right yet: {one.help.en}"))
            for other, barred in one.unless.items():
                if value and line.values.get(other) in barred:
                    yield FieldProblem(
                        path, Words("Cỡ nhỏ không có ổ thêm.", "The small size has no additional volume.")
                    )
    if len(draft.purpose) < 10:
        yield FieldProblem(
            "purpose",
            Words("Hãy ghi mục đích, ít nhất 10 ký tự.", "Say what it is for, in 10 characters or more."),
        )


_NOTHING = FieldProblem("items", Words("Chưa có gì khác.", "Nothing differs."))


def _steps(now: datetime, done: int) -> tuple[Step, ...]:
    names = (
        ("approve", "Phê duyệt", "Approval"),
        ("make", "Tạo máy chủ", "Making the server"),
        ("configure", "Cài đặt bên trong", "Setting it up"),
        ("probe", "Kiểm tra", "Testing it"),
        ("active", "Sẵn sàng", "Ready"),
    )
    at = [now + timedelta(seconds=40 * place) for place in range(len(names) + 1)]
    return tuple(
        Step(name, Words(vi, en), StepState.DONE, at[place], at[place + 1])
        if place < done
        else Step(name, Words(vi, en), StepState.RUNNING, at[place] if done else None)
        if place == done
        else Step(name, Words(vi, en), StepState.WAITING)
        for place, (name, vi, en) in enumerate(names)
    )


def _page(rows: list[T], after: str, limit: int) -> Page[T]:
    start = int(after) if after.isdigit() else 0
    more = start + limit < len(rows)
    return Page(tuple(rows[start : start + limit]), str(start + limit) if more else "")


@dataclass
class MemorySessions:
    sessions: dict[str, Session] = field(default_factory=dict)
    kept: dict[str, Token] = field(default_factory=dict)

    def add_session(self, session: Session) -> None:
        self.sessions[session.digest] = session

    def renew_session(self, session: Session) -> None:
        if session.digest in self.sessions:
            self.sessions[session.digest] = session

    def session(self, digest: str) -> Session | None:
        return self.sessions.get(digest)

    def drop_session(self, digest: str) -> None:
        self.sessions.pop(digest, None)

    def drop_sessions(self, person: str) -> int:
        theirs = [digest for digest, one in self.sessions.items() if one.person.id == person]
        for digest in theirs:
            del self.sessions[digest]
        return len(theirs)

    def add_token(self, token: Token) -> None:
        self.kept[token.digest] = token

    def renew_token(self, token: Token) -> None:
        if token.digest in self.kept:
            self.kept[token.digest] = token

    def token(self, digest: str) -> Token | None:
        return self.kept.get(digest)

    def tokens(self, person: str) -> tuple[Token, ...]:
        return tuple(one for one in self.kept.values() if one.person.id == person)

    def drop_token(self, person: str, token: str) -> bool:
        theirs = [digest for digest, one in self.kept.items() if one.person.id == person and one.id == token]
        for digest in theirs:
            del self.kept[digest]
        return bool(theirs)


@dataclass
class MemoryDirectory:
    """`people` by id; each has the one password."""

    people: dict[str, Person] = field(default_factory=lambda: dict(PEOPLE))
    down: bool = False

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        self._answering()
        for person in self.people.values():
            if (person.agency, person.name, PASSWORD) == (agency, name, password):
                return person
        raise SignInRefused("wrong")

    def look_up(self, person: str) -> Person | None:
        self._answering()
        return self.people.get(person)

    def _answering(self) -> None:
        if self.down:
            raise DirectoryUnreachable("down")
