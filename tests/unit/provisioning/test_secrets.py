"""Secrets are made once, kept encrypted, completed when services are added, and never shown."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from infra.provisioning import certificates
from infra.provisioning.secrets import (
    Secrets,
    Vault,
    VaultDamaged,
    VaultPasswordMissing,
    VaultPasswordWrong,
    complete,
    ensure_lab_password,
)

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
NAMES = ["172.30.0.10", "ctl1"]
SERVICES = ["keystone", "nova"]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    password_file = tmp_path / "password"
    password_file.write_text("correct horse\n")
    return Vault(tmp_path / "site" / "secrets.yml", password_file)


def make_secrets(vault: Vault, services: list[str] = SERVICES, now: dt.datetime = NOW) -> Secrets:
    return vault.ensure("lab", services, NAMES, now)


def test_every_secret_of_the_contract_is_made(vault: Vault) -> None:
    values = make_secrets(vault).values
    assert set(values) == {
        "admin_password",
        "database_root_password",
        "message_queue_password",
        "erlang_cookie",
        "keycloak_admin_password",
        "keycloak_database_password",
        "metadata_proxy_secret",
        "keepalived_password",
        "monitoring_password",
        "portal_audit_key",
        "portal_oidc_secret",
        "portal_passphrase",
        "portal_password",
        "portal_worker_key",
        "pulumi_passphrase",
        "services",
        "keystone_fernet_keys",
        "keystone_credential_keys",
        "tls",
    }
    assert set(values["services"]) == {"keystone", "nova"}
    assert set(values["services"]["nova"]) == {"database", "identity"}
    assert [len(base64.urlsafe_b64decode(key)) for key in values["keystone_fernet_keys"]] == [32, 32]
    assert certificates.covers(values["tls"]["api_certificate"], NAMES)


def test_a_second_run_changes_nothing(vault: Vault) -> None:
    first = make_secrets(vault)
    written = vault.path.read_bytes()
    assert make_secrets(vault) == first
    assert vault.path.read_bytes() == written


def test_a_service_that_is_added_gets_its_own_and_leaves_the_others(vault: Vault) -> None:
    before = make_secrets(vault).values
    after = make_secrets(vault, [*SERVICES, "octavia"]).values
    assert set(after["services"]) == {"keystone", "nova", "octavia"}
    assert {**after, "services": None} == {**before, "services": None}
    assert {name: after["services"][name] for name in SERVICES} == before["services"]


def test_an_expiring_certificate_is_renewed_under_the_same_authority(vault: Vault) -> None:
    before = make_secrets(vault).values["tls"]
    after = make_secrets(vault, now=NOW + dt.timedelta(days=380)).values["tls"]
    assert after["api_certificate"] != before["api_certificate"]
    assert after["ca_certificate"] == before["ca_certificate"]


def test_a_new_controller_gets_into_the_certificate(vault: Vault) -> None:
    make_secrets(vault)
    after = vault.ensure("lab", SERVICES, [*NAMES, "ctl2"], NOW).values["tls"]
    assert certificates.covers(after["api_certificate"], ["ctl2"])


def test_each_server_proves_itself_with_a_certificate_of_its_own(vault: Vault) -> None:
    both = {"ctl1": ["192.0.2.1"], "hv1": ["192.0.2.2"]}
    first = vault.ensure("lab", SERVICES, NAMES, NOW, both).values["tls"]
    assert certificates.covers(first["servers"]["hv1"]["certificate"], ["hv1", "192.0.2.2"])
    assert certificates.signed_by(first["servers"]["hv1"]["certificate"], first["ca_certificate"])
    assert first["servers"]["hv1"]["key"] != first["servers"]["ctl1"]["key"]
    assert vault.ensure("lab", SERVICES, NAMES, NOW, both).values["tls"] == first


def test_a_server_that_moved_gets_another_certificate_and_one_that_left_loses_its(vault: Vault) -> None:
    first = vault.ensure("lab", SERVICES, NAMES, NOW, {"ctl1": ["192.0.2.1"], "hv1": ["192.0.2.2"]})
    after = vault.ensure("lab", SERVICES, NAMES, NOW, {"ctl1": ["192.0.2.9"]}).values["tls"]["servers"]
    assert set(after) == {"ctl1"}
    assert after["ctl1"] != first.values["tls"]["servers"]["ctl1"]


def test_nothing_in_the_file_is_in_the_clear(vault: Vault) -> None:
    secrets = make_secrets(vault)
    content = vault.path.read_bytes()
    assert content.startswith(b"$ANSIBLE_VAULT;1.1;AES256")
    assert secrets.admin_password.encode() not in content
    assert vault.path.stat().st_mode & 0o777 == 0o600


def test_ansible_reads_the_file_as_a_mapping_named_secrets(vault: Vault) -> None:
    secrets = make_secrets(vault)
    clear = VaultLib([("default", VaultSecret(b"correct horse"))]).decrypt(vault.path.read_bytes())
    assert yaml.safe_load(clear) == {"secrets": secrets.values}


def test_a_wrong_password_is_refused_with_the_way_out_and_nothing_is_changed(vault: Vault) -> None:
    make_secrets(vault)
    written = vault.path.read_bytes()
    vault.password_file.write_text("wrong\n")
    with pytest.raises(VaultPasswordWrong, match="CITYCLOUD_VAULT_PASSWORD_FILE") as caught:
        make_secrets(vault, [*SERVICES, "octavia"])
    assert caught.value.problems[0].file == str(vault.password_file)
    assert vault.path.read_bytes() == written


@pytest.mark.parametrize("content", [None, ""])
def test_a_password_file_that_gives_none_is_refused(vault: Vault, content: str | None) -> None:
    vault.password_file.unlink()
    if content is not None:
        vault.password_file.write_text(content)
    with pytest.raises(VaultPasswordMissing, match="name a file with the password"):
        make_secrets(vault)
    assert not vault.path.exists()


def test_a_program_may_print_the_password(vault: Vault) -> None:
    secrets = make_secrets(vault)
    vault.password_file.write_text("#!/bin/sh\necho correct horse\n")
    vault.password_file.chmod(0o700)
    assert vault.load() == secrets


def test_a_file_that_is_no_vault_is_refused(vault: Vault) -> None:
    vault.path.parent.mkdir()
    vault.path.write_text("secrets: {}\n")
    with pytest.raises(VaultDamaged, match="is not an ansible-vault file; restore it"):
        vault.load()


@pytest.mark.parametrize("clear", [b"- a\n", b"{", b"secrets: text\n"])
def test_a_vault_that_holds_something_else_is_refused_without_quoting_it(vault: Vault, clear: bytes) -> None:
    vault.path.parent.mkdir()
    vault.path.write_bytes(VaultLib([("default", VaultSecret(b"correct horse"))]).encrypt(clear))
    with pytest.raises(VaultDamaged, match="holds no mapping `secrets`"):
        vault.load()


def test_secrets_do_not_show_themselves(vault: Vault) -> None:
    secrets = make_secrets(vault)
    for text in (repr(secrets), str(secrets), f"{secrets}"):
        assert text == "Secrets(19 hidden)"


def test_text_from_outside_is_redacted(vault: Vault) -> None:
    secrets = make_secrets(vault)
    key_line = secrets.values["tls"]["api_key"].splitlines()[1]
    text = f"user {secrets.admin_password} db {secrets.values['services']['nova']['database']} {key_line} end"
    assert secrets.redact(text) == "user [secret] db [secret] [secret] end"


def test_the_ca_certificate_is_no_secret(vault: Vault) -> None:
    secrets = make_secrets(vault)
    assert secrets.redact(secrets.ca_certificate) == secrets.ca_certificate


def test_the_keepalived_password_fits_its_eight_bytes() -> None:
    assert len(complete({}, "lab", [], NAMES, NOW)["keepalived_password"]) == 8


def test_a_lab_makes_its_own_password_once(tmp_path: Path) -> None:
    path = tmp_path / "vault-password"
    ensure_lab_password(path, tmp_path / "secrets.yml")
    written = path.read_text()
    ensure_lab_password(path, tmp_path / "secrets.yml")
    assert path.read_text() == written
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lost_lab_password_is_not_replaced_by_one_that_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    with pytest.raises(VaultPasswordMissing, match=r"the password of .* is gone; restore the file"):
        ensure_lab_password(tmp_path / "vault-password", tmp_path / "secrets.yml")
