"""Guard: looks at the plans of a whole command before any of it is run, and lets pass what may.

What would lose data or cut access needs a second person (`infra.provisioning.confirmation`); what breaks a
policy is corrected or exempted. Everything is told at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from infra.cloud.connection import Cloud
from infra.cloud.contents import contents, usage
from infra.domain.danger import CloudFacts, dangers, projects_that_end, quotas_that_shrink
from infra.domain.plan import Finding, Plan, digest_of_plans
from infra.domain.policy import Policies
from infra.provisioning.confirmation import Confirmations, PlanRefused


class Admission(Protocol):
    """Decides whether plans may be run."""

    def findings(self, plans: Sequence[Plan]) -> list[Finding]:
        """What would be refused, or would need a second person."""

    def admit(self, operation: str, plans: Sequence[Plan]) -> None:
        """Returns if all of them may be run; raises PlanRefused, and then none may."""


class Guard:
    """`cloud` is called when the cloud has to be asked what would be lost; `today` tells which exemptions
    hold.
    """

    def __init__(
        self, site: str, policies: Policies, confirmations: Confirmations, cloud: Callable[[], Cloud],
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:  # fmt: skip
        self._site = site
        self._policies = policies
        self._confirmations = confirmations
        self._cloud = cloud
        self._today = today

    def findings(self, plans: Sequence[Plan]) -> list[Finding]:
        """Dangers, then breaches of policies; raises CloudError where the cloud has to be asked and does not
        answer.
        """
        facts, today = self._facts(plans), self._today()
        dangerous = [found for plan in plans for found in dangers(plan, facts)]
        return dangerous + [found for plan in plans for found in self._policies.breaches(plan, today)]

    def admit(self, operation: str, plans: Sequence[Plan]) -> None:
        """A confirmation that fits is used up by this."""
        found = self.findings(plans)
        if not found:
            return
        lines = [str(one) for one in found]
        breaches = sum(not one.confirmable for one in found)
        if breaches:
            way = f"nothing was changed; {breaches} of these break a policy, so nobody can confirm them"
            raise PlanRefused(_told(lines, way), findings=found)
        digest = digest_of_plans(self._site, operation, plans, found)
        try:
            self._confirmations.demand(digest, operation, lines, _detail(plans, found))
        except PlanRefused as refused:
            raise PlanRefused(_told(lines, f"nothing was changed; {refused}"), digest, found) from None

    def _facts(self, plans: Sequence[Plan]) -> CloudFacts:
        ending, shrinking = projects_that_end(plans), quotas_that_shrink(plans)
        if not ending and not shrinking:
            return CloudFacts()
        cloud = self._cloud()
        return CloudFacts(contents(cloud, ending), usage(cloud, shrinking))


def must_not_exceed(guard: Admission, admitted: Plan, rest: Plan) -> None:
    """For a run that stopped where it came to something that its plan had not: raises PlanRefused if what is
    left to do is dangerous in a way that the admitted plan was not.
    """
    known: dict[tuple[str, str], set[str]] = {}
    for one in guard.findings([admitted]):
        known.setdefault((one.urn, one.rule), set()).update(one.things)
    more = [
        one
        for one in guard.findings([rest])
        if (one.urn, one.rule) not in known or not known[one.urn, one.rule].issuperset(one.things)
    ]
    if more:
        way = "the run stopped before these, which its plan could not foresee; run it again to see them all"
        raise PlanRefused(_told([str(one) for one in more], way), findings=more)


def _told(lines: Sequence[str], way_out: str) -> str:
    return "\n".join(["this plan is refused:", *(f"  {line}" for line in lines), way_out])


def _detail(plans: Sequence[Plan], found: Sequence[Finding]) -> dict[str, Any]:
    """For the file that the confirmer's tools read."""
    steps = [
        {"stack": plan.stack, "op": one.op, "urn": one.urn, "id": one.id, "properties": list(one.properties)}
        for plan in plans
        for one in plan.steps
    ]
    return {"steps": steps, "findings": [asdict(one) for one in found]}
