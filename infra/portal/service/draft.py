"""A draft: what a person entered, checked against the catalog, priced and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from infra.domain.agency import Agency
from infra.domain.approval import DOUBLE_FROM_LEVEL
from infra.domain.catalog import Catalog, CatalogItem
from infra.domain.change import NOTHING_CHANGED, Change, CheckedChange, Flavors, check_change
from infra.domain.deployment import Deployment
from infra.domain.parameter import check_values
from infra.domain.person import Person, Role
from infra.domain.quota import NO_QUOTA, Quota
from infra.domain.request import RequestItem
from infra.domain.words import Words
from infra.portal.interface import Draft, FieldProblem, Line
from infra.portal.service.ground import Refused

MOST_LINES, MOST_UNITS = 10, 20
SHORTEST_PURPOSE, LONGEST_PURPOSE, LONGEST_BASIS = 10, 2000, 200
BASIS_FROM_LEVEL = 3
"""From this level on the dossier's number has to be named (Decree 85/2016/ND-CP)."""


@dataclass(frozen=True)
class CheckedDraft:
    """`end` has the items' usual one filled in. `items` is complete only where there are no problems;
    `takes` counts what is known of items that still have some. Of a change `difference` is what is taken more
    or less; `allowed` says that the catalog lets it be without a signature.
    """

    agency: str
    items: tuple[RequestItem, ...]
    end: date | None
    security_level: int
    takes: Quota
    problems: tuple[FieldProblem, ...]
    difference: Quota = NO_QUOTA
    allowed: bool = False


@dataclass(frozen=True)
class Changing:
    """The deployment that a draft changes (None where the person sees no such one), what it takes of the
    quota, and the sizes that there are.
    """

    deployment: Deployment | None
    took: Quota = NO_QUOTA
    flavors: Flavors = field(default_factory=dict)


def agency_of(person: Person, draft: Draft, known: Sequence[str]) -> str:
    """Whose request it is; raises Refused for who may not ask, or not for that agency."""
    wanted = draft.agency or person.agency
    if Role.OPERATOR in person.roles and wanted in known:
        return wanted
    if wanted != person.agency or wanted not in known:
        raise Refused(_NOT_FOR_OTHERS)
    if Role.MEMBER not in person.roles:
        raise Refused(_NO_MEMBER)
    return wanted


def check(draft: Draft, agency: Agency, catalog: Catalog, today: date) -> CheckedDraft:
    known = {item.name: item for item in catalog.requestable}
    items, problems, takes = [], [], NO_QUOTA
    for index, line in enumerate(draft.items[:MOST_LINES]):
        item, counted, wrong = _line(line, known, f"items[{index}]")
        takes += counted
        problems += wrong
        items += [item] if item is not None else []
    asked = [known[line.item] for line in draft.items[:MOST_LINES] if line.item in known]
    level = max([agency.security_level, *(item.security_level for item in asked)])
    days = min((item.days for item in asked if item.days), default=0)
    end = draft.end or (today + timedelta(days=days) if days else None)
    problems += [*_size(draft), *_texts(draft, level), *_end(end, today, days)]
    return CheckedDraft(agency.code, tuple(items), end, level, takes, tuple(problems), takes)


def changed_of(draft: Draft) -> str | None:
    """The id of the deployment that a draft changes; None where it asks for something new."""
    return next((line.deployment for line in draft.items if line.deployment), None)


def check_changing(draft: Draft, agency: Agency, catalog: Catalog, changing: Changing) -> CheckedDraft:
    """As `check`, of a draft with a line that names a deployment: it has no other, and no end of its own."""
    one, line = changing.deployment, draft.items[0]
    item = next((item for item in catalog.requestable if one is not None and item.name == one.item), None)
    level = max(agency.security_level, item.security_level if item is not None else 1)
    problems = _texts(draft, level)
    if len(draft.items) > 1 or line.count != 1:
        problems.append(FieldProblem("items", _ALONE))
    if draft.end is not None:
        problems.append(FieldProblem("end", _NO_END))
    if one is None or item is None or line.item != one.item:
        field_ = "items[0].deployment" if one is None else "items[0].item"
        problems.append(FieldProblem(field_, _NO_DEPLOYMENT if one is None else _NO_ITEM))
        return CheckedDraft(agency.code, (), None, level, NO_QUOTA, tuple(problems))
    checked = check_change(item.parameters, one.values, line.values, changing.flavors)
    problems += [FieldProblem(f"items[0].values.{name}", told) for name, told in checked.problems]
    if not checked.changed and not checked.problems:
        problems.append(FieldProblem("items", NOTHING_CHANGED))
    more = NO_QUOTA if checked.problems else item.takes + checked.takes - changing.took
    made = () if problems else (_changed(one, checked, more.growth, changing.took + more, changing.took),)
    return CheckedDraft(
        agency.code, made, None, level, more.growth, tuple(problems), more,
        checked.allowed and level < DOUBLE_FROM_LEVEL,
    )  # fmt: skip


def _changed(one: Deployment, checked: CheckedChange, unit: Quota, takes: Quota, took: Quota) -> RequestItem:
    change = Change(one.id, one.name, dict(one.values), took, takes, checked.stays)
    return RequestItem(one.item, one.blueprint, 1, checked.values, unit, change)


def without_signature(item: RequestItem) -> RequestItem:
    """The same change, which the catalog lets be at once."""
    assert item.change is not None
    return replace(item, change=replace(item.change, allowed=True))


def _line(
    line: Line, known: dict[str, CatalogItem], place: str
) -> tuple[RequestItem | None, Quota, list[FieldProblem]]:
    item = known.get(line.item)
    if item is None:
        return None, NO_QUOTA, [FieldProblem(f"{place}.item", _NO_ITEM)]
    checked = check_values(item.parameters, line.values)
    problems = [FieldProblem(f"{place}.values.{name}", told) for name, told in checked.problems]
    if not 1 <= line.count <= item.max_count:
        most = item.max_count
        problems.append(
            FieldProblem(f"{place}.count", Words(f"Từ 1 đến {most}.", f"Between 1 and {most}."))
        )  # fmt: skip
    unit = item.takes + checked.takes
    if problems:
        return None, unit * max(0, min(line.count, item.max_count)), problems
    made = RequestItem(item.name, item.blueprint, line.count, checked.values, unit)
    return made, made.takes, []


def _size(draft: Draft) -> list[FieldProblem]:
    if not draft.items:
        return [FieldProblem("items", Words("Hãy chọn ít nhất một mục.", "Choose one item at least."))]
    if len(draft.items) > MOST_LINES or sum(line.count for line in draft.items) > MOST_UNITS:
        return [
            FieldProblem(
                "items",
                Words(
                    f"Một yêu cầu có nhiều nhất {MOST_LINES} dòng và {MOST_UNITS} đơn vị; hãy chia nhỏ.",
                    f"A request holds {MOST_LINES} lines and {MOST_UNITS} things at most; split it.",
                ),
            )
        ]
    return []


def _texts(draft: Draft, level: int) -> list[FieldProblem]:
    problems = []
    purpose = draft.purpose.strip()
    if not SHORTEST_PURPOSE <= len(purpose) <= LONGEST_PURPOSE or not _is_plain(purpose):
        problems.append(FieldProblem("purpose", _PURPOSE))
    basis = draft.legal_basis.strip()
    if len(basis) > LONGEST_BASIS or not basis.isprintable():
        problems.append(FieldProblem("legal_basis", _BASIS_LONG))
    if not basis and level >= BASIS_FROM_LEVEL:
        problems.append(FieldProblem("legal_basis", _BASIS_NEEDED))
    if not basis and draft.emergency:
        problems.append(FieldProblem("legal_basis", _BASIS_EMERGENCY))
    return problems


def _end(end: date | None, today: date, days: int) -> list[FieldProblem]:
    if end is not None and end <= today:
        return [FieldProblem("end", Words("Phải sau hôm nay.", "It has to be after today."))]
    if end is not None and days and end > today + timedelta(days=days):
        return [
            FieldProblem(
                "end",
                Words(
                    f"Nhiều nhất {days} ngày kể từ hôm nay; sau đó có thể gia hạn.",
                    f"{days} days from today at most; it can be renewed then.",
                ),
            )
        ]
    return []


def _is_plain(text: str) -> bool:
    return all(one.isprintable() or one in "\n\r\t" for one in text)


_NOT_FOR_OTHERS = Words(
    "Anh/chị chỉ được yêu cầu cho cơ quan của mình.", "You may ask for your own agency only."
)
_NO_MEMBER = Words(
    "Cần vai trò thành viên (member) của cơ quan để gửi yêu cầu.",
    "Only members of an agency may ask for something.",
)
_NO_ITEM = Words("Danh mục không có mục này.", "The catalog has no such item.")
_ALONE = Words(
    "Mỗi yêu cầu thay đổi chỉ gồm một tài nguyên đang dùng, không kèm mục nào khác.",
    "A change is a request of its own: one deployment, and nothing beside it.",
)
_NO_END = Words(
    "Thay đổi không có ngày kết thúc; tài nguyên giữ nguyên hạn của nó, gia hạn ở trang của nó.",
    "A change has no end; the deployment keeps its own, which its page renews.",
)
_NO_DEPLOYMENT = Words(
    "Không có tài nguyên này, hoặc nó thuộc cơ quan khác.",
    "There is no such deployment, or it belongs to another agency.",
)
_PURPOSE = Words(
    f"Hãy ghi mục đích sử dụng, từ {SHORTEST_PURPOSE} đến {LONGEST_PURPOSE} ký tự.",
    f"Say what it is for, in {SHORTEST_PURPOSE} to {LONGEST_PURPOSE} characters.",
)
_BASIS_LONG = Words(
    f"Một dòng, nhiều nhất {LONGEST_BASIS} ký tự.", f"One line of {LONGEST_BASIS} characters at most."
)
_BASIS_NEEDED = Words(
    "Hệ thống từ cấp độ 3 phải có số hồ sơ hoặc quyết định phê duyệt cấp độ.",
    "From security level 3 on, name the dossier or decision that classified the system.",
)
_BASIS_EMERGENCY = Words(
    "Yêu cầu khẩn cấp phải có căn cứ (số văn bản chỉ đạo); nó sẽ được rà soát sau.",
    "An emergency needs its basis, such as the order's number; it is reviewed afterwards.",
)
