"""operators.yaml: whoever may confirm is written so that two people can be told apart."""

from __future__ import annotations

import base64

import pytest

from .conftest import Folder

FILE = "operators.yaml"


def make_key(letter: str = "a", kind: str = "ssh-ed25519", size: int = 32) -> str:
    """A key as OpenSSH writes it, with no secret behind it."""
    parts = kind.encode(), letter.encode() * size
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"{kind} {base64.b64encode(blob).decode()} {letter}@host"


def make_ecdsa_key(letter: str = "a") -> str:
    kind = b"ecdsa-sha2-nistp256"
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, b"nistp256", letter.encode() * 65))
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"


def entry(name: str = "an", key: str = "", more: str = "") -> str:
    return (
        f"  - {{name: {name}, full_name: 'Nguyễn Văn {name}', ssh_public_key: '{key or make_key()}'{more}}}\n"
    )


def test_a_site_may_be_without_operators(lab: Folder) -> None:
    assert lab.load().operators == ()


def test_operators_are_read_with_their_keys(lab: Folder) -> None:
    lab.write(
        FILE, "operators:\n" + entry("an") + entry("binh", make_key("b")) + entry("chi", make_ecdsa_key())
    )
    operators = lab.load().operators
    assert [one.name for one in operators] == ["an", "binh", "chi"]
    assert operators[0].full_name == "Nguyễn Văn an"
    assert operators[0].key == tuple(make_key().split()[:2])


def test_operators_are_part_of_the_inventory_s_digest(lab: Folder) -> None:
    before = lab.load().content_digest
    lab.write(FILE, "operators:\n" + entry())
    assert lab.load().content_digest != before


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("no key", "not an OpenSSH public key"),
        ("ssh-ed25519", "not an OpenSSH public key"),
        ("ssh-dss AAAA", "not an OpenSSH public key"),
        ("ssh-ed25519 %%%%", "not an OpenSSH public key"),
        (f"no-pty {make_key()}", "not an OpenSSH public key"),
        (make_key().replace("ssh-ed25519 ", "ssh-rsa "), "cut off or of another kind"),
        (f"ssh-ed25519 {make_key().split()[1][:32]}", "cut off or of another kind"),
        (f"ssh-ed25519 {make_key().split()[1][:-4]}", "cut off or of another kind"),
        (make_key(size=31), "cut off or of another kind"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut off or of another kind"),
        ("ssh-ed25519 AAAA", "cut off or of another kind"),
    ],
)
def test_what_is_no_whole_public_key_is_refused(lab: Folder, key: str, why: str) -> None:
    lab.write(FILE, "operators:\n" + entry(key=key))
    problem = lab.problem()
    assert problem.key == "operators[0].ssh_public_key"
    assert problem.value.startswith(key[:77])
    assert why in problem.why
    assert problem.way_out == "paste the one line of the person's id_ed25519.pub"


def test_the_same_key_in_other_letters_is_no_second_person(lab: Folder) -> None:
    """Base64 leaves spare bits at its end, so that one key could be written in several ways."""
    key = make_ecdsa_key()
    assert key.endswith("=")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = f"{key[:-2]}{letters[letters.index(key[-2]) + 1]}="
    assert base64.b64decode(twin.split()[1]) == base64.b64decode(key.split()[1])
    lab.write(FILE, "operators:\n" + entry("an", key) + entry("binh", twin))
    problem = lab.problem()
    assert (problem.key, problem.why) == (
        "operators[1].ssh_public_key",
        "is not written as OpenSSH writes it",
    )


def test_two_people_are_two_names_and_two_keys(lab: Folder) -> None:
    lab.write(FILE, "operators:\n" + entry("an") + entry("an", make_key("b")) + entry("chi", make_key()[:-4]))
    told = {(one.key, one.why) for one in lab.problems()}
    assert told == {
        ("operators[1].name", "is already the name of operators[0]"),
        ("operators[2].ssh_public_key", "is already the key of operators[0]"),
    }


def test_a_private_key_in_the_wrong_place_is_refused_and_not_repeated(lab: Folder) -> None:
    lab.write(FILE, "operators:\n" + entry(key="-----BEGIN EC PRIVATE KEY----- MHcCAQEEIhunter2"))
    problem = lab.problem()
    assert problem.value == "(hidden)"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("operators:\n", "operators", "must be a list"),
        ("operators: an\n", "operators", "must be a list"),
        ("operators: {an: key}\n", "operators", "must be a list"),
        ("people: []\n", "operators", "is missing"),
        ("- an\n", "(whole file)", "is not a mapping"),
        ("", "(whole file)", "is empty"),
        ("operators: [an]\n", "operators[0]", "must be a mapping"),
        ("operators: [{}]\n", "operators[0].name", "is missing"),
        ("operators:\n" + entry("An"), "operators[0].name", "is not a DNS label"),
        ("operators:\n" + entry("a.*"), "operators[0].name", "is not a DNS label"),
        ("operators:\n" + entry("12"), "operators[0].name", "must be text"),
        ("operators:\n" + entry(more=", role: admin"), "operators[0].role", "is not a known key"),
        ("operators: []\nadmins: []\n", "admins", "is not a known key"),
    ],
)
def test_a_wrong_file_says_where_what_and_the_way_out(lab: Folder, text: str, key: str, why: str) -> None:
    lab.write(FILE, text)
    found = [one for one in lab.problems() if one.key == key]
    assert len(found) == 1
    assert why in found[0].why
    assert found[0].file.endswith(FILE)


def test_everything_wrong_is_told_at_once(lab: Folder) -> None:
    lab.write(FILE, "operators:\n" + entry("An", "no key") + entry("binh", "no key either") + entry("an"))
    assert [one.key for one in lab.problems()] == [
        "operators[0].name", "operators[0].ssh_public_key", "operators[1].ssh_public_key",
    ]  # fmt: skip
