"""The plugin as the engine itself starts it, for people who run Pulumi without `citycloud`."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_openstack as openstack
import pytest
from pulumi import automation

from infra.provisioning import pulumi_engine
from tests.fakes.openstack_server import FakeServer

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
Open = Callable[[Callable[[], None]], automation.Stack]


@pytest.fixture
def open_stack(tmp_path: Path, cache: Path, server: FakeServer) -> Open:
    """Stacks of one project, whose engine finds the plugin because it was installed."""
    engine = pulumi_engine.on_path() or pulumi_engine.place(cache)
    (tmp_path / "engine" / "bin").mkdir(parents=True)
    (tmp_path / "engine" / "bin" / "pulumi").symlink_to(engine)
    (tmp_path / "state").mkdir()
    settings = {
        **server.environment(), "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}", "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }  # fmt: skip
    script = Path(sys.executable).with_name("pulumi-resource-openstack")
    with tarfile.open(tmp_path / "plugin.tgz", "w:gz") as archive:
        archive.add(script, arcname=script.name)
    install = [
        engine,
        "plugin",
        "install",
        "resource",
        "openstack",
        "5.5.3",
        "--file",
        tmp_path / "plugin.tgz",
    ]
    subprocess.run(install, env={**os.environ, **settings}, check=True, capture_output=True)
    command = automation.PulumiCommand(root=str(tmp_path / "engine"))

    def open_one(program: Callable[[], None]) -> automation.Stack:
        workspace = automation.LocalWorkspace(
            work_dir=str(tmp_path), program=program, env_vars=settings, pulumi_home=settings["PULUMI_HOME"],
            pulumi_command=command, project_settings=automation.ProjectSettings("plugin", "python"),
        )  # fmt: skip
        return automation.Stack.create_or_select("test", workspace)

    return open_one


def test_the_installed_plugin_serves_a_program_without_a_warning(
    open_stack: Open, server: FakeServer
) -> None:
    def program() -> None:
        openstack.networking.Network("net", name="net")

    told: list[str] = []
    stack = open_stack(program)
    assert stack.up(on_output=told.append).summary.resource_changes == {"create": 2}
    assert "warning" not in "\n".join(told).lower()
    stack.destroy()
    assert server.fake.residue() == {}


def test_what_stands_can_be_imported_and_is_not_deleted_by_the_next_up(
    open_stack: Open, server: FakeServer
) -> None:
    fake = server.fake
    _, answer = fake.handle(
        "network", "POST", "/networks", {}, {"network": {"name": "old", "description": "kept"}}
    )
    identity = answer["network"]["id"]

    def importing() -> None:
        options = pulumi.ResourceOptions(import_=identity)
        openstack.networking.Network("net", name="old", description="kept", opts=options)

    def afterwards() -> None:
        openstack.networking.Network("net", name="old", description="kept")

    assert open_stack(importing).up().summary.resource_changes == {"create": 1, "import": 1}
    assert open_stack(afterwards).up().summary.resource_changes == {"same": 2}
    assert list(fake.kind("networks")) == [identity]


def test_another_image_is_previewed_as_a_replacement_and_a_refused_input_by_its_path(
    open_stack: Open, server: FakeServer
) -> None:
    fake = server.fake
    for image in ("image-1", "image-2"):
        fake.kind("images")[image] = {"id": image, "name": image, "status": "active"}
    chosen = {"image_id": "image-1"}

    def program() -> None:
        flavor = openstack.compute.Flavor("f", name="f", vcpus=1, ram=512, disk=2)
        network = openstack.networking.Network("net", name="net")
        port = openstack.networking.Port("port", name="p", network_id=network.id)
        openstack.compute.Instance(
            "web", name="web", flavor_id=flavor.id, networks=[{"port": port.id}], **chosen
        )

    stack = open_stack(program)
    stack.up()
    (before,) = fake.kind("servers")
    chosen["image_id"] = "image-2"
    assert stack.preview().change_summary == {"replace": 1, "same": 4}
    assert list(fake.kind("servers")) == [before]
    assert stack.up().summary.resource_changes == {"replace": 1, "same": 4}
    (after,) = fake.kind("servers").values()
    assert after["id"] != before
    assert after["image"] == {"id": "image-2"}
    chosen["power_state"] = "on fire"
    with pytest.raises(automation.CommandError, match="powerState"):
        stack.preview()
