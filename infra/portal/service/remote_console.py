"""A server's screen and keyboard in the browser: why there is none now, and where it is.

Asking for it is audited before the cloud is asked. The URL lets in whoever has it, so it is in no record, no
log and no table: it is handed on once, and another one is asked for the next time.
"""

from __future__ import annotations

from datetime import timedelta

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.flavor import CONTAINER
from infra.domain.person import Person
from infra.domain.words import Words
from infra.errors import InfraError
from infra.portal.interface import CloudAway, Conflict
from infra.portal.service.ground import Ground
from infra.portal.service.shown import security_level
from infra.portal.upkeep import RemoteConsole
from infra.store.portal_database import Transaction


def is_container(ground: Ground, one: Deployment) -> bool:
    """What has no screen, and of whose disk Nova makes no image."""
    flavor = ground.site.flavors.get(one.values.get("size", ""))
    return flavor is not None and flavor.hypervisor_type == CONTAINER


def missing(ground: Ground, one: Deployment) -> Words | None:
    """Why nobody gets to its screen now; None where its people do."""
    if one.state != DeploymentState.ACTIVE or not one.has_server:
        return _NOT_ACTIVE
    if ground.site.remote_consoles is None:
        return _NOT_OFFERED
    if is_container(ground, one):
        return _CONTAINER
    if security_level(ground, one) > ground.site.policies.remote_console_to_level:
        return _LEVEL
    return None if one.power == "on" else _STOPPED


def audit(ground: Ground, tx: Transaction, person: Person, one: Deployment) -> None:
    told = Words(f"Mở màn hình của {one.name}", f"Opened the screen of {one.name}")
    facts = {"state": one.state, "version": one.version}
    ground.audit(
        tx, person, one.agency, action="deployment.remote_console", about=one.id, told=told, facts=facts
    )


def opened(ground: Ground, one: Deployment) -> RemoteConsole:
    """Raises Conflict where the cloud gives none, CloudAway. Its end is counted from before the cloud is
    asked: the URL is never good for less than is told.
    """
    offered = ground.site.remote_consoles
    if offered is None:
        raise Conflict(_NOT_OFFERED)
    until = ground.clock() + timedelta(seconds=offered.seconds)
    try:
        return RemoteConsole(offered.open(one.outputs["server_id"]), until)
    except InfraError as error:
        if error.code in ("refused", "conflict", "not_found"):
            raise Conflict(_NONE if error.code == "refused" else _NOT_RUNNING) from error
        raise CloudAway(str(error)) from error


_NOT_ACTIVE = Words(
    "Chỉ mở được màn hình của máy đang hoạt động.", "Only a server that is in use has a screen to open."
)
_NOT_OFFERED = Words(
    "Cổng này không nối với màn hình của máy nào.", "This portal is joined to the screen of no server."
)
_CONTAINER = Words(
    "Máy dạng container không có màn hình; hãy đăng nhập bằng SSH.",
    "A container has no screen; log in by SSH.",
)
_LEVEL = Words(
    "Thành phố không cho mở màn hình của hệ thống ở cấp độ an toàn này; hãy đăng nhập bằng SSH.",
    "The city lets nobody open the screens of systems of this security level; log in by SSH.",
)
_STOPPED = Words("Máy đang tắt; hãy bật máy trước.", "The server is off; start it first.")
_NOT_RUNNING = Words(
    "Máy lúc này không chạy nên chưa có màn hình; hãy thử lại sau ít phút.",
    "The server does not run at this moment, so there is no screen; try again in a few minutes.",
)
_NONE = Words(
    "Máy chưa có màn hình vì đã khởi động trước khi có dịch vụ này; hãy tắt rồi bật lại máy.",
    "The server has no screen yet: it was started before screens were offered. Stop it and start it again.",
)
