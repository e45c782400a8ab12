"""catalog.yaml: each kind of probe has its own keys, and everything that is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.domain.catalog import Catalog, MetricsEndpoint, ServiceObjective
from infra.domain.parameter import ChangePolicy, check_values
from infra.domain.probe import DnsProbe, HttpProbe, IcmpProbe, SshProbe, TcpProbe
from infra.domain.quota import Quota
from infra.errors import InventoryInvalid
from infra.inventory import load
from infra.inventory.catalog import load_catalog

from .conftest import INVENTORIES, Folder

FILE = "catalog.yaml"
PLAIN = "- {name: plain-server, kind: server, name_vi: a, name_en: b, probes: [{name: ssh, kind: ssh}]}"
ITEM = "- {{name: web, kind: server, name_vi: a, name_en: b, probes: [{probe}]}}"


def catalog(*items: str) -> str:
    return "\n".join(["items:", *items]) + "\n"


def test_without_the_file_there_are_only_plain_servers(lab: Folder) -> None:
    (lab.path / FILE).unlink()
    assert lab.load().catalog == Catalog()
    assert lab.load().catalog.server_item("plain-server").probes == (SshProbe(name="ssh"),)


def test_everything_that_can_be_said_is_read(lab: Folder) -> None:
    lab.write(
        FILE,
        catalog(
            PLAIN,
            "- name: web",
            "  kind: server",
            "  name_vi: 'Máy chủ web'",
            "  name_en: Web",
            "  probes:",
            "    - {name: ping, kind: icmp, count: 2, every: 60, timeout: 2.5}",
            "    - {name: db, kind: tcp, port: 5432}",
            "    - name: http",
            "      kind: http",
            "      path: /x",
            "      host: '{server}.{agency}.vn'",
            "      statuses: [200, 301]",
            "      body: ok",
            "    - {name: https, kind: https, verify: false, ca_file: /etc/ca.pem, certificate_days: 14}",
            "    - {name: zone, kind: dns, query: a.vn, record: MX, answers: [m.vn.], resolver: 192.0.2.1}",
            "  slo: {objective: 0.999, window_days: 90}",
            "  metrics: [{name: node, port: 9100}]",
        ),
    )
    item = lab.load().catalog.server_item("web")
    assert item.name_vi == "Máy chủ web"
    assert item.slo == ServiceObjective(0.999, 90)
    assert item.metrics == (MetricsEndpoint("node", 9100),)
    assert item.probes == (
        IcmpProbe(name="ping", count=2, every_seconds=60, timeout_seconds=2.5),
        TcpProbe(name="db", port=5432),
        HttpProbe(name="http", path="/x", host="{server}.{agency}.vn", statuses=(200, 301), body="ok"),
        HttpProbe(name="https", port=443, tls=True, verify=False, ca_file="/etc/ca.pem", certificate_days=14),
        DnsProbe(name="zone", query="a.vn", record="MX", answers=("m.vn.",), resolver="192.0.2.1"),
    )


@pytest.mark.parametrize(
    ("probe", "key", "why"),
    [
        ("{name: a, kind: smtp}", "kind", "is not a known kind of probe"),
        ("{name: a}", "kind", "is missing"),
        ("{name: a, kind: [ssh]}", "kind", "is not a known kind of probe"),
        ("{kind: ssh}", "name", "is missing"),
        ("{name: a, kind: tcp}", "port", "is missing"),
        ("{name: a, kind: tcp, port: 70000}", "port", "must be at most 65535"),
        ("{name: a, kind: tcp, port: '22'}", "port", "must be a whole number"),
        ("{name: a, kind: ssh, path: /}", "path", "is not a known key"),
        ("{name: a, kind: http, verify: true}", "verify", "is not a known key"),
        ("{name: a, kind: http, path: x}", "path", "is not a path"),
        ("{name: a, kind: http, host: '{port}.vn'}", "host", "names {port}, which stands for nothing"),
        ("{name: a, kind: http, body: '('}", "body", "is not a regular expression"),
        ("{name: a, kind: http, statuses: []}", "statuses", "must have at least 1 entries"),
        ("{name: a, kind: https, ca_file: ca.pem}", "ca_file", "is not an absolute path"),
        ("{name: a, kind: dns}", "query", "is missing"),
        ("{name: a, kind: dns, query: a.vn, record: ANY}", "record", "is not a known value"),
        ("{name: a, kind: dns, query: a.vn, resolver: ns1}", "resolver", "is not an IPv4 address"),
        ("{name: a, kind: ssh, every: 5, timeout: 6}", "timeout", "is longer than the 5 seconds"),
        ("{name: a, kind: ssh, timeout: 0}", "timeout", "must be at least 0.1"),
        ("ssh", "", "must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_probe_is_told_with_its_key(lab: Folder, probe: str, key: str, why: str) -> None:
    lab.write(FILE, catalog(PLAIN, ITEM.format(probe=probe)))
    problem = lab.problem()
    assert problem.key == ".".join(part for part in ("items[1].probes[0]", key) if part)
    assert problem.why.startswith(why)


@pytest.mark.parametrize(
    ("items", "key", "why"),
    [
        ([ITEM.format(probe="{name: a, kind: ssh}")], "items", "has no item plain-server"),
        ([PLAIN, PLAIN], "items[1].name", "is already the name of items[0]"),
        ([PLAIN, ITEM.format(probe="{name: a, kind: ssh}, {name: a, kind: icmp}")], "items[1].probes[1].name",
         "is already the name of probes[0]"),
        ([PLAIN, "- {name: n, kind: network, name_vi: a, name_en: b, probes: [{name: a, kind: ssh}]}"],
         "items[1].probes", "only servers are probed"),
        ([PLAIN, "- {name: n, kind: server, name_vi: a, name_en: b, slo: {objective: 0.9}}"], "items[1].slo",
         "promises what no probe looks at"),
        ([PLAIN, "- {name: n, kind: server, name_vi: a, name_en: b, colour: red}"], "items[1].colour",
         "is not a known key"),
        ([PLAIN, "- {name: n, kind: server, name_vi: a, name_en: b, slo: {objective: 99.9}}"],
         "items[1].slo.objective", "must be less than"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_item_is_told_with_its_key(
    lab: Folder, items: list[str], key: str, why: str
) -> None:
    lab.write(FILE, catalog(*items))
    assert [problem.key for problem in lab.problems()] == [key]
    if "less than" not in why:
        assert lab.problem().why.startswith(why)


def test_all_problems_are_told_at_once(lab: Folder) -> None:
    wrong = ITEM.format(probe="{name: a, kind: tcp}, {name: b, kind: smtp}")
    lab.write(FILE, catalog(PLAIN, wrong, "- {name: n, kind: router, name_vi: a, name_en: b}"))
    assert [problem.key for problem in lab.problems()] == [
        "items[1].probes[0].port",
        "items[1].probes[1].kind",
        "items[2].kind",
    ]


def test_a_server_names_an_item_of_the_catalog(lab: Folder) -> None:
    old = "{name: web, flavor: container.medium,"
    lab.change("agencies.yaml", old, f"{old} item: web-server,")
    servers = {server.name: server.item for server in lab.load().agency("sotttt").servers}
    assert servers == {"web": "web-server", "records": "plain-server"}
    lab.change("agencies.yaml", "item: web-server", "item: wep-server")
    assert "did you mean web-server?" in lab.problem().way_out
    lab.change("agencies.yaml", "item: wep-server", "item: private-network")
    assert lab.problem().why == "is not a server's item"


def test_without_a_catalog_a_server_can_name_no_item(lab: Folder) -> None:
    (lab.path / FILE).unlink()
    old = "{name: web, flavor: container.medium,"
    lab.change("agencies.yaml", old, f"{old} item: web-server,")
    assert lab.problem().why == "is not an item of the catalog"


def test_the_file_can_be_read_alone(tmp_path: Path) -> None:
    assert load_catalog(INVENTORIES / "lab" / FILE).items[0].name == "plain-server"
    broken = tmp_path / FILE
    broken.write_text(catalog(PLAIN, ITEM.format(probe="{name: a, kind: tcp}")))
    with pytest.raises(InventoryInvalid, match=r"catalog\.yaml: items\[1\]\.probes\[0\]\.port: is missing"):
        load_catalog(broken)
    with pytest.raises(InventoryInvalid, match="there is no such file"):
        load_catalog(tmp_path / "none.yaml")


def test_a_name_that_is_no_server_s_counts_as_the_default(lab: Folder) -> None:
    found = lab.load().catalog
    assert found.server_item("private-network").name == "plain-server"
    assert found.server_item("whatever the agency wrote").name == "plain-server"


ASKED = (
    "- {{name: app, kind: server, name_vi: a, name_en: b, blueprint: app/1, summary_vi: c, summary_en: d,"
    " parameters: [{{{parameter}}}]}}"
)


def test_what_is_asked_for_an_item_is_read(lab: Folder) -> None:
    catalog_ = lab.load().catalog
    assert [item.name for item in catalog_.requestable] == [
        "plain-server", "web-server", "database-server", "private-network",
    ]  # fmt: skip
    database = next(item for item in catalog_.items if item.name == "database-server")
    assert database.blueprint == "database-server/1"
    assert database.takes == Quota(ports=1, security_groups=1)
    checked = check_values(
        database.parameters, {"size": "vm.small", "volume_gib": "7", "database": "hoso", "ssh_key": KEY}
    )
    assert checked.problems == ()
    assert checked.takes == Quota(instances=1, cores=1, ram_mib=512, volumes=1, gigabytes=7)
    assert catalog_.prices.of(checked.takes)


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0gJ0pMRIh3TtoaITAnMS42WOgpcFZ4k5Vx0mVlyB4P an@sotc"


@pytest.mark.parametrize("site", ["lab", "production"])
def test_each_site_has_something_to_ask_for_in_words_of_both_languages(site: str) -> None:
    for item in load_catalog(INVENTORIES / site / FILE).requestable:
        for parameter in item.parameters:
            texts = [parameter.label, *(choice.label for choice in parameter.choices)]
            assert all(text.vi and text.en for text in texts)


LABELS = "label_vi: a, label_en: b"
CHOICE = "{value: x, label_vi: a, label_en: b}"


@pytest.mark.parametrize(
    ("parameter", "key", "why"),
    [
        (f"name: Size, kind: text, {LABELS}", "name", "is not a parameter's name"),
        (f"name: a, kind: colour, {LABELS}", "kind", "is not"),
        (f"name: a, kind: choice, {LABELS}", "choices", "are missing"),
        ("name: a, kind: text, label_vi: a", "label_en", "is missing"),
        (f"name: a, kind: text, {LABELS}, help_vi: c", "help_en", "the other language"),
        (f"name: a, kind: integer, {LABELS}, minimum: 1", "maximum", "is missing"),
        (f"name: a, kind: text, {LABELS}, minimum: 3, maximum: 2", "minimum", "above"),
        (f"name: a, kind: text, {LABELS}, takes: {{cores: 1}}", "takes", "integers and switches"),
        (f"name: a, kind: switch, {LABELS}, takes_once: {{cores: 1}}", "takes_once", "integers only"),
        (f"name: a, kind: text, {LABELS}, change: requested", "change", "written into the guest"),
        (f"name: a, kind: switch, {LABELS}, change: perhaps", "change", "is not"),
        (f"name: a, kind: switch, {LABELS}, unless: {{b: ['x']}}", "unless.b", "no other choice or switch"),
        (f"name: a, kind: switch, {LABELS}, unless: {{a: ['true']}}", "unless.a", "no other"),
        (f"name: a, kind: text, {LABELS}, pattern: '('", "pattern", "regular expression"),
        (f"name: a, kind: switch, {LABELS}, pattern: x", "pattern", "for texts only"),
        (f"name: a, kind: switch, {LABELS}, default: 'yes'", "default", "Choose yes or no"),
        (f"name: a, kind: text, {LABELS}, choices: [{CHOICE}]", "choices", "of no use"),
        (f"name: a, kind: choice, {LABELS}, choices: [{CHOICE}, {CHOICE}]", "choices[1].value", "already"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(lab: Folder, parameter: str, key: str, why: str) -> None:
    lab.write(FILE, catalog(PLAIN, ASKED.format(parameter=parameter)))
    (problem, *_) = [one for one in lab.problems() if one.file.endswith(FILE)]
    assert problem.key == f"items[1].parameters[0].{key}"
    assert why in problem.why


@pytest.mark.parametrize(
    ("more", "key", "why"),
    [
        ("required: false, unless: {size: [x, y]}", "unless.size[1]", "is no value of size"),
        ("unless: {size: [x]}", "unless", "there always"),
        ("required: false, default: '3', unless: {size: [x]}", "unless", "there always"),
        ("required: false, unless: {size: []}", "unless.size", "at least 1"),
    ],
)
def test_what_excludes_a_parameter_names_values_that_there_are(
    lab: Folder, more: str, key: str, why: str
) -> None:
    size = f"name: size, kind: choice, {LABELS}, choices: [{CHOICE}]"
    asked = f"{size}}}, {{name: gib, kind: integer, minimum: 1, maximum: 9, {LABELS}, {more}"
    lab.write(FILE, catalog(PLAIN, ASKED.format(parameter=asked)))
    (problem, *_) = [one for one in lab.problems() if one.file.endswith(FILE)]
    assert problem.key == f"items[1].parameters[1].{key}"
    assert why in problem.why


def test_how_what_stands_is_changed_is_read(lab: Folder) -> None:
    plain = lab.load().catalog.server_item("plain-server")
    policies = {one.name: one.change for one in plain.parameters}
    assert policies == {
        "size": ChangePolicy.REQUESTED, "volume_gib": ChangePolicy.REQUESTED,
        "public_address": ChangePolicy.REQUESTED, "ssh_key": None,
    }  # fmt: skip
    volume = next(one for one in plain.parameters if one.name == "volume_gib")
    assert volume.takes_once == Quota(volumes=1)
    assert volume.unless == {"size": ("container.small", "container.medium")}


@pytest.mark.parametrize("site", ["lab", "production"])
def test_no_site_offers_a_data_volume_to_a_container(site: str) -> None:
    inventory = load(INVENTORIES / site)
    kinds = {one.name: one.hypervisor_type for one in inventory.platform.flavors}
    for item in inventory.catalog.requestable:
        fields = {one.name: one for one in item.parameters}
        if "volume_gib" in fields:
            sizes = {one.value for one in fields["size"].choices if kinds[one.value] == "lxc"}
            assert sizes <= set(fields["volume_gib"].unless.get("size", ()))


def test_what_can_be_asked_for_says_what_it_is_and_what_cannot_asks_nothing(lab: Folder) -> None:
    plain = PLAIN.replace("kind: server", "kind: server, blueprint: plain-server/1")
    lab.write(FILE, catalog(plain))
    assert [(one.key, one.why) for one in lab.problems() if one.file.endswith(FILE)] == [
        ("items[0].summary_vi", "is missing: people choose by it")
    ]
    asking = PLAIN.replace(
        "kind: server", "kind: server, parameters: [{name: a, kind: switch, label_vi: a, label_en: b}]"
    )
    lab.write(FILE, catalog(asking))
    assert [one.key for one in lab.problems() if one.file.endswith(FILE)] == ["items[0].parameters"]


def test_a_size_takes_what_its_flavor_is(lab: Folder) -> None:
    lab.change(FILE, "takes: {instances: 1, cores: 1, ram_mib: 512}", "takes: {instances: 1, cores: 1}")
    problem = lab.problem()
    assert problem.key == "items[0].parameters[0].choices[0].takes"
    assert problem.way_out == "write instances: 1, cores: 1, ram_mib: 512"
