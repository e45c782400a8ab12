"""The example of a real site: everything that can be known of it without its servers."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PRODUCTION = ROOT / "inventories/production"
# Every controller, and of the many alike hypervisors the first and the last.
LIMIT = "controllers:gateways:monitoring:portal:keycloak:hypervisors[0]:hypervisors[-1]"

PLAIN_SECRETS = (
    "admin_password", "database_root_password", "message_queue_password", "erlang_cookie",
    "metadata_proxy_secret", "keepalived_password", "monitoring_password",
    "keycloak_admin_password", "keycloak_database_password",
    "portal_audit_key", "portal_oidc_secret", "portal_passphrase", "portal_password", "portal_worker_key",
)  # fmt: skip
SERVICES = [path.stem for path in (ROOT / "playbooks/services").glob("*.yml")]
SECRETS = {
    **dict.fromkeys(PLAIN_SECRETS, "not-a-secret"),
    "services": {name: {"database": "not-a-secret", "identity": "not-a-secret"} for name in SERVICES},
    "keystone_fernet_keys": ["a", "b"],
    "keystone_credential_keys": ["a", "b"],
    "tls": dict.fromkeys(("ca_certificate", "ca_key", "api_certificate", "api_key"), "pem\n"),
}


def ansible(tmp_path: Path, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "secrets": SECRETS,
        "site_dir": str(tmp_path),
        "depot_dir": str(tmp_path),
        "project_root": str(tmp_path),
        "citycloud_version": "0",
        "render_folder": str(tmp_path / "rendered"),
        "roles_of_project": sorted(path.name for path in (ROOT / "playbooks/roles").iterdir()),
    }
    (tmp_path / "ansible.cfg").touch()
    # The rendering is put into a copy of the playbooks, whose group_vars and roles' own variables it uses.
    shutil.copytree(ROOT / "playbooks", tmp_path / "playbooks")
    parts = ROOT / "tests/functional/render"
    shutil.copy(parts / "render.yml", tmp_path / "playbooks")
    for role in (tmp_path / "playbooks/roles").iterdir():
        (role / "tasks").mkdir(exist_ok=True)
        shutil.copy(
            parts / ("service.yml" if role.name == "service" else "role.yml"), role / "tasks/render.yml"
        )
    (tmp_path / "variables.yml").write_text(yaml.safe_dump(variables))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_LIBRARY": str(tmp_path / "playbooks/library"),
        "ANSIBLE_FORKS": "4",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [
            str(BIN / "ansible-playbook"),
            "-i",
            str(PRODUCTION / "hosts.yml"),
            "-e",
            f"@{tmp_path / 'variables.yml'}",
            *arguments,
            str(tmp_path / "playbooks" / playbook),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_site_playbook_has_no_syntax_error(tmp_path: Path) -> None:
    result = ansible(tmp_path, "site.yml", "--syntax-check")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("production")
    result = ansible(folder, "render.yml", "--limit", LIMIT)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
    return folder / "rendered"


def test_every_template_of_every_role_renders(rendered: Path) -> None:
    templates = {
        path
        for path in (ROOT / "playbooks/roles").glob("*/templates/*.j2")
        if path.parents[1].name != "service"
    }
    names = {f"{path.parents[1].name}-{path.name.removesuffix('.j2')}" for path in templates}
    files = {path.name for path in rendered.rglob("*") if path.is_file()}
    assert names <= files
    assert {"nova-nova.conf", "neutron-ml2_conf.ini", "keystone-api.service", "schema-nova"} <= files


def test_three_controllers_form_clusters(rendered: Path) -> None:
    galera = (rendered / "ctl2/database-mariadb.cnf").read_text()
    assert "wsrep_on = ON" in galera
    queue = (rendered / "ctl2/message_queue-rabbitmq.conf").read_text()
    assert queue.count("cluster_formation.classic_config.nodes.") == 3
    assert "--db-nb-cluster-remote-addr" in (rendered / "ctl2/network-ovn-central").read_text()
    balancer = (rendered / "ctl2/load_balancer-haproxy.cfg").read_text()
    assert balancer.count(" backup") == 2


def test_what_the_portal_tells_monitoring_is_scraped_inside_and_refused_outside(rendered: Path) -> None:
    balancer = (rendered / "ctl1/load_balancer-haproxy.cfg").read_text()
    portal = balancer.split("listen portal\n")[1].split("\nlisten ")[0]
    assert "http-request return status 404 if { path,url_dec -m reg ^/+-/ }" in portal
    assert "option httpchk GET /-/healthy" in portal
    listens = yaml.safe_load((rendered / "portal1/portal-portal.yaml").read_text())["listen"]
    (monitored,) = rendered.glob("*/monitoring-prometheus.yml")
    jobs = {job["job_name"]: job for job in yaml.safe_load(monitored.read_text())["scrape_configs"]}
    assert jobs["portal"]["metrics_path"] == "/-/metrics"
    assert jobs["portal"]["static_configs"] == [{"targets": [listens], "labels": {"instance": "portal1"}}]
    watched = [one["labels"]["instance"] for one in jobs["server"]["static_configs"]]
    assert "portal1" in watched


def test_a_screen_is_reached_by_one_name_through_any_controller_and_no_token_is_written_down(
    rendered: Path,
) -> None:
    balancer = (rendered / "ctl1/load_balancer-haproxy.cfg").read_text()
    listed = balancer.split("listen nova-novncproxy\n")[1].split("\nlisten ")[0]
    assert re.findall(r"server (\w+) (\S+) check", listed) == [
        (f"ctl{number}", f"10.20.0.1{number}:6080") for number in (1, 2, 3)
    ]
    assert "option httplog" not in listed  # which writes the whole address
    assert "%HP" in listed
    assert "http-request del-header Cookie" in listed
    portal = yaml.safe_load((rendered / "portal1/portal-portal.yaml").read_text())
    compute = settings(rendered / "hv01/nova-nova.conf")
    proxy = settings(rendered / "ctl1/nova-nova.conf")
    assert compute["vnc"]["novncproxy_base_url"] == f"{portal['consoles']['origin']}/vnc_lite.html"
    for one in (compute, proxy):
        assert one["consoleauth"]["token_ttl"] == str(portal["consoles"]["seconds"])
    assert (proxy["vnc"]["novncproxy_host"], proxy["vnc"]["novncproxy_port"]) == ("10.20.0.11", "6080")
    quiet = settings(rendered / "ctl1/nova-console.conf")["DEFAULT"]["default_log_levels"]
    assert "nova.console.websocketproxy=WARNING" in quiet
    assert "--config-file /etc/nova/console.conf" in (rendered / "ctl1/nova-novncproxy.service").read_text()


def test_a_hypervisor_shows_screens_to_the_sites_own_servers_alone(rendered: Path) -> None:
    compute = settings(rendered / "hv01/nova-nova.conf")["vnc"]
    assert compute["enabled"] == "True"
    assert compute["server_listen"] == compute["server_proxyclient_address"] == "10.20.0.101"
    emulator = (rendered / "hv01/hypervisor-qemu.conf").read_text()
    assert "vnc_tls = 1\nvnc_tls_x509_verify = 1\n" in emulator
    assert settings(rendered / "ctl1/nova-nova.conf")["vnc"]["auth_schemes"] == "vencrypt"


def settings(file: Path) -> configparser.ConfigParser:
    made = configparser.ConfigParser(interpolation=None)
    made.read_string(file.read_text())
    return made


def test_people_sign_in_at_the_sites_keycloak(rendered: Path) -> None:
    """The portal's client and Keycloak's are one, and nobody from outside gets to its administration."""
    balancer = (rendered / "ctl1/load_balancer-haproxy.cfg").read_text()
    listed = balancer.split("listen keycloak\n")[1].split("\nlisten ")[0]
    only = "unless { src 10.20.0.0/22 } || { path,url_dec -m reg ^/+(realms/citycloud|resources)/ }"
    assert f"http-request return status 404 {only}" in listed
    assert "http-request return status 404 if { path,url_dec -m sub .. }" in listed
    portal = yaml.safe_load((rendered / "portal1/portal-portal.yaml").read_text())
    realm = json.loads((rendered / "portal1/keycloak-realm.json").read_text())
    server = (rendered / "portal1/keycloak-keycloak.conf").read_text()
    [address] = re.findall(r"^hostname=(.*)$", server, re.M)
    [client] = realm["clients"]
    assert portal["oidc"]["issuer"] == f"{address}/realms/{realm['realm']}"
    assert portal["oidc"]["client_id"] == client["clientId"]
    assert client["redirectUris"] == [f"{portal['address']}/oidc/callback"]
    assert client["secret"] == "${CITYCLOUD_CLIENT_SECRET}"
    secrets = (rendered / "portal1/keycloak-keycloak.env").read_text()
    assert 'CITYCLOUD_CLIENT_SECRET="not-a-secret"' in secrets
    assert "not-a-secret" not in server + json.dumps(realm)
    assert "CREATE DATABASE IF NOT EXISTS keycloak" in (rendered / "ctl1/database-databases.sql").read_text()


def test_a_real_hypervisor_uses_kvm_and_the_kernel_datapath(rendered: Path) -> None:
    configuration = (rendered / "hv01/nova-nova.conf").read_text()
    assert "virt_type = kvm" in configuration
    switch = (rendered / "hv01/network-switch.sh").read_text()
    assert "ovn-bridge-datapath-type=system" in switch
    assert "br-phy" not in switch


def test_a_worker_of_its_own_has_its_unit_and_the_portal_only_serves(tmp_path: Path) -> None:
    data = {
        "database": "postgresql+psycopg://portal@db.example/portal", "own_worker": True,
        "state_backend": "s3://states?region=hai-phong",
    }  # fmt: skip
    password = 'hải "$HOME" `id` \\'
    given = {"portal": data, "secrets": {**SECRETS, "portal_credentials": {"PGPASSWORD": password}}}
    result = ansible(tmp_path, "render.yml", "--limit", "portal", "-e", json.dumps(given))
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
    rendered = tmp_path / "rendered/portal1"
    settings = yaml.safe_load((rendered / "portal-portal.yaml").read_text())
    assert (settings["worker"], settings["database"]) == (False, data["database"])
    assert settings["state_backend"] == data["state_backend"]
    unit = (rendered / "portal-portal-worker.service").read_text()
    assert "citycloud portal worker --config /etc/citycloud/portal.yaml" in unit
    serves = (rendered / "portal-portal.service").read_text()
    hardening = serves.split("ReadWritePaths=")[1]
    assert unit.split("ReadWritePaths=")[1] == hardening
    assert "NoNewPrivileges=yes" in hardening
    told = 'set -a; . "$1"; exec printenv PGPASSWORD'
    read = subprocess.run(
        ["sh", "-c", told, "sh", rendered / "portal-portal.env"], capture_output=True, text=True, check=True
    )
    assert read.stdout == f"{password}\n"


def test_a_portal_alone_works_itself(rendered: Path) -> None:
    settings = yaml.safe_load((rendered / "portal1/portal-portal.yaml").read_text())
    assert settings["worker"] is True
    assert settings["state_backend"] == ""
    assert settings["database"].startswith("sqlite:///")
