"""`alerting` of `group_vars/all.yml`; absent where nobody is told by e-mail."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from infra.domain.alerting import TEAMS, Alerting
from infra.inventory.schema import Strict
from infra.inventory.value import Email, Text, host_name, refuse


def _smarthost(value: str) -> str:
    name, _, port = value.rpartition(":")
    way_out = "write it like mail.haiphong.example:587"
    if not name or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise refuse("is not a mail server with its port", way_out)
    host_name(name)
    return value


class TeamsModel(Strict):
    """One field for each of `TEAMS`, by the owner's name with underscores."""

    cloud_operations: list[Email] = Field(default_factory=list, max_length=20)
    capacity_planning: list[Email] = Field(default_factory=list, max_length=20)
    agency_relations: list[Email] = Field(default_factory=list, max_length=20)


class AlertingModel(Strict):
    smarthost: Annotated[str, AfterValidator(_smarthost)]
    sender: Email
    on_call: list[Email] = Field(min_length=1, max_length=20)
    hotline: Text
    teams: TeamsModel = Field(default_factory=TeamsModel)

    def to_domain(self) -> Alerting:
        teams = {team: tuple(getattr(self.teams, team.replace("-", "_"))) for team in TEAMS}
        return Alerting(
            self.smarthost, self.sender, tuple(self.on_call), self.hotline,
            {team: people for team, people in teams.items() if people},
        )  # fmt: skip
