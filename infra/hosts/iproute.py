"""The door to `ip`, `ethtool` and `sysctl`. Every call names the network namespace that it means."""

from __future__ import annotations

import json
from collections.abc import Sequence

from infra.hosts.command import CommandFailed, run


def _ip(namespace: str, *words: str) -> str:
    return run(("ip", "-netns", namespace, *words))


def _inside(namespace: str, *argv: str) -> str:
    # not `ip netns exec`: it mounts /sys anew and hides the control groups
    return run(("nsenter", f"--net=/run/netns/{namespace}", *argv))


def add_namespace(namespace: str) -> None:
    run(("ip", "netns", "add", namespace))


def delete_namespace(namespace: str) -> None:
    run(("ip", "netns", "delete", namespace))


def links(namespace: str) -> tuple[str, ...]:
    """Names of the interfaces in the namespace."""
    found = json.loads(_ip(namespace, "-json", "link", "show") or "[]")
    return tuple(link["ifname"] for link in found)


def addresses(namespace: str, link: str) -> tuple[str, ...]:
    """`address/prefix` of every IPv4 address on the interface."""
    text = _ip(namespace, "-json", "-4", "address", "show", "dev", link)
    infos = [info for item in json.loads(text or "[]") for info in item.get("addr_info", ())]
    return tuple(f"{info['local']}/{info['prefixlen']}" for info in infos)


def add_bridge(namespace: str, link: str, mac: str) -> None:
    """With a MAC of its own: a bridge without one changes its address with its ports."""
    _ip(namespace, "link", "add", link, "address", mac, "type", "bridge")


def add_veth(namespace: str, link: str, peer_namespace: str, peer: str, peer_mac: str) -> None:
    _ip(namespace, "link", "add", link, "type", "veth",
        "peer", "name", peer, "address", peer_mac, "netns", peer_namespace)  # fmt: skip


def set_up(namespace: str, link: str, *, master: str | None = None) -> None:
    _ip(namespace, "link", "set", link, *(("master", master) if master else ()), "up")


def set_address(namespace: str, link: str, address: str) -> None:
    _ip(namespace, "address", "replace", address, "dev", link)


def delete_link(namespace: str, link: str) -> None:
    """One that is not there is fine; it may go by itself meanwhile, as its other end's namespace does."""
    if link not in links(namespace):
        return
    try:
        _ip(namespace, "link", "delete", link)
    except CommandFailed:
        if link in links(namespace):
            raise


def disable_offload(namespace: str, link: str) -> None:
    """No partial checksums leave this veth: a userspace switch at the other end takes them for damage."""
    _inside(namespace, "ethtool", "-K", link, "tx", "off")


def set_kernel_variables(namespace: str, assignments: Sequence[str]) -> None:
    _inside(namespace, "sysctl", "-q", "-w", *assignments)
