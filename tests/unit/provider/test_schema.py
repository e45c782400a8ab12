"""What the provider serves, beside what the official package promises in its own classes."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from infra.provider import configuration, functions, registry
from infra.provider import schema as provider_schema
from infra.provider.property import Property
from infra.provider.provider import VERSION
from tests.unit.provider import official
from tests.unit.provider.official import Promise, Shape

# The list of the issue: the types that must be served, by module.
TYPES = {
    "identity": (
        "Project User GroupV3 UserMembershipV3 Role RoleAssignment InheritRoleAssignment "
        "ApplicationCredential RegisteredLimitV3 LimitV3"
    ),
    "compute": (
        "Flavor FlavorAccess Keypair ServerGroup Instance InterfaceAttach VolumeAttach QuotaSetV2 AggregateV2"
    ),
    "networking": (
        "Network Subnet SubnetPool SubnetRoute AddressScope AddressGroupV2 Router RouterInterface "
        "RouterRoute Port PortSecGroupAssociate FloatingIp FloatingIpAssociate PortForwardingV2 SecGroup "
        "SecGroupRule QosPolicy QosBandwidthLimitRule QosDscpMarkingRule QosMinimumBandwidthRule QuotaV2 "
        "RbacPolicyV2 Trunk"
    ),
    "blockstorage": (
        "Volume VolumeAttach VolumeTypeV3 VolumeTypeAccessV3 QosV3 QosAssociationV3 QuoteSetV3"
    ),
    "images": "Image ImageAccess",
}  # fmt: skip
TOKENS = {
    str(official.resource_class(f"openstack:{module}/x:{name}").pulumi_type)
    for module, names in TYPES.items()
    for name in names.split()
}


def test_the_types_of_the_issue_are_served_and_no_others() -> None:
    assert set(registry.served()) == TOKENS


def test_every_function_of_the_five_modules_is_served() -> None:
    assert set(functions.served()) == set(official.function_files())


@pytest.mark.parametrize("token", registry.served())
def test_every_input_and_output_of_a_type_is_implemented_or_refused_with_a_reason(token: str) -> None:
    kind = registry.resource(token)
    refused = kind.unsupported
    assert isinstance(refused, Mapping), f"{refused} needs reasons"
    assert all(len(why) > 20 for why in refused.values()), refused
    assert not refused.keys() & {item.name for item in kind.properties}
    assert [*_wrong(kind.properties, official.resource(token), refused)] == []


@pytest.mark.parametrize("token", functions.served())
def test_every_argument_and_answer_of_a_function_is_implemented(token: str) -> None:
    assert [*_wrong(functions.function(token).properties, official.function(token), {})] == []


def test_every_input_of_the_provider_itself_is_taken() -> None:
    promise = Promise(official.configuration(), {})
    assert [*_wrong(configuration.PROPERTIES, promise, {})] == []


def _wrong(
    properties: Iterable[Property],
    promise: Promise,
    refused: Mapping[str, str],
    path: str = "",
    *,
    answered: bool = False,
) -> Iterator[str]:
    """Each way in which the declared properties are not the promised ones. `answered`: they are those of an
    object that is only answered, so that nothing in it is an input.
    """
    ours = {item.name: item for item in properties}
    for name, item in ours.items():
        shape = promise.inputs.get(name) or promise.outputs.get(name)
        if shape is None:
            yield f"{path}{name}: the official package has no such property"
        elif item.output and name in promise.inputs:
            yield f"{path}{name}: is an input, and only answered here"
        elif not item.output and name not in promise.inputs and not answered:
            yield f"{path}{name}: is no input"
    for name, shape in {**promise.outputs, **promise.inputs}.items():
        if name in refused:
            continue
        if name not in ours:
            yield f"{path}{name}: missing ({shape.kind}{'' if name in promise.inputs else ', output'})"
            continue
        yield from _unlike(ours[name], shape, f"{path}{name}", is_input=name in promise.inputs)


def _unlike(item: Property, shape: Shape, path: str, *, is_input: bool) -> Iterator[str]:
    if item.kind != shape.kind:
        yield f"{path}: is {shape.kind}, not {item.kind}"
        return
    # A name that the program leaves out is made up before the check.
    if is_input and item.required != shape.required and path != "name":
        yield f"{path}: required is {shape.required}, not {item.required}"
    if shape.fields:
        inside = Promise(shape.fields, {}) if is_input else Promise({}, shape.fields)
        yield from _wrong(item.fields, inside, {}, f"{path}.", answered=not is_input)


@pytest.mark.parametrize("token", registry.served())
def test_what_the_official_package_keeps_secret_is_secret_here(token: str) -> None:
    assert official.secrets(token) <= registry.resource(token).secrets


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(provider_schema.schema(VERSION)))
    return made


def test_the_schema_has_everything_that_is_served(schema: dict[str, Any]) -> None:
    assert schema["resources"].keys() == set(registry.served())
    assert schema["functions"].keys() == set(functions.served())
    assert schema["provider"]["inputProperties"].keys() == official.configuration().keys()
    assert schema["provider"]["inputProperties"]["password"] == {"type": "string", "secret": True}


def test_every_reference_of_the_schema_leads_to_a_type_that_the_official_package_has(
    schema: dict[str, Any],
) -> None:
    references = set(re.findall(r'"#/types/([^"]+)"', json.dumps(schema)))
    assert references == schema["types"].keys()
    for token in references:
        module, name = token.split(":")[1].partition("/")[0], token.rpartition(":")[2]
        name = name[:1].upper() + name[1:]
        home = importlib.import_module(f"pulumi_openstack.{module}.outputs")
        assert hasattr(home, name) or hasattr(home, f"{name}Result"), token


def test_the_schema_says_what_must_be_given_and_what_replaces(schema: dict[str, Any]) -> None:
    subnet = schema["resources"]["openstack:networking/subnet:Subnet"]
    assert "networkId" in subnet["requiredInputs"]
    assert subnet["inputProperties"]["networkId"]["willReplaceOnChanges"] is True
    assert "allTags" not in subnet["inputProperties"]
    assert "allTags" in subnet["properties"]
    role = schema["functions"]["openstack:identity/getRole:getRole"]
    assert role["inputs"]["required"] == ["name"]
    assert schema["functions"]["openstack:identity/getAuthScope:getAuthScope"]["outputs"]["properties"][
        "tokenId"
    ] == {"type": "string", "secret": True}
