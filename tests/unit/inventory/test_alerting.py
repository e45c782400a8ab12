"""Who is told of alerts: the site's people, and each agency's own."""

from __future__ import annotations

import pytest

from .conftest import Folder

ALL, AGENCIES = "group_vars/all.yml", "agencies.yaml"


def test_a_site_may_tell_nobody(lab: Folder) -> None:
    assert lab.load().site.alerting is None


def test_the_production_example_names_everybody(production: Folder) -> None:
    loaded = production.load()
    assert loaded.site.alerting is not None
    assert loaded.site.alerting.smarthost == "mail.haiphong.example:587"
    assert set(loaded.site.alerting.teams) == {"cloud-operations", "capacity-planning", "agency-relations"}
    assert all(agency.alert_emails for agency in loaded.agencies)


@pytest.mark.parametrize(
    ("old", "new", "key", "why", "way_out"),
    [
        ("mail.haiphong.example:587", "mail.haiphong.example", "alerting.smarthost", "with its port", ":587"),
        ("mail.haiphong.example:587", "mail:70000", "alerting.smarthost", "with its port", ":587"),
        ("mail.haiphong.example:587", "bad_name:25", "alerting.smarthost", "neither an address", "write"),
        ("sender: cloud@", "sender: cloud", "alerting.sender", "is not an e-mail address", "write it like"),
        ("[truc-cloud@haiphong.example]", "[]", "alerting.on_call", "must have at least 1", "add"),
        ("capacity_planning:", "capacity_plan:", "alerting.teams.capacity_plan", "not a known", "capacity_"),
        ('hotline: "0225 3 000 111"', 'hotline: ""', "alerting.hotline", "is empty", "plain line"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_key_and_the_way_out(
    production: Folder, old: str, new: str, key: str, why: str, way_out: str
) -> None:
    production.change(ALL, old, new)
    problem = production.problem()
    assert problem.key == key
    assert why in problem.why
    assert way_out in problem.way_out


@pytest.mark.parametrize(
    "address",
    ["cntt", "cntt@", "@x.vn", "cntt@haiphong", "a b@x.vn", "cntt@x.vn\\nBcc: all@x.vn", "Sở <cntt@x.vn>"],
)
def test_an_agencys_address_is_one_plain_address(production: Folder, address: str) -> None:
    production.change(AGENCIES, "[cntt@vpubnd.haiphong.example]", f'["{address}"]')
    problem = production.problem()
    assert problem.key == "agencies[0].alert_emails[0]"
