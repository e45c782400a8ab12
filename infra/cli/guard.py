"""Who asks and who confirms: options of commands that may need a second person, and `zone plans|confirm`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.inventory import Inventory
from infra.provisioning.confirmation import WaitingPlan
from infra.provisioning.signature import Signer
from infra.provisioning.stack_runs import confirmations
from infra.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def operator_options(function: F) -> F:
    """--operator NAME and --key FILE, as parameters `operator` and `key`; for `signer_of`."""
    key = click.option(
        "--key",
        envvar="CITYCLOUD_OPERATOR_KEY",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="That operator's private SSH key; without it the ssh-agent signs. [env: CITYCLOUD_OPERATOR_KEY]",
    )
    operator = click.option(
        "--operator",
        envvar="CITYCLOUD_OPERATOR",
        default="",
        metavar="NAME",
        help="Who you are, of operators.yaml. [env: CITYCLOUD_OPERATOR]",
    )
    return operator(key(function))


def signer_of(inventory: Inventory, operator: str, key: Path | None) -> Signer | None:
    """Who signs; None where nobody was named. Raises OperatorUnknown."""
    if not operator:
        return None
    settings = Settings.from_environment(os.environ)
    return Signer(confirmations(settings, inventory).operator(operator), key)


@click.command()
@inventory_option
@output_option
def plans(inventory: Path, output: str) -> None:
    """List the plans that were refused and wait for a second person."""
    settings = Settings.from_environment(os.environ)
    waiting = confirmations(settings, inventories.load(inventory)).plans()
    told = [
        {**_summary(plan), "state": state, "lines": plan.lines, "detail": plan.detail}
        for plan, state in waiting
    ]
    emit(output, told, lambda: "\n".join(_text(plan, state) for plan, state in waiting) or "no plan waits")


@click.command()
@click.argument("digest")
@inventory_option
@operator_options
@output_option
def confirm(digest: str, inventory: Path, operator: str, key: Path | None, output: str) -> None:
    """Confirm the plan DIGEST as a second operator: for 24 hours, for one run."""
    settings, loaded = Settings.from_environment(os.environ), inventories.load(inventory)
    signer = signer_of(loaded, operator, key)
    if signer is None:
        raise click.UsageError("say who you are with --operator NAME, and with --key FILE or an ssh-agent")
    plan = confirmations(settings, loaded).confirm(digest, signer)
    emit(output, _summary(plan), lambda: _text(plan, "confirmed"))


def _summary(plan: WaitingPlan) -> dict[str, Any]:
    return {
        "digest": plan.digest,
        "operation": plan.operation,
        "made_at": plan.made_at,
        "requested_by": plan.request.operator if plan.request else "",
        "confirmed_by": plan.confirmation.operator if plan.confirmation else "",
        "confirmed_at": plan.confirmation.at if plan.confirmation else "",
    }


def _text(plan: WaitingPlan, state: str) -> str:
    made = dt.datetime.fromisoformat(plan.made_at).astimezone().strftime("%Y-%m-%d %H:%M")
    asked = f"asked for by {plan.request.operator}" if plan.request else "nobody has signed for it"
    by = f", confirmed by {plan.confirmation.operator}" if plan.confirmation else ""
    head = f"{plan.digest[:12]}  {state}  {plan.operation}, {made}, {asked}{by}"
    return "\n".join([head, *(f"    {line}" for line in plan.lines)])
