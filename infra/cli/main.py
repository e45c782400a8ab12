"""The entry point: finds the command, turns errors into messages and exit codes.

Exit codes: 0 done; 1 a defect of City Cloud itself; 2 wrong usage; 3 invalid input, nothing was changed; 4
another run holds the site; 5 a phase failed or was stopped; 6 not healthy. With `--output json` an error is
`{"error": {"code", "message", "problems"}}` on standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import click

from infra.errors import InfraError, Problems

COMMANDS = {
    "up": "Bring a whole site up, or go on where a run was cut.",
    "down": "Remove a lab and everything that `up` made for it.",
    "status": "Show what the site is and does now.",
    "top": "Watch the site: APIs, alerts with their runbooks, hypervisors, agencies.",
    "dashboards": "Dashboards as code, for a Grafana of the city's.",
    "verify": "Prove that the site serves: VMs over SSH, isolation, APIs, targets.",
    "preflight": "Check servers and deploy host before a deployment.",
    "deploy": "Deploy only the named phases of a site, in their order.",
    "inventory": "Check the inventory of a site.",
    "depot": "Build and verify the depot that servers install from.",
    "lab": "Make, start, stop and remove the servers of a site that stands on this machine.",
    "logs": "Search the journals of all servers.",
    "maintenance": "Maintenance windows, and the silences that stand for them.",
    "platform": "The platform stack: flavors, images, networks, aggregates, roles.",
    "sla": "What agencies were promised and got, from the SLA ledger.",
    "forecast": "When what the city hands out will be used up.",
    "zone": "The landing zones of the agencies: project, people, quotas, network, first servers.",
    "request": "Ask for catalog items, and follow what becomes of it.",
    "approve": "Decide on requests, with the facts in front of you.",
    "deployment": "What was made of approved requests: list, start, stop, change, renew, give back.",
    "people": "Accounts of an agency's people: who may sign in to the portal.",
    "portal": "The self-service portal: its server, its worker, its data.",
    "audit": "The portal's audit records: follow their chain, note its end.",
    "completion": "Print the shell's completion script.",
}
EXIT_DEFECT, EXIT_USAGE, EXIT_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_UNHEALTHY = 1, 2, 3, 4, 5, 6
BUSY_CODES = frozenset({"busy", "depot_busy", "too_many", "agency_at_work"})
_INPUT_CODES = (
    "month_invalid", "head_invalid", "agency_unknown", "ledger_server_unknown", "backup_broken",
    "backup_refused", "still_standing", "held_by_law",
)  # fmt: skip
_REFUSED_BY_THE_PORTAL = (
    "portal_address_invalid", "token_file_refused", "sign_in_needed", "not_allowed", "not_found", "conflict",
    "input_refused", "bad_request", "too_large", "name_not_unique",
)  # fmt: skip
"""Nothing was changed; who asks has to ask otherwise."""
EXIT_CODES = {
    **dict.fromkeys(BUSY_CODES, EXIT_BUSY),
    "plan_refused": EXIT_INPUT,
    "not_healthy": EXIT_UNHEALTHY,
    "site_unknown": EXIT_UNHEALTHY,
    "monitoring_unreachable": EXIT_UNHEALTHY,
    "ledger_broken": EXIT_UNHEALTHY,
    "audit_broken": EXIT_UNHEALTHY,
    **dict.fromkeys(("portal_unreachable", "directory_unreachable", "store_unreachable"), EXIT_UNHEALTHY),
    **dict.fromkeys(_REFUSED_BY_THE_PORTAL, EXIT_INPUT),
    **dict.fromkeys(_INPUT_CODES, EXIT_INPUT),
}


class Commands(click.Group):
    """Imports a command's module when it is called: `citycloud --help` needs neither Ansible nor Pulumi."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"infra.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"infra.cli.{cmd_name}.{cmd_name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="citycloud")
def citycloud() -> None:
    """City Cloud: a city's shared government cloud, from bare Debian servers to the agencies' landing
    zones."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    as_json = _wants_json(arguments)
    try:
        result = citycloud.main(args=list(arguments), prog_name="citycloud", standalone_mode=False)
    except click.ClickException as error:
        if as_json:
            _print_error({"code": "usage", "message": error.format_message(), "problems": []})
        else:
            error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return EXIT_FAILED
    except InfraError as error:
        _report(error, as_json)
        return exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing to flush to
        return 0
    return result if isinstance(result, int) else 0


def exit_code(error: InfraError) -> int:
    """What a script branches on. A phase that found something busy is busy: run it again as it is."""
    if isinstance(error, Problems):
        return EXIT_INPUT
    cause = getattr(error, "cause_code", "")
    return EXIT_BUSY if cause in BUSY_CODES else EXIT_CODES.get(error.code, EXIT_FAILED)


def main() -> None:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    sys.exit(run(sys.argv[1:]))


def _stop(number: int, frame: FrameType | None) -> None:
    """The first signal stops the run in order; further ones do not disturb that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _report(error: InfraError, as_json: bool) -> None:
    from infra.cli.output import error_document

    if as_json:
        _print_error(error_document(error)["error"])
    else:
        click.echo(f"citycloud: {error} [{error.code}]", err=True)


def _print_error(error: dict[str, Any]) -> None:
    click.echo(json.dumps({"error": error}, indent=2, ensure_ascii=False))


def _wants_json(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(word == "--output=json" or (word, value) == ("--output", "json") for word, value in pairs)
