"""What people see of their deployments, and what they do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from infra.domain import deployment as domain
from infra.domain.approval import DOUBLE_FROM_LEVEL
from infra.domain.audit import moment
from infra.domain.change import offered
from infra.domain.deployment import DeploymentEvent, DeploymentState
from infra.domain.parameter import ChangePolicy
from infra.domain.person import SEES_ALL, Person, Role
from infra.domain.request import Request, RequestState
from infra.domain.words import NOTHING, Words
from infra.portal.interface import Conflict, Deployment, DeploymentSummary, NotFound, Page, Parameter
from infra.portal.service import console, remote_console, shown, snapshot, transfer, upkeep
from infra.portal.service.ground import CHANGED, Ground, Refused
from infra.portal.service.owning import CHANGING, NOT_YOURS, barred, may_ask, owns
from infra.portal.service.shown import item_label
from infra.portal.upkeep import Console, RemoteConsole
from infra.portal.usage import Usage, UsageState
from infra.store import change as changes
from infra.store import deployment as deployments
from infra.store import rebuild as rebuilds
from infra.store import request as requests
from infra.store.audit import AuditWanted, search
from infra.store.deployment import WantedDeployments
from infra.store.portal_database import Connection, Transaction
from infra.store.request import Signed
from infra.store.transition import move_deployment

LONGEST_LIST = 200
EVENTS_SHOWN = 50
LONGEST_SHOWN = 60
"""Characters of a value that the page shows; SSH keys are longer."""
_POWER = {"start": "on", "stop": "off"}
_TOLD = {
    "start": Words("Bật", "Started"),
    "stop": Words("Tắt", "Stopped"),
    "reboot": Words("Khởi động lại", "Rebooted"),
    "renew": Words("Gia hạn", "Renewed"),
    "restore": Words("Khôi phục từ lưu trữ", "Restored from its archive"),
    "retire": Words("Trả lại", "Given back"),
    "hold": Words("Giữ theo yêu cầu pháp lý", "Put under legal hold"),
    "unhold": Words("Bỏ giữ theo yêu cầu pháp lý", "Taken from legal hold"),
}
"""Every action that needs no more to be said, and what the audit says of it; for others see `upkeep`."""


class DeploymentService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def deployments(
        self, person: Person, *, state: str = "", agency: str = "", after: str = "", limit: int = 50
    ) -> Page[DeploymentSummary]:
        agencies = _agencies(person, agency)
        states = [DeploymentState(state)] if state in set(DeploymentState) else []
        if agencies == [] or (state and not states):
            return Page(())
        size = max(1, min(limit, LONGEST_LIST))
        wanted = WantedDeployments(agencies, states, before=_before(after), limit=size + 1)
        with self._ground.reading() as connection:
            found = deployments.listed(connection, wanted)
        rows = tuple(self.summary(one) for one in found[:size])
        last = found[size - 1] if len(found) > size else None
        return Page(rows, f"{moment(last.created)}_{last.id}" if last else "")

    def deployment(self, person: Person, deployment: str) -> Deployment:
        with self._ground.reading() as connection:
            found = self._find(connection, person, deployment)
            asked = requests.find(connection, found.request)
            blamed = shown.unjustified(requests.signatures(connection, found.request))
            may = self._may(connection, person, found)
            note = _blame(blamed) if blamed and _may_end(found) else NOTHING
            kept = upkeep.shown(self._ground, connection, found, may)
            owner = transfer.owner_name(connection, found)
            past = search(connection, AuditWanted(about=found.id, limit=EVENTS_SHOWN))
            change = changes.running(connection, found.id)
            can_ask = barred(connection, found) is None and may_ask(person, found)
        connect = tuple(
            (_CONNECT.get(name, Words(name, name)), value)
            for name, value in sorted(found.outputs.items())
            if value and name not in _NOT_SHOWN
        )
        changeable = self._offered(found)
        return Deployment(
            self.summary(found), _owner(found, asked, owner), found.request,
            found.outputs.get("user", ""), connect,
            tuple((one.at, Words(one.told_vi, one.told_en)) for one in past),
            frozenset(may | ({"change"} if can_ask and changeable else set())), found.version,
            found.legal_hold, note, kept, found.item, found.values, self._stands(found), changeable,
            change.request if change else "", self._no_screen(person, found),
        )  # fmt: skip

    def usage(self, person: Person, deployment: str) -> Usage:
        """Asked for by what the store has of it, and only after it was found to be the person's to see."""
        with self._ground.reading() as connection:
            found = self._find(connection, person, deployment)
        server = found.outputs.get("server_id", "")
        return self._ground.site.usage(found.agency, server) if server else Usage(UsageState.UNMEASURED)

    def _no_screen(self, person: Person, one: domain.Deployment) -> Words:
        """Told to those who could open it, of what is in use."""
        asks = owns(person, one) and one.has_server and one.state == DeploymentState.ACTIVE
        return (remote_console.missing(self._ground, one) if asks else None) or NOTHING

    def _stands(self, one: domain.Deployment) -> tuple[tuple[Words, Words], ...]:
        """What it was asked for with, but for its key and what was left out."""
        given = {name: value for name, value in one.values.items() if value and len(value) <= LONGEST_SHOWN}
        return shown.values(self._ground, one.item, given)

    def _offered(self, one: domain.Deployment) -> tuple[Parameter, ...]:
        """What can be changed of it. From the level on at which two sign, all of it has to be requested."""
        site = self._ground.site
        item = next((item for item in site.catalog.requestable if item.name == one.item), None)
        if item is None:
            return ()
        found = (shown.parameter(each) for each in offered(item.parameters, one.values, site.flavors))
        if shown.security_level(self._ground, one) < DOUBLE_FROM_LEVEL:
            return tuple(found)
        return tuple(replace(each, change=ChangePolicy.REQUESTED) for each in found)

    def act(  # noqa: PLR0917 (the interface's)
        self, person: Person, deployment: str, action: str, version: int, key: str,
        values: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        said = dict(values or {})

        def effect(tx: Transaction) -> str:
            before = self._find(tx.connection, person, deployment)
            if action not in _TOLD and action not in upkeep.ACTIONS:
                raise NotFound("there is no such action; the deployment's page lists those that there are")
            if action not in self._may(tx.connection, person, before):
                holds = action in ("hold", "unhold") and Role.OPERATOR not in person.roles
                if holds or not owns(person, before):
                    raise Refused(NOT_YOURS)
                busy = action in _NOT_MEANWHILE and changes.running(tx.connection, deployment) is not None
                raise Conflict(CHANGING if busy else CHANGED)
            facts: Mapping[str, str] = {}
            if action in upkeep.ACTIONS:
                told, facts = upkeep.done(self._ground, tx, person, before, action, said, version)
            else:
                self._done(tx, person, before, action, version)
                told = _TOLD[action]
                told = Words(f"{told.vi} {before.name}", f"{told.en}: {before.name}")
            self._ground.audit(
                tx, person, before.agency, action=f"deployment.{action}", about=before.id, told=told,
                facts={"state": before.state, "version": before.version, **facts},
            )  # fmt: skip
            return deployment

        self._ground.once(person, key, ["act", deployment, action, version, *sorted(said.items())], effect)

    def console(self, person: Person, deployment: str) -> Console:
        """Raises NotFound where it has no server, Refused for who may not work with it."""
        with self._ground.reading() as connection:
            found = self._find(connection, person, deployment)
        if not owns(person, found):
            raise Refused(NOT_YOURS)
        if not found.has_server:
            raise NotFound("this deployment has no server that prints anything")
        return console.read(self._ground, person, found)

    def remote_console(self, person: Person, deployment: str) -> RemoteConsole:
        """The record of it is written first, and the cloud asked outside the transaction."""
        with self._ground.database.writing() as tx:
            found = self._find(tx.connection, person, deployment)
            if not owns(person, found):
                raise Refused(NOT_YOURS)
            if why := remote_console.missing(self._ground, found):
                raise Conflict(why)
            remote_console.audit(self._ground, tx, person, found)
        return remote_console.opened(self._ground, found)

    def summary(self, one: domain.Deployment) -> DeploymentSummary:
        agency = self._ground.site.agencies.get(one.agency)
        name = Words(agency.name_vi, agency.name_en) if agency else Words(one.agency, one.agency)
        return DeploymentSummary(
            one.id, one.name, one.agency, name, item_label(self._ground, one.item), one.state, one.created,
            one.expires, one.outputs.get("address", ""), one.power,
        )  # fmt: skip

    def _done(
        self, tx: Transaction, person: Person, before: domain.Deployment, action: str, version: int
    ) -> None:
        if action == "retire":
            move_deployment(tx, before, DeploymentEvent.RETIRE, version)
        elif action == "renew":
            self._renew(tx, before, version)
        elif action == "restore":
            self._renew(tx, before, version)
            snapshot.keep_archive(self._ground, tx, person.display_name or person.name, before)
        else:
            changes: dict[str, Any] = {
                "power": _POWER.get(action, before.power),
                "legal_hold": {"hold": True, "unhold": False}.get(action, before.legal_hold),
                "reboots": before.reboots + (action == "reboot"),
            }
            if action == "unhold" and shown.unjustified(requests.signatures(tx.connection, before.request)):
                end = domain.curtailed(replace(before, legal_hold=False), self._ground.today())
                changes |= {"expires": end, "noticed": None, "noticed_on": None} if end else {}
            deployments.save(tx, replace(before, **changes), version)

    def _renew(self, tx: Transaction, before: domain.Deployment, version: int) -> None:
        """To the item's usual length from today. Its notices begin anew; what was suspended is used again."""
        item = {one.name: one for one in self._ground.site.catalog.items}.get(before.item)
        days = item.days if item and item.days else domain.USUAL_DAYS
        changes: dict[str, Any] = {
            "expires": self._ground.today() + timedelta(days=days), "noticed": None, "noticed_on": None,
            "suspended_on": None, "archived": None,
        }  # fmt: skip
        if before.state == DeploymentState.SUSPENDED:
            move_deployment(tx, before, DeploymentEvent.RESUME, version, **changes)
        else:
            deployments.save(tx, replace(before, **changes), version)

    def _find(self, connection: Connection, person: Person, deployment: str) -> domain.Deployment:
        found = deployments.find(connection, deployment)
        if found is None or not person.sees(found.agency):
            raise NotFound("there is no such deployment, or it belongs to another agency")
        return found

    def _may(self, connection: Connection, person: Person, one: domain.Deployment) -> set[str]:
        """Nothing is given back while its request is still being made: the worker would wait for it; the same
        holds for a change, during which nothing is started or stopped either. What an unjustified emergency
        made is not renewed, but asked for as usual.
        """
        if not owns(person, one):
            return set()
        asked = requests.find(connection, one.request)
        made = asked is None or asked.state == RequestState.FULFILLED
        change = changes.running(connection, one.id)
        may: set[str] = set()
        if one.state == DeploymentState.ACTIVE and not (change and change.begun):
            may |= {"stop", "reboot"} if one.power == "on" else {"start"}
        if one.state in (DeploymentState.ACTIVE, DeploymentState.SUSPENDED, DeploymentState.FAILED):
            may |= {"retire"} if made and change is None and not one.legal_hold else set()
        if self._is_ending(one) and not shown.unjustified(requests.signatures(connection, one.request)):
            may.add("renew" if one.archived is None else "restore")
        may |= upkeep.may(connection, one)
        if one.has_server and one.state != DeploymentState.RETIRED:
            may.add("console")
        if rebuilds.is_wanted(connection, one.id):
            may -= upkeep.INTERRUPTS
        if change and change.begun:
            may -= upkeep.DISKS
        if remote_console.missing(self._ground, one) is None:
            may.add("remote_console")
        if remote_console.is_container(self._ground, one):
            may.discard("snapshot")
        if Role.OPERATOR in person.roles and one.state not in (
            DeploymentState.RETIRING, DeploymentState.RETIRED
        ):  # fmt: skip
            may.add("unhold" if one.legal_hold else "hold")
        return may

    def _is_ending(self, one: domain.Deployment) -> bool:
        """It is renewed from the first notice on, not before: else nobody would ever look again."""
        if one.expires is None:
            return False
        if one.state == DeploymentState.SUSPENDED:
            return True
        left = (one.expires - self._ground.today()).days
        return one.state == DeploymentState.ACTIVE and left <= max(self._ground.site.ladder.notices)


def _agencies(person: Person, wanted: str) -> list[str] | None:
    if person.roles & SEES_ALL:
        return [wanted] if wanted else None
    return [person.agency] if person.sees(wanted or person.agency) else []


def _before(after: str) -> tuple[str, str] | None:
    created, _, id_ = after.partition("_")
    return (created, id_) if created and id_ else None


def _may_end(one: domain.Deployment) -> bool:
    return not one.legal_hold and one.state in (DeploymentState.PROVISIONING, DeploymentState.ACTIVE)


def _owner(one: domain.Deployment, asked: Request | None, known: str) -> str:
    """Who asked for it, unless it was handed on."""
    return asked.requester_name if asked is not None and asked.requester == one.owner else known


def _blame(signed: Signed) -> Words:
    reason = signed.signature.reason
    return Words(
        "Yêu cầu khẩn cấp tạo ra máy này không chính đáng theo kết quả rà soát, nên sớm hết hạn và không"
        f" gia hạn được; nếu vẫn cần, hãy gửi yêu cầu thường. Lý do của {signed.signer_name}: {reason}",
        "The emergency that made this was found not justified, so it ends soon and cannot be renewed; if you"
        f" still need it, hand in an ordinary request. Reason of {signed.signer_name}: {reason}",
    )


_NOT_MEANWHILE = upkeep.INTERRUPTS | upkeep.DISKS
_NOT_SHOWN = {"address", "user", "server_id", "network_id", "size", "volume_gib"}
_CONNECT = {
    "fixed_address": Words("Địa chỉ riêng", "Private address"),
    "cidr": Words("Dải địa chỉ", "Range of addresses"),
    "ssh": Words("Kết nối SSH", "Connect by SSH"),
    "url": Words("Địa chỉ web", "Web address"),
    "database": Words("Kết nối cơ sở dữ liệu", "Connect to the database"),
}
