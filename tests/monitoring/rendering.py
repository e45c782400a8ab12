"""The roles' templates as they arrive on the monitoring servers of a site that tests make up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.provisioning.playbook import MITOGEN, mitogen_plugins

ROOT = Path(__file__).parents[2]
SECRET = 'pass"word\\with $igns'
AGENCIES = {
    "city": {"code": "hai-phong", "name_vi": "Thành phố Hải Phòng", "name_en": "Hai Phong City"},
    "agencies": [
        {
            "code": "sxd", "name_vi": "Sở Xây dựng", "name_en": "Department of Construction",
            "alert_emails": ["cntt@sxd.test", "truc@sxd.test"],
        },
        {
            "code": "stc", "name_vi": 'Sở "Tài chính" & Giá', "name_en": "Department of Finance",
            "alert_emails": ["cntt@stc.test"],
        },
        {"code": "snv", "name_vi": "Sở Nội vụ", "name_en": "Department of Home Affairs"},
    ],
}  # fmt: skip
ALERTING = {
    "smarthost": "192.0.2.25:587", "sender": "cloud@city.test", "on_call": ["oncall@city.test"],
    "hotline": "0225 3 000 111",
    "teams": {"cloud_operations": ["ops@city.test"], "capacity_planning": ["plan@city.test"]},
}  # fmt: skip


def render(
    folder: Path,
    count: int = 1,
    secrets: Mapping[str, Any] | None = None,
    each: Sequence[Mapping[str, Any]] = (),
    portal: bool = True,
    **variables: Any,
) -> Path:
    """Files named `ctl1-prometheus.yml` and so on, in `folder`; mails' templates in `folder`/templates.

    `each` has variables of every server's own, in the servers' order, which go before the site's.
    """
    hosts: dict[str, dict[str, Any]] = {
        f"ctl{number}": {"ansible_host": f"192.0.2.{number}"} for number in range(1, count + 1)
    }
    for host, own in zip(hosts.values(), each, strict=False):
        host.update(own)
    certificate = folder / "ca.pem"
    certificate.touch()
    site = {
        "management_network": {"cidr": "192.0.2.0/24"}, "external_network": {"gateway": "198.51.100.1"},
        "site_name": "test", "region_name": "hai-phong", "identity_url": "https://192.0.2.10:5000/v3",
        "ca_file": str(certificate), "project_root": str(ROOT), "out": str(folder), "time_servers": [],
        "deadman_hosts": ["ctl1"], "alerting": ALERTING,
        "secrets": {
            "monitoring_password": SECRET, "alert_webhook_url": "http://192.0.2.99/hook",
            "alert_smtp_username": "cloud", "alert_smtp_password": SECRET, **(secrets or {}),
        },
    }  # fmt: skip
    inventory = {
        "controllers": {"hosts": hosts},
        "monitoring": {"hosts": {name: {} for name in hosts}},
        "portal": {"hosts": {"portal1": {"ansible_host": "192.0.2.31"}} if portal else {}},
        "all": {"vars": site},
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "agencies.yaml").write_text(yaml.safe_dump(AGENCIES, allow_unicode=True), encoding="utf-8")
    (folder / "extra.yml").write_text(
        yaml.safe_dump(
            {
                "monitoring_rules_file": f"{folder}/ctl1-rules.yaml",
                "monitoring_alert_templates": f"{folder}/templates",
                **variables,
            }
        )
    )
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STRATEGY": MITOGEN,  # as a deployment does: no Python is started for each file
        "ANSIBLE_STRATEGY_PLUGINS": str(mitogen_plugins()),
        "LC_ALL": "C.UTF-8",
    }
    place = folder / "playbooks"  # beside the templates that all roles share, as a deployment's playbooks are
    place.mkdir()
    (place / "templates").symlink_to(ROOT / "playbooks/templates")
    shutil.copy(ROOT / "tests/monitoring/render.yml", place)
    playbook = [
        Path(sys.executable).parent / "ansible-playbook", "-i", folder / "hosts.yml",
        place / "render.yml", "-e", f"@{folder}/extra.yml",
    ]  # fmt: skip
    done = subprocess.run(
        playbook, env=environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "templates").mkdir()
    shutil.copy(ROOT / "monitoring/alertmanager/email.tmpl", folder / "templates/email.tmpl")
    shutil.copy(folder / "ctl1-site.tmpl", folder / "templates/site.tmpl")
    return folder
