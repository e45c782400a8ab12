"""Loading a folder: shipped inventories are valid, the digest follows content, only Problems are raised."""

from __future__ import annotations

import contextlib
import copy
import shutil
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infra.domain.host import HYPERVISORS
from infra.errors import InventoryInvalid
from infra.inventory import load

from .conftest import INVENTORIES, Folder

FILES = ("hosts.yml", "group_vars/all.yml", "platform.yaml", "agencies.yaml")
TEXTS = {file: (INVENTORIES / "lab" / file).read_text(encoding="utf-8") for file in FILES}
VALUES = {file: yaml.safe_load(text) for file, text in TEXTS.items()}
SOME = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_lab_is_three_servers_and_35_agencies_of_which_three_begin_with_guests() -> None:
    lab = load(INVENTORIES / "lab")
    assert [host.name for host in lab.hosts] == ["ctl1", "hv1", "hv2"]
    assert [host.virt_type for host in lab.hypervisors()] == ["qemu", "lxc"]
    assert len(lab.agencies) == 35
    assert [agency.code for agency in lab.agencies if agency.operator] == ["sotttt"]
    assert {agency.code: len(agency.servers) for agency in lab.agencies if agency.servers} == {
        "sotttt": 2,
        "sogddt": 1,
        "soyt": 1,
    }
    assert all(server.floating_ip for agency in lab.agencies for server in agency.servers)
    assert lab.agency("sonv").network == IPv4Network("10.64.2.0/24")
    assert lab.agency("sonv").quota == lab.size_classes["S"]
    assert lab.lab is not None


def test_production_is_a_real_site_with_three_controllers_and_twenty_hypervisors() -> None:
    production = load(INVENTORIES / "production")
    assert len(production.controllers()) == 3
    assert [host.name for host in production.hypervisors()] == [f"hv{number:02}" for number in range(1, 21)]
    assert {host.virt_type for host in production.hypervisors()} == {"kvm"}
    assert (production.site.ovs_datapath, production.site.nova_cpu_mode) == ("system", "host-model")
    assert production.lab is None


def test_production_serves_the_agencies_of_the_lab() -> None:
    lab, production = load(INVENTORIES / "lab"), load(INVENTORIES / "production")
    names = [
        [(a.code, a.level, a.size, a.name_vi, a.name_en) for a in one.agencies] for one in (lab, production)
    ]
    assert names[0] == names[1]


def test_scale_has_room_for_fifty_servers_of_its_agency() -> None:
    scale = load(INVENTORIES / "scale")
    assert scale.agencies[0].quota.instances >= 50
    assert sum(host.fake_count for host in scale.hosts if HYPERVISORS in host.groups) == 4


@pytest.mark.parametrize("name", ["lab", "production", "scale"])
def test_every_variable_of_a_shipped_inventory_has_a_comment_above_it(name: str) -> None:
    lines = (INVENTORIES / name / "group_vars/all.yml").read_text(encoding="utf-8").splitlines()
    variables = [index for index, line in enumerate(lines) if line[:1].isalpha()]
    assert [lines[index] for index in variables if not lines[index - 1].startswith("#")] == []


@pytest.mark.parametrize("name", ["lab", "production", "scale"])
def test_shipped_inventories_state_the_same_variables(name: str) -> None:
    stated = yaml.safe_load((INVENTORIES / name / "group_vars/all.yml").read_text(encoding="utf-8"))
    assert set(VALUES["group_vars/all.yml"]) - set(stated) <= {"lab"}


def test_the_digest_changes_with_a_byte_and_not_with_the_place(lab: Folder, tmp_path: Path) -> None:
    before = lab.load().digest()
    shutil.copytree(lab.path, tmp_path / "elsewhere")
    assert load(tmp_path / "elsewhere").digest() == before
    lab.change("agencies.yaml", "# 8 rural).", "# 8 rural)")
    assert lab.load().digest() != before


def test_the_digest_counts_group_variables(lab: Folder) -> None:
    before = lab.load().digest()
    lab.write("group_vars/hypervisors.yml", "cpus: 2\n")
    assert lab.load().digest() != before


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(InventoryInvalid, match="there is no such folder"):
        load(tmp_path / "none")


def test_an_empty_folder_lacks_every_file(tmp_path: Path) -> None:
    with pytest.raises(InventoryInvalid) as caught:
        load(tmp_path)
    missing = {str(Path(problem.file).relative_to(tmp_path)) for problem in caught.value.problems}
    assert missing == set(FILES)


def test_a_flood_of_problems_is_cut(lab: Folder) -> None:
    lines = "".join(f"  - {{code: A{number}}}\n" for number in range(400))
    lab.write("agencies.yaml", f"city: {{}}\nsize_classes: {{}}\nagencies:\n{lines}")
    problems = lab.problems()
    assert len(problems) == 201
    assert any("more problems" in problem.why for problem in problems)


def test_more_agencies_than_a_city_has_are_refused_and_not_compared(lab: Folder) -> None:
    lines = "".join(f"  - {{code: a{number}}}\n" for number in range(20_000))
    lab.write("agencies.yaml", f"city: {{}}\nsize_classes: {{}}\nagencies:\n{lines}")
    assert any("at most 500 are read" in problem.why for problem in lab.problems())


def answers(folder: Folder) -> None:
    """The folder gives an Inventory, or InventoryInvalid with its problems; anything else is a bug."""
    with contextlib.suppress(InventoryInvalid):
        folder.load().digest()


SIGNS = "ab01:-[]{}&*!|>'\"#,%@`<=?~. \n\t\r\x00\ufeff"
text = st.one_of(st.text(), st.text(alphabet=SIGNS, max_size=60), st.binary())
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.sampled_from(
        ["10.64.1.0/24", "172.30.0.11", "qemu", "vm.small", "S", "hv[1:3]", "0/0", "::1", "/", "1.2.3.4/33"]
    ),
)
nested = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(file=st.sampled_from(FILES), content=text)
@SOME
def test_any_text_in_a_file_gives_an_answer(lab: Folder, file: str, content: str | bytes) -> None:
    lab.write(file, content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    answers(lab)
    lab.write(file, TEXTS[file])


@given(file=st.sampled_from(FILES), start=st.floats(0, 1), length=st.integers(0, 40), new=text)
@SOME
@example(file="hosts.yml", start=0.5, length=0, new="\n&a [*a]")
def test_any_cut_or_splice_of_a_file_gives_an_answer(
    lab: Folder, file: str, start: float, length: int, new: str | bytes
) -> None:
    content = TEXTS[file].encode()
    piece = new if isinstance(new, bytes) else new.encode("utf-8", "surrogatepass")
    position = int(start * len(content))
    lab.write(file, content[:position] + piece + content[position + length :])
    answers(lab)
    lab.write(file, TEXTS[file])


@given(file=st.sampled_from(FILES), data=st.data())
@SOME
def test_any_value_in_any_place_gives_an_answer(lab: Folder, file: str, data: st.DataObject) -> None:
    root: Any = copy.deepcopy(VALUES[file])
    place, key = root, data.draw(st.sampled_from(sorted(root)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(nested)
    lab.write(file, yaml.safe_dump(root, allow_unicode=True))
    answers(lab)
    lab.write(file, TEXTS[file])
