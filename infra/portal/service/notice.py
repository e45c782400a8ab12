"""A person's own notices: reading them, and in which language they come by mail."""

from __future__ import annotations

from collections.abc import Sequence

from infra.domain import notice as domain
from infra.domain.person import Person
from infra.portal.interface import NotFound, Page
from infra.portal.notice import Notice
from infra.portal.service.ground import Ground
from infra.store import notice as notices
from infra.store import person as people

LONGEST_LIST = 200


class NoticeService:
    """Nothing here is audited: what a notice tells of has its record."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def notices(
        self, person: Person, *, unread: bool = False, after: str = "", limit: int = 50
    ) -> Page[Notice]:  # fmt: skip
        size = max(1, min(limit, LONGEST_LIST))
        with self._ground.reading() as connection:
            found = notices.listed(connection, person.id, unread=unread, limit=size + 1, before=after)
        return Page(
            tuple(_shown(one) for one in found[:size]), found[size - 1].cursor if len(found) > size else ""
        )

    def read(self, person: Person, ids: Sequence[str] | None) -> None:
        """Those of these ids that are the person's own; all with None. Again it changes nothing."""
        with self._ground.database.touching() as connection:
            notices.mark_read(connection, person.id, ids, self._ground.clock())

    def opened(self, person: Person, id_: str) -> str:
        """Mark one as read; the path of the page to act on it. Raises NotFound."""
        with self._ground.database.touching() as connection:
            found = notices.find(connection, person.id, id_)
            if found is None:
                raise NotFound("there is no such notice of yours")
            notices.mark_read(connection, person.id, [id_], self._ground.clock())
        return found.place

    def choose_language(self, person: Person, language: str) -> None:
        """For mails, as the person chose it for pages."""
        with self._ground.database.touching() as connection:
            people.set_language(connection, person.id, language)


def _shown(one: domain.Notice) -> Notice:
    return Notice(
        one.id, one.kind, one.subject, one.told, one.place, one.created, one.read is not None, one.kind.loud
    )
