"""The site's servers: `hosts.yml` and the group variables beside it, merged as Ansible merges them.

Weakest first: `vars` of a group in hosts.yml, `group_vars/<group>.yml`, a host's own variables. Where Ansible
would silently let one of two equal ranks win (two groups, two patterns), the difference is refused instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import Field

from infra.domain.host import GROUPS, HYPERVISORS, OPTIONAL_GROUPS, Host
from infra.domain.label import RULE, is_label
from infra.errors import Problem
from infra.inventory.host_range import MAX_HOSTS, RangeError, expand
from infra.inventory.schema import Items, Located, Strict, validate
from infra.inventory.value import Address, Positive
from infra.inventory.wording import choose, nearest, shown


class HostModel(Strict):
    """A server that runs no guests."""

    ansible_host: Address
    tunnel_address: Address


class HypervisorModel(HostModel):
    """A server that runs guests."""

    virt_type: Literal["kvm", "qemu", "lxc", "fake"]
    cpus: int = Field(ge=1, le=4096)
    memory_mib: Positive
    disk_gib: Positive
    fake_count: int | None = Field(default=None, ge=1, le=1000)


@dataclass(frozen=True)
class Variable:
    """A value and the rank and place that gave it."""

    value: Any
    rank: int
    file: str
    key: str


@dataclass
class Collected:
    """What was read so far: hosts with their groups and variables, and what is wrong."""

    file: str
    groups: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, dict[str, Variable]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, key: str, value: Any, why: str, way_out: str) -> None:
        self.problems.append(Problem(self.file, shown(key), shown(value), why, way_out))

    def put(self, host: str, name: str, variable: Variable) -> None:
        """Give a host a variable; the higher rank wins, a tie of different values is a problem."""
        known = self.variables[host].get(name)
        if known is not None and known.rank == variable.rank and known.value != variable.value:
            why = f"says something else about {host} than {known.key}, which says {shown(known.value, name)}"
            value = shown(variable.value, name)
            self.problems.append(Problem(variable.file, variable.key, value, why, "keep one of the two"))
        elif known is None or variable.rank >= known.rank:
            self.variables[host][name] = variable


def load_hosts(
    file: str, data: Mapping[str, Any], group_vars: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> tuple[Items[Host], tuple[Problem, ...]]:
    """Hosts of `data` (hosts.yml). `group_vars` maps a group's name to its variables' file and content."""
    collected = Collected(file)
    for group in GROUPS:
        if group not in data and group not in OPTIONAL_GROUPS:
            collected.refuse(group, "", "is missing", f"add the group {group} with at least one host")
    for group, body in data.items():
        if group in GROUPS:
            _group(collected, group, body, group_vars.get(group))
        else:
            collected.refuse(group, "", "is not a known group", choose(group, GROUPS, "remove it"))
    if len(collected.groups) > MAX_HOSTS:
        collected.refuse("(whole file)", "", f"names more than {MAX_HOSTS} hosts", "split the site")
        return Items((), frozenset(collected.groups), False), tuple(collected.problems)
    entries = tuple(host for name in collected.groups if (host := _host(collected, name)) is not None)
    complete = not collected.problems
    return Items(entries, frozenset(collected.groups), complete), tuple(dict.fromkeys(collected.problems))


def _group(
    collected: Collected, group: str, body: Any, group_vars: tuple[str, Mapping[str, Any]] | None
) -> None:
    if not isinstance(body, dict):
        collected.refuse(group, body, "must be a mapping", "write `hosts:` below it")
        return
    for key in body:
        if key not in ("hosts", "vars"):
            collected.refuse(
                f"{group}.{key}", body[key], "is not a known key", choose(key, ("hosts", "vars"), "remove it")
            )
    hosts, own_vars = body.get("hosts"), body.get("vars")
    if not isinstance(hosts, dict) or not hosts:
        collected.refuse(
            f"{group}.hosts", hosts, "must name at least one host", "write `name: {variables}` lines below it"
        )
        return
    members: list[str] = []
    for pattern, variables in hosts.items():
        members += _pattern(collected, group, pattern, variables)
    if own_vars is not None and not isinstance(own_vars, dict):
        collected.refuse(f"{group}.vars", own_vars, "must be a mapping", "write `name: value` lines below it")
        own_vars = None
    for host in members:
        for name, value in (own_vars or {}).items():
            collected.put(host, name, Variable(value, 0, collected.file, f"{group}.vars.{name}"))
        if group_vars is not None:
            file, content = group_vars
            for name, value in content.items():
                collected.put(host, name, Variable(value, 1, file, name))


def _pattern(collected: Collected, group: str, pattern: str, variables: Any) -> Iterable[str]:
    key = f"{group}.hosts.{pattern}"
    try:
        names = expand(pattern)
    except RangeError as error:
        collected.refuse(key, pattern, str(error), "write a range like hv[01:20], both ends included")
        return ()
    bad = next((name for name in names if not is_label(name)), None)
    if bad is not None:
        collected.refuse(key, bad, "is not a host name (a DNS label)", f"use {RULE}")
        return ()
    if variables is not None and not isinstance(variables, dict):
        collected.refuse(key, variables, "must be a mapping", "write {} or `variable: value` lines")
        variables = None
    for host in names:
        groups = collected.groups.setdefault(host, [])
        if group not in groups:
            groups.append(group)
        collected.variables.setdefault(host, {})
        collected.places.setdefault(host, key)
        for name, value in (variables or {}).items():
            collected.put(host, name, Variable(value, 2, collected.file, f"{key}.{name}"))
    return names


def _host(collected: Collected, name: str) -> Located[Host] | None:
    """The host, or None with its problems noted where its variables stand."""
    place, groups, variables = collected.places[name], collected.groups[name], collected.variables[name]
    if "ansible_host" not in variables:
        described = [other for other, known in collected.variables.items() if "ansible_host" in known]
        likely = nearest(name, described)
        hint = f"; did you mean {likely}?" if likely else ""
        way_out = f"give it an ansible_host in one of its groups, or correct the name{hint}"
        collected.refuse(place, name, "is an unknown host: no group gives its address", way_out)
        return None
    is_hypervisor = HYPERVISORS in groups
    kind = HypervisorModel if is_hypervisor else HostModel
    data = {key: variable.value for key, variable in variables.items()}
    model, problems = validate(kind, data, collected.file, place)
    collected.problems.extend(_at_its_place(problem, place, variables) for problem in problems)
    if model is None:
        return None
    host = Host(name, model.ansible_host, model.tunnel_address, frozenset(groups))
    if isinstance(model, HypervisorModel):
        host = _hypervisor(collected, place, host, model)
    return Located(collected.file, place, host)


def _hypervisor(collected: Collected, place: str, host: Host, model: HypervisorModel) -> Host:
    is_fake = model.virt_type == "fake"
    if model.fake_count is not None and not is_fake:
        why = f"is only for virt_type fake, and {host.name} has {model.virt_type}"
        collected.refuse(f"{place}.fake_count", model.fake_count, why, "remove it")
    return replace(
        host,
        virt_type=model.virt_type,
        cpus=model.cpus,
        memory_mib=model.memory_mib,
        disk_gib=model.disk_gib,
        fake_count=(model.fake_count or 1) if is_fake else 0,
    )


def _at_its_place(problem: Problem, place: str, variables: Mapping[str, Variable]) -> Problem:
    """The problem, moved to the file and key that gave the variable."""
    name = problem.key.removeprefix(f"{place}.")
    variable = variables.get(name)
    return problem if variable is None else replace(problem, file=variable.file, key=variable.key)
