"""The networks of a server: rows of `networks`, what Nova is sent for them, and the ports that came of them.

Rows are those that the program names, in its order. Ports that were attached afterwards (`InterfaceAttach`,
or by hand) belong to nobody's rows and do not show in them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.network import networks
from infra.cloud.port import ports
from infra.provider import rules
from infra.provider.property import Failure, Property
from infra.provider.resource import State
from infra.provider.values import UNKNOWN


def _chosen_by_neutron(value: Any) -> str:
    return "Neutron chooses it; make a Port with macAddress and give its id as port"


FIELDS = (
    Property("uuid", chosen_by_cloud=True, refers="network"),
    Property("name", chosen_by_cloud=True),
    Property("port", chosen_by_cloud=True, refers="port"),
    Property("fixedIpV4", chosen_by_cloud=True, rule=rules.address),
    Property("fixedIpV6", chosen_by_cloud=True, rule=rules.address),
    Property("mac", chosen_by_cloud=True, rule=_chosen_by_neutron),
    Property("accessNetwork", "boolean", default=False),
)
_MEANING = ("uuid", "name", "port", "fixedIpV4", "fixedIpV6")
Interface = dict[str, Any]


def wrong(rows: Any) -> Iterable[Failure]:
    """Rows that name no network."""
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict) and not row.keys() & {"uuid", "name", "port"}:
            yield f"networks[{index}]", "give uuid, name or port"


def alike(present: Any, wanted: Any) -> bool:
    """Whether the rows lead to the same networks, ports and addresses; what is not wanted is not compared."""
    before, after = present or [], wanted or []
    if not isinstance(after, list) or UNKNOWN in after or len(before) != len(after):
        return False
    return all(
        not row.get(name) or _plain(old.get(name)) == _plain(row[name])
        for old, row in zip(before, after, strict=True)
        for name in _MEANING
    )


def same(present: Any, wanted: Any) -> bool:
    """Whether nothing is to be changed: nothing is wanted, or the same rows with the same access network. An
    import does not know which that is."""
    return not wanted or (
        alike(present, wanted)
        and all(
            bool(old.get("accessNetwork")) == bool(row.get("accessNetwork"))
            for old, row in zip(present or [], wanted, strict=True)
            if "accessNetwork" in old
        )
    )


def mode(value: str) -> str | None:
    """The rule of `networkMode`."""
    return None if value.lower() in ("auto", "none") else f"must be auto or none, not {value!r}"


def fits(present: Any, wanted: str) -> bool:
    """Whether a server with these rows, of which no mode is known, can have been made in this mode."""
    return bool(present) == (wanted.lower() == "auto")


def requested(cloud: Cloud, inputs: Mapping[str, Any]) -> Any:
    """What Nova is sent: rows, `auto` or `none`. Without rows and mode a project's one network is taken, and
    no network where it has none."""
    if inputs.get("networks"):
        return [_request(cloud, row) for row in inputs["networks"]]
    if inputs.get("networkMode"):
        return str(inputs["networkMode"]).lower()
    own = networks(cloud).list(project_id=cloud.project_id, **{"router:external": "False"})
    return "auto" if own or networks(cloud).list(shared="True", **{"router:external": "False"}) else "none"


def rows_of(cloud: Cloud, server: Thing, known: Sequence[Mapping[str, Any]]) -> list[State]:
    """The server's interfaces as rows: those of `known` that are still there, all of them when none is
    known."""
    names = _names_by_mac(server)
    found = sorted(
        ports(cloud).look_where(device_id=server["id"]), key=lambda port: str(port.get("created_at", ""))
    )
    left = [_row(port, names) for port in found]
    if not known:
        return [_named(cloud, row) for row in left]
    rows: list[State] = []
    for wanted in known:
        match = max(left, key=lambda row: _likeness(row, wanted), default=None)
        if match is None or _likeness(match, wanted) == 0:
            continue
        left.remove(match)
        rows.append(_named(cloud, _as_known(match, wanted)))
    return rows


def access_addresses(server: Thing, rows: Sequence[State]) -> tuple[str, str]:
    """The addresses (IPv4, IPv6) to reach the server at: those of its access network, or its first."""
    chosen = ["", ""]
    for row in rows:
        for version, name in enumerate(("fixedIpV4", "fixedIpV6")):
            if row.get(name) and (not chosen[version] or row.get("accessNetwork")):
                chosen[version] = str(row[name])
    return chosen[0] or server.get("accessIPv4") or "", chosen[1] or server.get("accessIPv6") or ""


def importable(rows: Iterable[State]) -> list[State]:
    """The rows as a program would give them."""
    return [{name: row[name] for name in ("uuid", "port") if row.get(name)} for row in rows]


def _request(cloud: Cloud, row: Mapping[str, Any]) -> dict[str, Any]:
    if row.get("port"):
        return {"port": row["port"]}
    network = row.get("uuid") or _id_of(cloud, str(row["name"]))
    address = row.get("fixedIpV4") or row.get("fixedIpV6")
    return {"uuid": network, **({"fixed_ip": address} if address else {})}


def _id_of(cloud: Cloud, name: str) -> str:
    """The id of the one network of this name; our own project's comes before others'."""
    found = networks(cloud).list(name=name)
    own = [one for one in found if one.get("project_id") == cloud.project_id]
    chosen = own if len(own) == 1 else found
    if len(chosen) != 1:
        raise NotFound(f"{len(chosen)} networks are named {name}, not one: give uuid")
    return str(chosen[0]["id"])


def _names_by_mac(server: Thing) -> dict[str, str]:
    return {
        entry.get("OS-EXT-IPS-MAC:mac_addr", ""): name
        for name, entries in server.get("addresses", {}).items()
        for entry in entries
    }


def _row(port: Thing, names: Mapping[str, str]) -> Interface:
    addresses = [str(row["ip_address"]) for row in port.get("fixed_ips", [])]
    return {
        "uuid": port["network_id"],
        "port": port["id"],
        "mac": port.get("mac_address", ""),
        "name": names.get(port.get("mac_address", ""), ""),
        "fixedIpV4": next((one for one in addresses if ":" not in one), ""),
        "fixedIpV6": next((one for one in addresses if ":" in one), ""),
        "addresses": addresses,
    }


def _likeness(row: Interface, wanted: Mapping[str, Any]) -> int:
    """How surely a port is the one of a row: 0 when it is not."""
    if wanted.get("port"):
        return 8 if wanted["port"] == row["port"] else 0
    if wanted.get("uuid") and wanted["uuid"] != row["uuid"]:
        return 0
    if not wanted.get("uuid") and wanted.get("name") != row["name"]:
        return 0
    addresses = {_plain(one) for one in row["addresses"]}
    given = {_plain(wanted[name]) for name in ("fixedIpV4", "fixedIpV6") if wanted.get(name)}
    return 1 + 2 * len(given & addresses) + (4 if wanted.get("mac") == row["mac"] else 0)


def _as_known(row: Interface, wanted: Mapping[str, Any]) -> Interface:
    """The row with what the program called it: a network keeps its name, a port's addresses their choice."""
    row = {**row}
    if "accessNetwork" in wanted:
        row["accessNetwork"] = bool(wanted["accessNetwork"])
    if wanted.get("name") and wanted.get("uuid") in (None, "", row["uuid"]):
        row["name"] = wanted["name"]
    addresses = {_plain(one) for one in row["addresses"]}
    for name in ("fixedIpV4", "fixedIpV6"):
        if wanted.get(name) and _plain(wanted[name]) in addresses:
            row[name] = wanted[name]
    return row


def _named(cloud: Cloud, row: Interface) -> State:
    if not row["name"]:
        row = {**row, "name": (networks(cloud).look(row["uuid"]) or {}).get("name", "")}
    return {name: value for name, value in row.items() if name != "addresses"}


def _plain(value: Any) -> Any:
    """An address as all its writings are one (`[2001:DB8::1]`, `2001:db8:0::1`); anything else as it is."""
    try:
        return str(ipaddress.ip_address(str(value).strip("[]")))
    except ValueError:
        return value
