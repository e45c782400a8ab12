"""An agency with something of everything in the fake cloud, and a deploy host that off-boards it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.cloud.agency import find_agency
from infra.cloud.collection import Collection
from infra.cloud.holding import read_holdings
from infra.cloud.project import projects
from infra.cloud.removal import remove_all
from infra.cloud.waiting import Deadline
from infra.domain.estate import Estate
from infra.domain.holding import Holding
from infra.domain.offboarding import Plan, Waiver
from infra.domain.operator import Approval
from infra.provisioning.export import ExportFolder
from infra.provisioning.offboarding import Asked, Offboarding, Progress
from infra.provisioning.offboarding_case import Case, CaseFiles
from infra.provisioning.offboarding_steps import Means
from tests.fakes.openstack import FakeCloud
from tests.fakes.openstack_disks import DiskOpenStack, FakeImageData, Killed

AGENCY = "so-yt"


@dataclass
class FakeZone:
    """A stack that owns the things with these ids, and removes them over the same cloud."""

    cloud: FakeCloud
    ids: set[str]
    file: Path

    def owned(self) -> set[str]:
        return set() if self.file.exists() else set(self.ids)

    def destroy(self) -> None:
        if self.file.exists():
            return
        held = read_holdings(self.cloud, find_agency(self.cloud, AGENCY))
        mine = [one for one in held if one.id in self.ids]
        remove_all(self.cloud, mine, Deadline(60, pause=lambda seconds: None), lambda sentence: None)
        self.file.touch()


@dataclass
class FakePortal:
    """The portal's server: what the agency has there, and in which order it was asked what. `fake` counts its
    writes, so that a run is killed at them, too.
    """

    fake: DiskOpenStack
    has: Estate = field(
        default_factory=lambda: Estate(requests=2, deployments=1, tokens=1, sessions=3, people=4, accounts=1)
    )
    asked: list[str] = field(default_factory=list)

    def read(self, agency: str) -> Estate:
        return self.has

    def close(self, agency: str) -> None:
        self._write("close", replace(self.has, tokens=0, sessions=0, closed=True))

    def end(self, agency: str) -> None:
        self._write("end", Estate(closed=True))

    def reopen(self, agency: str) -> None:
        self._write("reopen", replace(self.has, closed=False))

    def _write(self, what: str, after: Estate) -> None:
        self.fake.writes += 1
        due = self.fake.writes == self.fake.kill_at
        if due and not self.fake.kill_after:
            raise Killed
        self.asked.append(what)
        self.fake.calls.append(("portal", "POST", f"/{what}"))
        self.has = after
        if due:
            raise Killed


class PlainNotary:
    """Writes the case as it stands, unsigned: signing is tested where it is done."""

    def write(self, case: Case, folder: ExportFolder) -> dict[str, Any]:
        return {"written": folder.write_json("record/record.json", {"proof": case.proof}).sha256}


@dataclass
class AgencyPlace:
    """`approve` is what the second person says to a plan; the default agrees. `heard` is the progress."""

    root: Path
    fake: DiskOpenStack = field(default_factory=DiskOpenStack)
    ids: dict[str, str] = field(default_factory=dict)
    heard: list[Progress] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    data: Any = None

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.fake)
        self.files = CaseFiles(self.root)
        self.data = FakeImageData(self.fake)
        self.portal = FakePortal(self.fake)
        self._settle()
        owned = {self.ids[name] for name in ("domain", "project", "network", "subnet", "router", "group")}
        self.zone = FakeZone(self.cloud, owned, self.root / "destroyed")

    def off_board(self, *waivers: Waiver, folder: str = "export", **means: Any) -> Case:
        return self.offboarding(*waivers, folder=folder, **means).run()

    def offboarding(self, *waivers: Waiver, folder: str = "export", **changed: Any) -> Offboarding:
        given: dict[str, Any] = {
            "cloud": self.cloud, "data": self.data, "zone": self.zone, "confirm": self.approve,
            "notary": PlainNotary(), "portal": self.portal, "say": lambda sentence: None,
            "site": "test", "workers": 1,
            "deadline": lambda: Deadline(60, pause=lambda seconds: None), "clock": lambda: 1_800_000_000.0,
        }  # fmt: skip
        asked = Asked(AGENCY, self.root / folder, "an", waivers, {"name_en": "Health"})
        return Offboarding(Means(**{**given, **changed}), self.files, asked, self.heard.append)

    def approve(self, plan: Plan) -> Approval:
        self.plans.append(plan)
        return Approval(plan.digest, "an", "binh", "2026-11-24T00:00:00+00:00", "signature")

    def left(self) -> dict[str, list[str]]:
        """What the cloud holds beside the platform's own."""
        left = {
            kind: names for kind, names in self.fake.residue().items() if kind not in ("flavors", "images")
        }
        return {kind: names for kind, names in left.items() if names != ["chief's"]}

    def case(self) -> Case:
        found = self.files.find(AGENCY)
        assert found is not None
        return found

    def exported(self, kind: str, name: str) -> bytes:
        """The bytes in the folder of the disk of this kind and name."""
        case = self.case()
        path = case.files[f"{kind}/{self.ids[name]}"]["path"]
        return (Path(case.folder) / path).read_bytes()

    def told(self, kind: str) -> Any:
        return json.loads((Path(self.case().folder) / f"metadata/{kind}.json").read_text())

    def make(self, kind: str, service: str, singular: str, values: dict[str, Any]) -> str:
        return str(Collection(self.cloud.service(service), f"/{kind}", singular, kind).create(values)["id"])

    def _settle(self) -> None:
        ids, fake = self.ids, self.fake
        domain = projects(self.cloud).create({"name": AGENCY, "is_domain": True})["id"]
        project = projects(self.cloud).create({"name": AGENCY, "domain_id": domain})["id"]
        ids.update(domain=domain, project=project)
        ids["user"] = self.make(
            "users", "identity", "user", {"name": "lan", "domain_id": domain, "enabled": True}
        )
        members = self.make("groups", "identity", "group", {"name": "members", "domain_id": domain})
        ids["members"] = members
        fake.assignments |= {
            f"projects/{project}/groups/{members}/roles/role-member",
            f"projects/{project}/users/{ids['user']}/roles/role-reader",
            f"projects/{project}/users/{fake.user_id}/roles/role-member",
            f"projects/{project}/users/foreigner/roles/role-member",
        }
        fake.kind("application_credentials")["app"] = {"id": "app", "name": "ci", "user_id": ids["user"]}
        fake.quotas["compute", project] = {"instances": 3}
        fake.quotas["network", project] = {"port": 5}
        mine = {"project_id": project}
        ids["network"] = self.make("networks", "network", "network", {"name": AGENCY, **mine})
        inside = {"network_id": ids["network"], "cidr": "10.64.1.0/24", **mine}
        ids["subnet"] = self.make("subnets", "network", "subnet", inside)
        ids["router"] = self.make("routers", "network", "router", {"name": AGENCY, **mine})
        self.cloud.service("network").request(
            "PUT", f"/routers/{ids['router']}/add_router_interface", json={"subnet_id": ids["subnet"]}
        )
        ids["group"] = str(
            Collection(
                self.cloud.service("network"), "/security-groups", "security_group", "security_groups"
            ).create({"name": "baseline", **mine})["id"]
        )
        self._hand_made(project, mine)

    def _hand_made(self, project: str, mine: dict[str, Any]) -> None:
        ids, fake = self.ids, self.fake
        rule = {"security_group_id": ids["group"], "direction": "ingress", "ethertype": "IPv4", **mine}
        fake.kind("security-group-rules")["by-hand"] = {"id": "by-hand", **rule}
        port = {"network_id": ids["network"], "security_groups": [ids["group"]], **mine}
        ids["port"] = self.make("ports", "network", "port", port)
        address = {"floating_network_id": "external", "port_id": ids["port"], **mine}
        ids["address"] = self.make("floatingips", "network", "floatingip", address)
        ids["image"] = fake.make_image("theirs", project, b"image" * 5000, protected=True)
        fake.make_image("debian-12", "platform", b"debian", project_id="platform")
        server = {
            "id": "web-1", "name": "web", "status": "ACTIVE", "tenant_id": project, "project_id": project,
            "image": {"id": "debian-12"}, "flavor": {"disk": 1, "ephemeral": 0}, "user_id": fake.user_id,
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda", "OS-EXT-STS:task_state": None, "addresses": {},
            "key_name": "chief's",
        }  # fmt: skip
        fake.kind("servers")["web-1"] = server
        fake.bytes_of["web-1"] = b"disk of web" * 3000
        fake.kind("ports")[ids["port"]].update(device_id="web-1", device_owner="compute:nova")
        for name, owner in (
            (f"{AGENCY}-operator", fake.user_id),
            ("lan's", ids["user"]),
            ("chief's", fake.user_id),
        ):
            pair = {"name": name, "user_id": owner, "public_key": "ssh-ed25519 A"}
            self.cloud.service("compute").request("POST", "/os-keypairs", json={"keypair": pair})
        ids.update(
            web="web-1", data=fake.make_volume("data", project), loose=fake.make_volume("loose", project)
        )
        fake.attach("web-1", ids["data"], "/dev/vdb")
        root = fake.make_volume("root", project)
        db = {**server, "id": "db-1", "name": "db", "image": "", "key_name": None, "status": "SHUTOFF"}
        fake.kind("servers")["db-1"] = db
        fake.attach("db-1", root, "/dev/vda")
        ids.update(db="db-1", root=root)
        others = fake.make_volume("others", "another-project")
        fake.kind("volumes")[others]["project_id"] = "platform"


def holding(kind: str, identity: str, **told: Any) -> Holding:
    return Holding(kind, identity, told=told)
