"""The pair of keys that the portal makes for a person: OpenSSH takes it; nothing tells its private half."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from infra.domain.parameter import Parameter, ParameterKind
from infra.domain.words import Words
from infra.portal.ssh_key import make_key


def test_openssh_reads_the_private_half_and_finds_the_public_one(tmp_path: Path) -> None:
    made = make_key("hoa")
    file = tmp_path / made.file
    file.touch(mode=0o600)
    file.write_text(made.private)
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", str(file)], capture_output=True, text=True, check=True
    ).stdout
    assert derived.split()[:2] == made.public.split()[:2]
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", "-"], input=made.public, capture_output=True, text=True, check=True
    )
    assert made.fingerprint in told.stdout.split()


def test_the_public_half_is_what_a_form_takes() -> None:
    field = Parameter("key", ParameterKind.SSH_KEY, Words("Khóa", "Key"))
    assert field.check(make_key("hoa").public) is None


def test_the_link_holds_the_whole_private_half_and_the_repr_nothing_of_it() -> None:
    made = make_key("hoa")
    assert base64.b64decode(made.link.partition(",")[2]).decode() == made.private
    assert made.private not in repr(made)
    assert "PRIVATE" not in repr(made)


def test_each_key_is_another_one() -> None:
    assert make_key("hoa").public != make_key("hoa").public


@pytest.mark.parametrize(
    ("name", "file"),
    [("hoa", "citycloud-hoa.key"), ("../../etc/x", "citycloud-etc-x.key"), ('a"b c', "citycloud-a-b-c.key"),
     ("Hoà", "citycloud-ho.key"), ("Đ", "citycloud-key.key")],
)  # fmt: skip
def test_a_file_has_a_plain_name_whatever_the_persons_is(name: str, file: str) -> None:
    made = make_key(name)
    assert made.file == file
    assert made.public.split()[2] == file.removeprefix("citycloud-").removesuffix(".key") + "@citycloud"
