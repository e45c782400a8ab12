"""Removes what an agency holds, and proves that nothing is left."""

from __future__ import annotations

import datetime as dt
from typing import Any

from infra.cloud import disk, freezing
from infra.cloud.agency import find_agency
from infra.cloud.errors import CloudError
from infra.cloud.holding import COPY, read_holdings
from infra.cloud.holding_access import read_quotas
from infra.cloud.removal import goes_by_itself, remove_all
from infra.domain.holding import Holding, Holdings
from infra.domain.offboarding import Event
from infra.provisioning.offboarding_work import Work

PASSES = 5
"""How often everything is read and removed before it is given up: what Neutron makes anew meanwhile, such as
a default security group, is gone with the second."""
_LAST = frozenset({"user", "group", "project", "domain", "domain role", "allocation"})
"""Kinds that stay until the stack is gone: it works in the project, as the project's operator."""


class QuotaNotReset(CloudError):
    """A quota of the agency's project still stands after it was reset; see the service's own reason."""

    code = "quota_not_reset"


class Residue:
    """What is left of one agency."""

    def __init__(self, work: Work) -> None:
        self._cloud = work.cloud
        self._zone = work.zone
        self._case = work.case
        self._save = work.save
        self._say = work.say
        self._deadline = work.deadline
        self._portal = work.portal

    def remove(self) -> None:
        """First what no stack owns, then the stack, then whatever is there still. Raises NotRemoved."""
        holdings = self._read()
        owned = self._zone.owned()
        if owned:
            self._remove([one for one in holdings if self._is_foreign(one, owned, holdings)])
            self._reset_quotas()
            # The stack works in the project, which must be open for that. Nobody else can come in: users are
            # disabled, and all roles but the operator's have been taken away.
            for ids in (self._case.holder.domains, self._case.holder.projects):
                freezing.enable(self._cloud, sorted(ids))
            self._say("the stack is being destroyed")
            self._zone.destroy()
        for _ in range(PASSES):
            left = [*self._read()]
            if not left:
                break
            if not owned:
                self._reset_quotas()
            self._remove(left)
        disk.restore_copy_limits(self._cloud, self._case.copy_limits)

    def remove_copies(self) -> None:
        """Our own snapshots, volumes and images, and what their limits were."""
        self._remove(self._read().of(COPY))
        disk.restore_copy_limits(self._cloud, self._case.copy_limits)

    def prove(self, now: float) -> Event:
        """Read every API and the portal again and keep what was seen in the case; `changed` when something
        is left.
        """
        holdings = self._read()
        stack = sorted(self._zone.owned())
        unread = sorted(set(self._case.looked_through) - set(holdings.looked_through) - {"domain role"})
        self._case.proof = {
            "at": dt.datetime.fromtimestamp(now, dt.UTC).isoformat(timespec="seconds"),
            "looked_through": dict(holdings.looked_through),
            "left": [[one.kind, one.id, one.name] for one in holdings],
            "stack": stack,
            "not_read": unread,
        }
        in_portal = self._left_in_portal()
        for one in holdings:
            self._say(f"left: {one.kind} {one.name or one.id}")
        if unread:
            raise CloudError(
                f"these were read at the inventory and are not served now: {', '.join(unread)}; nothing"
                " can be proved of them, run again when they are"
            )
        kinds = len(holdings.looked_through)
        if not len(holdings) and not stack and not in_portal:
            self._say(
                f"nothing is left: {kinds} kinds, {sum(holdings.looked_through.values())} things looked at"
            )
            return "done"
        return "changed"

    def _left_in_portal(self) -> bool:
        """Whether the portal has something of the agency, or lets it in."""
        if self._portal is None:
            return False
        found = self._portal.read(self._case.agency)
        self._case.proof["portal"] = {"closed": found.closed, "left": found.counts}
        for kind, count in found.counts.items():
            self._say(f"left in the portal: {count} {kind}")
        return bool(found.counts) or not found.closed

    def _is_foreign(self, thing: Holding, owned: set[str], holdings: Holdings) -> bool:
        told: Any = thing.told
        if (
            goes_by_itself(thing)
            or thing.kind in _LAST
            or thing.id in owned
            or (thing.kind == "keypair" and thing.name in owned)
        ):
            return False
        if thing.kind == "role assignment":  # all but the operator's, with which the stack works
            return bool(told.get("user", {}).get("id") != self._cloud.user_id)
        if thing.kind == "security group rule":  # they go with their group
            return str(told.get("security_group_id")) not in holdings.ids("security group")
        if thing.kind == "security group":  # a default group comes again as long as there is a project
            return thing.name != "default"
        return thing.kind != "quota"

    def _reset_quotas(self) -> None:
        """While the projects exist: nova tells nothing of the quota of a project that does not."""
        self._remove(read_quotas(self._cloud, self._case.holder)[1])
        left = read_quotas(self._cloud, self._case.holder)[1]
        if left:
            raise QuotaNotReset(f"still there: {', '.join(one.id for one in left)}")

    def _remove(self, things: list[Holding]) -> None:
        counts = Holdings(tuple(one for one in things if not goes_by_itself(one))).counts()
        remove_all(self._cloud, things, self._deadline(), self._say)
        for kind, count in counts.items():
            self._case.removed[kind] = self._case.removed.get(kind, 0) + count
        self._save()

    def _read(self) -> Holdings:
        self._case.remember(find_agency(self._cloud, self._case.agency))
        return read_holdings(self._cloud, self._case.holder)
