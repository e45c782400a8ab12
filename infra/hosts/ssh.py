"""SSH to the site's servers: pinned host keys only, a deadline on everything.

A server whose key is unknown or has changed is refused, never asked about: whoever made the server (the lab,
or the people who installed it) has pinned its key in the site's known_hosts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import paramiko

from infra.errors import InfraError

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
RETRY_SECONDS = 0.1
PORT = 22


class SSHFailed(InfraError):
    """SSH to a server failed; the message says which and how."""

    code = "ssh_failed"


class HostUnreachable(SSHFailed):
    """The server does not answer on its SSH port; see that it is on and the address is right."""

    code = "host_unreachable"


class HostKeyUnknown(SSHFailed):
    """The server's host key is not pinned; compare its fingerprint on its console, then add it."""

    code = "host_key_unknown"


class HostKeyChanged(SSHFailed):
    """The server has another host key than the pinned one: reinstalled, or not that server at all."""

    code = "host_key_changed"


class LoginRefused(SSHFailed):
    """The server refuses the site's deploy key; add its public half to authorized_keys there."""

    code = "login_refused"


class CommandTimedOut(SSHFailed):
    """A command on a server passed its deadline."""

    code = "command_timed_out"


class RemoteCommandFailed(SSHFailed):
    """A command on a server ended with a failure; the message holds its last words."""

    code = "remote_command_failed"


@dataclass(frozen=True)
class Target:
    """Where and as whom to log in. `name` is for people."""

    name: str
    address: str
    user: str
    key: Path
    known_hosts: Path
    port: int = PORT


@dataclass(frozen=True)
class Result:
    """What a command left: exit status and text."""

    status: int
    output: str
    errors: str


class Connection:
    """`with Connection(target) as connection: connection.run("uptime")`."""

    def __init__(self, target: Target, deadline_seconds: float = CONNECT_SECONDS) -> None:
        self.target = target
        self._client = _connect(target, deadline_seconds)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def run(
        self, command: str, *, input_text: str | None = None, deadline_seconds: float = COMMAND_SECONDS
    ) -> Result:
        """What `command` left, whatever its status. Raises CommandTimedOut, HostUnreachable."""
        transport = self._client.get_transport()
        if transport is None:
            raise HostUnreachable(f"{self.target.name}: the connection is closed")
        try:
            channel = transport.open_session(timeout=deadline_seconds)
            with channel:
                channel.exec_command(command)
                return self._converse(channel, command, input_text, time.monotonic() + deadline_seconds)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise HostUnreachable(f"{self.target.name}: the connection broke: {error}") from error

    def _converse(
        self, channel: paramiko.Channel, command: str, input_text: str | None, deadline: float
    ) -> Result:
        """Writes and reads both outputs all at once: a program may answer before it has heard everything."""
        output: list[bytes] = []
        errors: list[bytes] = []
        listener = threading.Thread(target=_drain, args=(channel.recv_stderr, errors), daemon=True)
        listener.start()
        threading.Thread(target=_send, args=(channel, input_text or ""), daemon=True).start()
        while True:
            left = deadline - time.monotonic()
            channel.settimeout(max(left, 0.01))
            try:
                chunk = channel.recv(65536)
            except TimeoutError:
                raise self._too_late(command) from None
            if not chunk:
                break
            output.append(chunk)
        if not channel.status_event.wait(max(deadline - time.monotonic(), 0.01)):
            raise self._too_late(command)
        listener.join(1.0)
        return Result(channel.recv_exit_status(), _text(output), _text(errors))

    def _too_late(self, command: str) -> CommandTimedOut:
        return CommandTimedOut(f"{self.target.name}: `{_short(command)}` passed its deadline")


def run(
    target: Target, command: str, *, input_text: str | None = None, deadline_seconds: float = COMMAND_SECONDS
) -> Result:
    """One command over a connection of its own. Raises RemoteCommandFailed unless it ends with 0."""
    with Connection(target) as connection:
        result = connection.run(command, input_text=input_text, deadline_seconds=deadline_seconds)
    if result.status != 0:
        words = (result.errors.strip() or result.output.strip())[-2000:]
        raise RemoteCommandFailed(f"{target.name}: `{_short(command)}` failed with {result.status}: {words}")
    return result


def wait_for_ssh(target: Target, deadline_seconds: float) -> float:
    """Seconds until the server took a login and a command. A wrong key is raised at once."""
    started = time.monotonic()
    while True:
        try:
            with Connection(target, deadline_seconds=2.0) as connection:
                connection.run("true", deadline_seconds=5.0)
        except (HostUnreachable, CommandTimedOut) as error:
            if time.monotonic() - started > deadline_seconds:
                raise HostUnreachable(f"no SSH in {deadline_seconds:.0f} s: {error}") from error
            time.sleep(RETRY_SECONDS)
        else:
            return time.monotonic() - started


def _connect(target: Target, deadline_seconds: float) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if target.known_hosts.exists():
        client.load_host_keys(str(target.known_hosts))
    where = f"{target.name} ({target.address})"
    try:
        client.connect(
            target.address,
            port=target.port,
            username=target.user,
            key_filename=str(target.key),
            look_for_keys=False,
            allow_agent=False,
            timeout=deadline_seconds,
            banner_timeout=deadline_seconds,
            auth_timeout=deadline_seconds,
        )
    except paramiko.BadHostKeyException as error:
        raise HostKeyChanged(f"{where} has another host key than {target.known_hosts} pins") from error
    except paramiko.AuthenticationException as error:
        raise LoginRefused(f"{where} does not accept the key {target.key} for {target.user}") from error
    except (TimeoutError, OSError, EOFError) as error:
        raise HostUnreachable(f"{where} does not answer on port {target.port}: {error}") from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise HostKeyUnknown(f"the host key of {where} is not in {target.known_hosts}") from error
        raise HostUnreachable(f"{where}: SSH broke off: {error}") from error
    return client


def _send(channel: paramiko.Channel, text: str) -> None:
    try:
        channel.sendall(text.encode())
        channel.shutdown_write()
    except (OSError, EOFError, paramiko.SSHException):
        return  # the program or the connection ended before it heard all; the reader of the output reports it


def _drain(receive: Callable[[int], bytes], into: list[bytes]) -> None:
    try:
        while chunk := receive(65536):
            into.append(chunk)
    except OSError:
        return  # the reader of the output reports it


def _text(chunks: list[bytes]) -> str:
    return b"".join(chunks).decode(errors="replace")


def _short(command: str) -> str:
    first = command.strip().splitlines()[0] if command.strip() else ""
    return first if len(first) <= 80 else first[:77] + "..."
