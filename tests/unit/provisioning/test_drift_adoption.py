from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from infra.domain.adopted import Adopted, AdoptedProperties, AdoptedResource
from infra.domain.agency import Agency
from infra.errors import InventoryInvalid
from infra.inventory import load
from infra.provisioning.adopted_file import AdoptionFailed, kept_valid, write_adopted, write_quota
from infra.provisioning.adoption import accepted, standing
from infra.provisioning.stack_state import StateResource
from tests.fakes.openstack import FakeCloud, FakeOpenStack

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NETWORK = "openstack:networking/network:Network"
RULE = "openstack:networking/secGroupRule:SecGroupRule"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LAB, tmp_path / "lab"))


def agency(folder: Path, code: str = "songv") -> Agency:
    return load(folder).agency(code)


def make_state(token: str, name: str, identity: str = "id") -> StateResource:
    return StateResource(f"urn::{token}::{name}", token, name, identity, {}, {})


def test_a_quota_is_put_in_as_one_line_and_every_other_byte_stays(folder: Path) -> None:
    file = folder / "agencies.yaml"
    before = file.read_text()
    write_quota(folder, "songv", {"cores": 5})
    after = file.read_text()
    assert after.replace("    quota: {cores: 5}\n", "") == before
    assert agency(folder).quota == replace(load(LAB).agency("songv").quota, cores=5)


def test_a_quota_that_is_there_is_changed_where_it_stands_and_keeps_its_other_limits(folder: Path) -> None:
    write_quota(folder, "songv", {"cores": 5})
    write_quota(folder, "songv", {"cores": 6, "volumes": 5})
    text = (folder / "agencies.yaml").read_text()
    assert text.count("quota: {cores: 6, volumes: 5}") == 1
    assert "cores: 5" not in text


@pytest.mark.parametrize(
    "entry",
    [
        "- {code: a, size: S, network: 10.0.0.0/24}\n",
        "- code: a\n  size: S  # small\n  network: 10.0.0.0/24\n",
        "- code: a\n  quota:\n    cores: 5  # why\n    ports: 7\n  size: S\n  network: 10.0.0.0/24\n",
        "- code: a\n  network: 10.0.0.0/24\n  size: S",
    ],
)
def test_a_quota_fits_into_every_way_of_writing_an_agency(tmp_path: Path, entry: str) -> None:
    (tmp_path / "agencies.yaml").write_text(f"# why\nagencies:\n{entry}")
    write_quota(tmp_path, "a", {"cores": 9})
    (told,) = yaml.safe_load((tmp_path / "agencies.yaml").read_text())["agencies"]
    assert told["quota"]["cores"] == 9
    assert (told["code"], told["size"], told["network"]) == ("a", "S", "10.0.0.0/24")
    if "ports" in entry:
        assert told["quota"]["ports"] == 7
    assert "# small" in (tmp_path / "agencies.yaml").read_text() or "# small" not in entry


def test_what_is_adopted_comes_back_from_the_inventory_as_it_was_written(folder: Path) -> None:
    adopted = Adopted(
        (
            AdoptedResource(
                RULE, "adopted-1", "r1", {"direction": "ingress", "protocol": "no", "portRangeMin": 1}
            ),
        ),
        (AdoptedProperties(NETWORK, "network", {"description": "Bằng tay", "tags": ["a"], "mtu": None}),),
    )
    write_adopted(folder, {"songv": adopted, "sodl": Adopted()})
    assert agency(folder).adopted == adopted
    assert not agency(folder, "sodl").adopted
    write_adopted(folder, {"songv": Adopted()})
    assert not (folder / "adopted.yaml").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("agencies: {nobody: {resources: []}}", "is not the code of an agency"),
        ("agencies: {songv: {resources: [{type: aws:x:Y, name: a, inputs: {}}]}}", "is not a resource type"),
        (f"agencies: {{songv: {{resources: [{{type: '{RULE}', name: a, inputs: {{}}}},"
         f" {{type: '{RULE}', name: a, inputs: {{}}}}]}}}}", "stands twice"),
        ("agencies: {songv: {things: []}}", "things"),
    ],
)  # fmt: skip
def test_a_wrong_adopted_file_is_refused_with_its_place(folder: Path, text: str, why: str) -> None:
    (folder / "adopted.yaml").write_text(text)
    with pytest.raises(InventoryInvalid, match=why):
        load(folder)


def test_files_are_put_back_when_the_inventory_would_not_be_valid(folder: Path) -> None:
    before = (folder / "agencies.yaml").read_text()

    def write_too_much() -> None:
        with kept_valid(folder):
            write_adopted(folder, {"songv": Adopted((AdoptedResource(RULE, "a", "", {}),))})
            write_quota(folder, "songv", {"cores": 10**6})

    with pytest.raises(AdoptionFailed, match="would not be valid"):
        write_too_much()
    assert (folder / "agencies.yaml").read_text() == before
    assert not (folder / "adopted.yaml").exists()


def test_what_the_code_asks_for_by_now_is_told_by_its_quota_and_its_adopted_values(folder: Path) -> None:
    one = agency(folder)
    limits = accepted(one, make_state("openstack:networking/quotaV2:QuotaV2", "network"))
    assert (limits["network"], limits["subnet"]) == (one.quota.networks, one.quota.networks)
    assert limits["securityGroupRule"] == one.quota.security_groups * 10
    named = replace(one, adopted=Adopted((), (AdoptedProperties(NETWORK, "network", {"name": "x"}),)))
    assert accepted(named, make_state(NETWORK, "network")) == {"name": "x"}
    assert accepted(named, make_state(NETWORK, "other")) == {}


def test_only_what_a_first_up_can_take_over_keeps_its_id(folder: Path) -> None:
    fake = FakeOpenStack()
    fake.kind("networks")["there"] = {"id": "there", "name": "n", "project_id": "p", "tags": []}
    rows = tuple(AdoptedResource(NETWORK, name, name, {}) for name in ("there", "gone", "held"))
    one = replace(agency(folder), adopted=Adopted(rows))
    stands = standing(one, [make_state(NETWORK, "held")], lambda: FakeCloud(fake))
    assert [row.id for row in stands.adopted.resources] == ["there", "", ""]


def test_a_zone_that_adopted_nothing_asks_the_cloud_nothing(folder: Path) -> None:
    def never() -> FakeCloud:
        raise AssertionError("the cloud was asked")

    assert standing(agency(folder), [], never) == agency(folder)
