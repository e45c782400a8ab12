"""For whom a person may sign now: delegations in force whose givers still have the role that they lend."""

from __future__ import annotations

from collections.abc import Sequence

from infra.domain.approval import Delegation, upheld
from infra.domain.person import Person
from infra.domain.words import Words
from infra.portal.identity import DirectoryUnreachable
from infra.portal.interface import Conflict
from infra.portal.service.ground import Ground
from infra.portal.session import KEYSTONE
from infra.store import delegation as delegations
from infra.store import person as people
from infra.store.portal_database import Connection


def confirm(ground: Ground, person: Person) -> None:
    """Before a decision, ask the directory again for those in whose place the person may sign: who is on
    leave does not sign in, so nothing else would tell of a role that was taken away. What it says is kept.
    Outside of any transaction. Raises Conflict while the directory does not answer. People of an OpenID
    provider cannot be asked for: what it said when they signed in last counts.
    """
    look_up = ground.site.look_up
    if look_up is None:
        return
    now = ground.clock()
    with ground.reading() as connection:
        givers = {one.giver for one in delegations.to(connection, person.id, now)}
        known = [people.find(connection, id_) for id_ in sorted(givers)]
    for one in known:
        if one is None or one.source != KEYSTONE:
            continue
        try:
            found = look_up(one.person.id)
        except DirectoryUnreachable as away:
            raise Conflict(_NOT_KNOWN) from away
        with ground.database.touching() as connection:
            if found is None:
                people.forget_roles(connection, one.person.id)
            elif found != one.person:
                people.remember(connection, found, one.source, one.seen)


def standing(ground: Ground, connection: Connection, person: Person) -> tuple[Delegation, ...]:
    """Delegations to the person that count now, by what is known of their givers."""
    given = delegations.to(connection, person.id, ground.clock())
    return of_known(connection, given) if given else ()


def of_known(connection: Connection, given: Sequence[Delegation]) -> tuple[Delegation, ...]:
    """Those of `given` whose givers still have what they lend."""
    known = {id_: people.find(connection, id_) for id_ in sorted({one.giver for one in given})}
    return upheld(given, {id_: one.person for id_, one in known.items() if one is not None})


_NOT_KNOWN = Words(
    "Hiện không tra được người ủy quyền còn vai trò duyệt hay không; hãy thử lại sau ít phút.",
    "It cannot be looked up now whether who delegated to you still has the role; try again in a few minutes.",
)
