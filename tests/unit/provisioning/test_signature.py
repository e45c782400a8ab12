"""Signatures are made and checked by OpenSSH, by the key that the inventory has."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.provisioning import signature
from infra.provisioning.signature import NotSigned, SignatureWrong, Signer, verify
from tests.unit.provisioning.team import make_signer


@pytest.fixture(scope="module")
def an(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_signer(tmp_path_factory.mktemp("an"), "an")


@pytest.fixture(scope="module")
def binh(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_signer(tmp_path_factory.mktemp("binh"), "binh")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_what_an_operator_signs_is_theirs(kind: str, tmp_path: Path) -> None:
    signer = make_signer(tmp_path, "an", kind)
    verify(signer.operator, "a text\n", signer.sign("a text\n"))


@pytest.mark.parametrize("text", ["", "another text\n", "a text", "a text\n\n"])
def test_a_signature_is_for_its_text(an: Signer, text: str) -> None:
    signed = an.sign("a text\n")
    with pytest.raises(SignatureWrong, match=r"sign with the key that operators\.yaml has"):
        verify(an.operator, text, signed)


def test_a_signature_is_for_its_key(an: Signer, binh: Signer) -> None:
    with pytest.raises(SignatureWrong, match="not the signature of binh"):
        verify(binh.operator, "a text\n", an.sign("a text\n"))


@pytest.mark.parametrize("signed", ["", "no signature", "-----BEGIN SSH SIGNATURE-----\nAAAA\n"])
def test_what_is_no_signature_is_wrong(an: Signer, signed: str) -> None:
    with pytest.raises(SignatureWrong):
        verify(an.operator, "a text\n", signed)


def test_a_signature_for_another_purpose_is_wrong(an: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who signs a commit or a file with their key has confirmed no plan."""
    with monkeypatch.context() as patch:
        patch.setattr(signature, "NAMESPACE", "git")
        signed = an.sign("a text\n")
    with pytest.raises(SignatureWrong):
        verify(an.operator, "a text\n", signed)


def test_a_key_that_is_not_the_operator_s_signs_nothing(an: Signer, binh: Signer) -> None:
    with pytest.raises(SignatureWrong, match="not the signature of an"):
        replace(an, key=binh.key).sign("a text\n")


def test_a_key_that_is_no_key_says_the_way_out(an: Signer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(NotSigned, match=r"an: .*; name the private key's file with --key"):
        replace(an, key=tmp_path / "key").sign("a text\n")


def test_without_a_key_and_an_agent_nothing_is_signed(an: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(NotSigned, match="load it into ssh-agent"):
        replace(an, key=None).sign("a text\n")


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (FileNotFoundError("ssh-keygen"), "install openssh-client"),
        (subprocess.TimeoutExpired("ssh-keygen", 120), "nobody answered for the key within 120 s"),
    ],
)
def test_a_machine_without_openssh_or_a_person_who_is_away_is_told(
    an: Signer, monkeypatch: pytest.MonkeyPatch, error: Exception, match: str
) -> None:
    def fails(*given: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(NotSigned, match=match):
        an.sign("a text\n")


def test_a_private_key_is_never_shown(an: Signer) -> None:
    assert an.key is not None
    assert an.key.read_text(encoding="utf-8").splitlines()[1] not in repr(an)
