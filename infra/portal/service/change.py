"""Changing at once what the catalog lets be changed without a signature.

It is a request all the same, which is approved as it is handed in: the same worker carries it out, tells how
far it is, and takes it back where it cannot be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from infra.domain.person import Person
from infra.domain.request import RequestState
from infra.domain.words import Words
from infra.portal.interface import Conflict, Draft, Line, NotFound
from infra.portal.service.draft import without_signature
from infra.portal.service.ground import Ground
from infra.portal.service.request import RequestService
from infra.store import deployment as deployments
from infra.store.portal_database import Transaction

PURPOSE = "Thay đổi mà danh mục cho phép làm ngay, không cần duyệt."


class ChangeService:
    def __init__(self, ground: Ground, asking: RequestService) -> None:
        self._ground = ground
        self._asking = asking

    def change(
        self, person: Person, deployment: str, values: Mapping[str, str], version: int, key: str
    ) -> str:
        def effect(tx: Transaction) -> str:
            one = deployments.find(tx.connection, deployment)
            if one is None or not person.sees(one.agency):
                raise NotFound("there is no such deployment, or it belongs to another agency")
            draft = Draft((Line(one.item, values, 1, deployment, version),), PURPOSE)
            checked = self._asking.checked(tx.connection, person, draft)
            wrong = any(problem.field.startswith("items") for problem in checked.problems)
            if not checked.allowed and not wrong:
                raise Conflict(_REQUESTED)
            checked = self._asking.flawless(tx.connection, person, draft)
            items = tuple(without_signature(item) for item in checked.items)
            made = self._asking.kept(tx, person, draft, replace(checked, items=items), RequestState.APPROVED)
            told = Words("Thay đổi được phép, không cần duyệt", "Change that needs no signature")
            self._asking.audit(tx, person, made, "request.allow", told)
            return made.id

        asked = ["change_deployment", deployment, version, dict(values)]
        return self._ground.once(person, key, asked, effect)


_REQUESTED = Words(
    "Thay đổi này cần được duyệt; hãy gửi yêu cầu thay đổi ở trang của tài nguyên.",
    "This change has to be approved; hand in a request for it, as the deployment's page does.",
)
