"""The second person's confirmation of an off-boarding, which a run that was killed finds again."""

from __future__ import annotations

import json

from infra.domain.offboarding import Plan
from infra.domain.operator import Approval
from infra.provisioning.confirmation import Confirmations, Signed, WaitingPlan

OPERATION = "zone offboard"


class OffboardingConfirmations(Confirmations):
    """The plans of a site, as an off-boarding asks for them.

    A confirmation is used up before the off-boarding has noted it. A run that dies in between finds it among
    the used ones: the plan's digest has the off-boarding's own id in it, so it can be of no other run.
    """

    def approve(self, plan: Plan) -> Approval:
        """Raises PlanRefused, which says how the plan is confirmed, until it is."""
        return self._taken(plan.digest) or self.demand(
            plan.digest, OPERATION, plan.lines, {"agency": plan.agency, "things": plan.things}
        )

    def _taken(self, digest: str) -> Approval | None:
        for file in sorted((self._folder / "used").glob(f"*-{digest}.json")):
            told = json.loads(file.read_text(encoding="utf-8"))
            parts = {part: Signed(**told[part]) for part in ("request", "confirmation")}
            return self._verified(WaitingPlan(**{**told, **parts, "lines": tuple(told["lines"])}))
        return None
