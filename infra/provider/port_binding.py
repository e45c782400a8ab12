"""The binding of a `Port`: to which host, and how its traffic reaches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.provider import rules
from infra.provider.property import Property, same

_KEYS = {"hostId": "binding:host_id", "vnicType": "binding:vnic_type", "profile": "binding:profile"}
_KINDS = (
    "normal", "direct", "direct-physical", "macvtap", "baremetal", "virtio-forwarder", "smart-nic",
    "remote-managed", "vdpa", "accelerator-direct", "accelerator-direct-physical",
)  # fmt: skip


def _profile(value: Any) -> str | None:
    try:
        return None if isinstance(json.loads(value), dict) else "must be a JSON object"
    except ValueError as wrong:
        return f"must be a JSON object: {wrong}"


BINDING = Property(
    "binding", "object", chosen_by_cloud=True,
    fields=(
        Property("hostId", chosen_by_cloud=True),
        Property("profile", chosen_by_cloud=True, rule=_profile),
        Property("vnicType", default="normal", rule=rules.one_of(*_KINDS)),
        Property("vifType", chosen_by_cloud=True),
        Property("vifDetails", "map", chosen_by_cloud=True),
    ),
)  # fmt: skip
"""`profile` is a JSON object as text. Neutron shows all but `vnicType` to administrators only."""


def sent_binding(binding: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a port for this binding."""
    sent = {key: binding[name] for name, key in _KEYS.items() if name in binding}
    if sent.get("binding:profile"):
        sent["binding:profile"] = json.loads(sent["binding:profile"])
    return sent


def shown_binding(port: Thing) -> dict[str, Any]:
    """The property `binding`, where our account may see it."""
    if "binding:vnic_type" not in port:
        return {}
    binding: dict[str, Any] = {"vnicType": port["binding:vnic_type"]}
    if "binding:host_id" in port:
        binding["hostId"] = port["binding:host_id"] or ""
        binding["profile"] = json.dumps(port.get("binding:profile") or {}, sort_keys=True)
        binding["vifType"] = port.get("binding:vif_type") or ""
        details = port.get("binding:vif_details") or {}
        binding["vifDetails"] = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in details.items()
        }
    return {"binding": binding}


def bound_alike(present: Any, wanted: Any) -> bool:
    """Whether two bindings are the same but for the spelling of their profiles."""
    return same(BINDING, _spelled(present or {}), _spelled(wanted or {}))


def written_binding(binding: Mapping[str, Any], used: bool) -> dict[str, Any]:
    """What an import writes down: not what the cloud chose, nor (`used`) what a server's start brought."""
    chosen = {} if used else {name: binding[name] for name in ("hostId", "profile") if binding.get(name)}
    if chosen.get("profile") == "{}":
        del chosen["profile"]
    kind = binding.get("vnicType", "normal")
    return {**chosen, "vnicType": kind} if chosen or kind != "normal" else {}


def _spelled(binding: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(binding.get("profile"), str):
        return dict(binding)
    profile = json.dumps(json.loads(binding["profile"] or "{}"), sort_keys=True)
    return {**binding, "profile": profile}
