"""SSH that needs no server: what is said of commands. The rest is in tests/functional/hosts."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from infra.hosts import ssh

TARGET = ssh.Target("ctl1", "172.30.0.11", "root", Path("key"), Path("none"))


class Refusing:
    """A client whose connection fails in a given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.policy: object = None

    def set_missing_host_key_policy(self, policy: object) -> None:
        self.policy = policy

    def connect(self, *args: object, **words: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError("timed out"), ssh.HostUnreachable),
        (ConnectionRefusedError(111, "refused"), ssh.HostUnreachable),
        (EOFError(), ssh.HostUnreachable),
        (paramiko.SSHException("Error reading SSH protocol banner"), ssh.HostUnreachable),
        (paramiko.SSHException("Server '172.30.0.11' not found in known_hosts"), ssh.HostKeyUnknown),
        (paramiko.AuthenticationException("no"), ssh.LoginRefused),
        (paramiko.BadHostKeyException("x", paramiko.PKey(), paramiko.PKey()), ssh.HostKeyChanged),
    ],
)
def test_every_failure_has_its_name_and_tells_the_server(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[ssh.SSHFailed]
) -> None:
    client = Refusing(error)
    monkeypatch.setattr(paramiko, "SSHClient", lambda: client)
    with pytest.raises(kind, match=r"ctl1 \(172.30.0.11\)"):
        ssh.Connection(TARGET)
    assert isinstance(client.policy, paramiko.RejectPolicy)


def test_a_wrong_key_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paramiko, "SSHClient", lambda: Refusing(paramiko.AuthenticationException("no")))
    with pytest.raises(ssh.LoginRefused):
        ssh.wait_for_ssh(TARGET, 60.0)


def test_waiting_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paramiko, "SSHClient", lambda: Refusing(ConnectionRefusedError(111, "refused")))
    monkeypatch.setattr(ssh, "RETRY_SECONDS", 0.001)
    with pytest.raises(ssh.HostUnreachable, match="no SSH in 0 s"):
        ssh.wait_for_ssh(TARGET, 0.01)


def test_a_long_command_is_quoted_by_its_first_line() -> None:
    assert ssh._short("one\ntwo") == "one"
    assert len(ssh._short("x" * 200)) == 80
    assert ssh._short("\n") == ""


class Broken:
    """A channel whose connection breaks while it is told something."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def sendall(self, data: bytes) -> None:
        return

    def shutdown_write(self) -> None:
        raise self.failure


@pytest.mark.parametrize("failure", [OSError(), EOFError(), paramiko.SSHException()], ids=repr)
def test_a_connection_that_breaks_while_it_is_spoken_to_breaks_nothing_else(failure: Exception) -> None:
    ssh._send(Broken(failure), "words")  # type: ignore[arg-type]
