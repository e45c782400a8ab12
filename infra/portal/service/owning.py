"""Who may do something with a deployment, and what a change that is under way forbids meanwhile."""

from __future__ import annotations

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.person import Person, Role
from infra.domain.words import Words
from infra.store import change as changes
from infra.store import rebuild as rebuilds
from infra.store.portal_database import Connection


def owns(person: Person, one: Deployment) -> bool:
    """Members act on what they own; the agency's approvers and operators on what is in their sight. An
    auditor changes nothing, whatever other roles they have.
    """
    if Role.AUDITOR in person.roles:
        return False
    own = person.id == one.owner and person.agency == one.agency and Role.MEMBER in person.roles
    signs = Role.APPROVER in person.roles and person.agency == one.agency
    return own or signs or Role.OPERATOR in person.roles


def may_ask(person: Person, one: Deployment) -> bool:
    """Who may ask for a change: of the owners those who may ask for something at all."""
    member = Role.MEMBER in person.roles and person.agency == one.agency
    return owns(person, one) and (member or Role.OPERATOR in person.roles)


def barred(connection: Connection, one: Deployment) -> Words | None:
    """Why nobody can ask for a change of it now; None where one can."""
    if one.state != DeploymentState.ACTIVE or one.power != "on":
        return _NOT_RUNNING
    if rebuilds.is_wanted(connection, one.id):
        return _REBUILDING
    return CHANGING if changes.running(connection, one.id) is not None else None


NOT_YOURS = Words(
    "Chỉ chủ sở hữu, người duyệt của cơ quan hoặc tổ vận hành được làm việc này.",
    "Only the owner, the agency's approver and the city's cloud team may do this.",
)
CHANGING = Words(
    "Đang có một yêu cầu thay đổi cho tài nguyên này; hãy đợi xong, hoặc rút yêu cầu đó.",
    "A request changes this deployment already; wait until it is done, or withdraw it.",
)
_REBUILDING = Words(
    "Ổ hệ thống đang được làm mới; hãy đợi xong.", "Its system disk is being made new; wait until it is done."
)
_NOT_RUNNING = Words(
    "Chỉ thay đổi được khi đang chạy; hãy bật lại trước.", "It can be changed while it runs; start it first."
)
