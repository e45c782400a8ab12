"""Loading an inventory folder: every file, every rule, and either an Inventory or all that is wrong with
it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.domain.adopted import Adopted
from infra.domain.catalog import Catalog
from infra.domain.host import GROUPS, Host
from infra.domain.maintenance import MaintenanceWindow
from infra.domain.operator import Operator
from infra.domain.platform import Platform
from infra.domain.policy import Policies
from infra.domain.price import NO_PRICES
from infra.domain.quota import Quota
from infra.domain.sla import Contract
from infra.errors import InventoryInvalid, Problem
from infra.inventory import document
from infra.inventory.adopted import AdoptedModel
from infra.inventory.agency import MAX_AGENCIES, AgenciesModel, AgencyModel, CityModel, QuotaModel
from infra.inventory.catalog import CatalogReading, understand
from infra.inventory.document import Document
from infra.inventory.draft import Draft
from infra.inventory.host import load_hosts
from infra.inventory.inventory import Inventory
from infra.inventory.lab import to_lab
from infra.inventory.maintenance import MAX_WINDOWS, MaintenanceFileModel, MaintenanceModel
from infra.inventory.operator import MAX_OPERATORS, OperatorModel, OperatorsModel
from infra.inventory.platform import MAX_ENTRIES, AggregateModel, FlavorModel, ImageModel, PlatformModel
from infra.inventory.policy import PoliciesModel
from infra.inventory.rules import RULES
from infra.inventory.schema import Items, Located, M, items, validate
from infra.inventory.site import SiteModel, to_site
from infra.inventory.sla import to_contract
from infra.inventory.wording import choose, shown

HOSTS, PLATFORM, AGENCIES, GROUP_VARS = "hosts.yml", "platform.yaml", "agencies.yaml", "group_vars"
ADOPTED, CATALOG = "adopted.yaml", "catalog.yaml"
OPERATORS, POLICIES = "operators.yaml", "policies.yaml"
MAINTENANCE, SLA = "maintenance.yaml", "sla.yaml"
MAX_PROBLEMS = 200
"""Problems that are told at once; past that, more of the same helps nobody."""


@dataclass
class Reading:
    """One pass over a folder: the documents read and the problems found."""

    path: Path
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self, name: str) -> Document:
        found = document.read(self.path / name)
        self.documents.append(found)
        self.problems.extend(found.problems)
        return found

    def note(self, problems: Iterable[Problem]) -> None:
        self.problems.extend(problems)

    def items(self, model: type[M], source: Document, key: str, at_most: int, name: str = "name") -> Items[M]:
        """The list `key` of a file, entry by entry. A list that is not there is the file's own problem."""
        data = (source.value or {}).get(key)
        if not isinstance(data, list):
            return Items((), frozenset(), False)
        found, problems = items(model, data, source.file, key, at_most=at_most, name=name)
        self.note(problems)
        return found

    def digest(self) -> str:
        """SHA-256 over names relative to the folder and contents, so that a moved folder keeps its digest."""
        whole = hashlib.sha256()
        for one in sorted(self.documents, key=lambda found: found.file):
            name = str(Path(one.file).relative_to(self.path))
            whole.update(f"{name}\0{hashlib.sha256(one.content).hexdigest()}\n".encode())
        return whole.hexdigest()


def load(path: Path) -> Inventory:
    """Read and check the inventory in the folder `path`.

    Raises InventoryInvalid with all problems (at most MAX_PROBLEMS); whatever the files contain, nothing
    else.
    """
    path = Path(path)
    if not path.is_dir():
        way_out = "give the folder of an inventory, such as inventories/lab"
        raise InventoryInvalid([Problem(str(path), "(folder)", "", "there is no such folder", way_out)])
    reading = Reading(path)
    draft = _draft(reading)
    for rule in RULES:
        reading.note(rule(draft))
    if reading.problems:
        raise InventoryInvalid(_told(reading.problems, str(path)))
    return _inventory(reading, draft)


def _told(problems: list[Problem], folder: str) -> list[Problem]:
    different = sorted(set(problems))
    if len(different) <= MAX_PROBLEMS:
        return different
    more = f"there are {len(different) - MAX_PROBLEMS} more problems"
    return [
        *different[:MAX_PROBLEMS],
        Problem(folder, "(folder)", "", more, "correct the first ones and try again"),
    ]


def _draft(reading: Reading) -> Draft:
    group_vars = dict(_group_vars(reading))
    everything = group_vars.pop("all", None)
    catalog = _catalog(reading)
    site, lab = _site(reading, everything)
    platform, agencies = reading.read(PLATFORM), reading.read(AGENCIES)
    roles = _platform(reading, platform)
    city = _city(reading, agencies)
    quotas, names = _size_classes(reading, agencies)
    return Draft(
        hosts=_hosts(reading, group_vars),
        flavors=reading.items(FlavorModel, platform, "flavors", MAX_ENTRIES).each(FlavorModel.to_domain),
        images=reading.items(ImageModel, platform, "images", MAX_ENTRIES).each(ImageModel.to_domain),
        aggregates=reading.items(AggregateModel, platform, "aggregates", MAX_ENTRIES).each(
            AggregateModel.to_domain
        ),
        agencies=reading.items(AgencyModel, agencies, "agencies", MAX_AGENCIES, name="code"),
        quotas=quotas,
        size_class_names=names,
        site=site,
        lab=lab,
        city=city,
        roles=roles,
        adopted=_adopted(reading),
        operators=_operators(reading),
        policies=_policies(reading),
        catalog=catalog.items if catalog is not None else None,
        prices=catalog.prices if catalog is not None else NO_PRICES,
        maintenance=_maintenance(reading),
        contract=_contract(reading),
    )


def _group_vars(reading: Reading) -> Iterator[tuple[str, Document]]:
    """Variables by group. Ansible would also read other files; they are refused, so that both read the
    same.
    """
    folder = reading.path / GROUP_VARS
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    for name in names:
        if name.startswith(".") or name.endswith("~"):
            continue
        known = [f"{group}.yml" for group in ("all", *GROUPS)]
        if name in known:
            yield name.removesuffix(".yml"), reading.read(f"{GROUP_VARS}/{name}")
        else:
            way_out = choose(name, known, "remove it")
            reading.note(
                [Problem(str(folder / name), "(whole file)", "", "is not a file of a known group", way_out)]
            )
    if "all.yml" not in names:
        reading.read(f"{GROUP_VARS}/all.yml")  # notes that it is missing
    if (reading.path / "host_vars").exists():
        why, way_out = "is not read here, though Ansible reads it", "move the variables into hosts.yml"
        reading.note([Problem(str(reading.path / "host_vars"), "(folder)", "", why, way_out)])


def _site(reading: Reading, source: Document | None) -> tuple[Any, Any]:
    if source is None or source.value is None:
        return None, None
    model, problems = validate(SiteModel, source.value, source.file)
    reading.note(problems)
    if model is None:
        return None, None
    lab = Located(source.file, "lab", to_lab(model.lab)) if model.lab is not None else None
    return Located(source.file, "", to_site(model)), lab


def _hosts(reading: Reading, group_vars: dict[str, Document]) -> Items[Host]:
    source = reading.read(HOSTS)
    if source.value is None:
        return Items((), frozenset(), False)
    variables = {group: (one.file, one.value) for group, one in group_vars.items() if one.value is not None}
    hosts, problems = load_hosts(source.file, source.value, variables)
    reading.note(problems)
    return hosts


def _platform(reading: Reading, source: Document) -> tuple[str, ...]:
    if source.value is None:
        return ()
    model, problems = validate(PlatformModel, source.value, source.file)
    reading.note(problems)
    return tuple(model.roles) if model is not None else ()


def _city(reading: Reading, source: Document) -> CityModel | None:
    if source.value is None:
        return None
    model, problems = validate(AgenciesModel, source.value, source.file)
    reading.note(problems)
    return model.city if model is not None else None


def _operators(reading: Reading) -> Items[Operator]:
    """A site may be without; then nobody can confirm what loses data or cuts access."""
    if not (reading.path / OPERATORS).exists():
        return Items((), frozenset(), True)
    source = reading.read(OPERATORS)
    if source.value is not None:
        reading.note(validate(OperatorsModel, source.value, source.file)[1])
    found = reading.items(OperatorModel, source, "operators", MAX_OPERATORS)
    return found.each(OperatorModel.to_domain)


def _catalog(reading: Reading) -> CatalogReading | None:
    """Absent where there are only plain servers."""
    if not (reading.path / CATALOG).exists():
        return None
    found = understand(reading.read(CATALOG))
    reading.note(found.problems)
    return found


def _policies(reading: Reading) -> Located[Policies] | None:
    """Absent where the defaults hold."""
    if not (reading.path / POLICIES).exists():
        return None
    source = reading.read(POLICIES)
    if source.value is None:
        return None
    model, problems = validate(PoliciesModel, source.value, source.file)
    reading.note(problems)
    return Located(source.file, "", model.to_domain()) if model is not None else None


def _maintenance(reading: Reading) -> Items[MaintenanceWindow]:
    """Absent where no maintenance was ever agreed."""
    if not (reading.path / MAINTENANCE).exists():
        return Items((), frozenset(), True)
    source = reading.read(MAINTENANCE)
    if source.value is not None:
        reading.note(validate(MaintenanceFileModel, source.value, source.file)[1])
    found = reading.items(MaintenanceModel, source, "windows", MAX_WINDOWS, name="id")
    return found.each(MaintenanceModel.to_domain)


def _contract(reading: Reading) -> Located[Contract] | None:
    """Absent where nothing is promised by contract."""
    if not (reading.path / SLA).exists():
        return None
    source = reading.read(SLA)
    if source.value is None:
        return None
    contract, problems = to_contract(source.value, source.file)
    reading.note(problems)
    return Located(source.file, "", contract) if contract is not None else None


def _adopted(reading: Reading) -> Located[Mapping[str, Adopted]] | None:
    """The one file that may be absent: it is written when something is first adopted."""
    if not (reading.path / ADOPTED).exists():
        return None
    source = reading.read(ADOPTED)
    if source.value is None:
        return None
    model, problems = validate(AdoptedModel, source.value, source.file)
    reading.note(problems)
    return Located(source.file, "agencies", model.to_domain()) if model is not None else None


def _size_classes(reading: Reading, source: Document) -> tuple[dict[str, Quota], frozenset[str]]:
    data = (source.value or {}).get("size_classes")
    if not isinstance(data, dict):
        return {}, frozenset()
    quotas: dict[str, Quota] = {}
    for name, raw in data.items():
        model, problems = validate(QuotaModel, raw, source.file, f"size_classes.{shown(name)}")
        reading.note(problems)
        if model is not None:
            quotas[name] = model.to_domain()
    return quotas, frozenset(data)


def _inventory(reading: Reading, draft: Draft) -> Inventory:
    """The inventory of a draft without problems."""
    if draft.site is None or draft.city is None:
        raise AssertionError("a draft without problems has all its parts")
    adopted = draft.adopted.value if draft.adopted is not None else {}
    return Inventory(
        path=reading.path,
        site=draft.site.value,
        hosts=draft.hosts.values,
        platform=Platform(draft.flavors.values, draft.images.values, draft.aggregates.values, draft.roles),
        city=draft.city.to_domain(),
        agencies=tuple(
            agency.to_domain(agency.quota_in(draft.quotas), adopted.get(agency.code))
            for agency in draft.agencies.values
        ),
        size_classes=dict(draft.quotas),
        lab=draft.lab.value if draft.lab is not None else None,
        operators=draft.operators.values,
        policies=draft.policies.value if draft.policies is not None else Policies(),
        maintenance=draft.maintenance.values,
        contract=draft.contract.value if draft.contract is not None else None,
        catalog=Catalog(draft.catalog.values, draft.prices) if draft.catalog is not None else Catalog(),
        content_digest=reading.digest(),
    )
