"""`maintenance.yaml`: windows that were agreed with agencies; absent where there are none.

The same file excludes the time from the SLA and silences alerts, so that neither is forgotten.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from infra.domain.maintenance import MaintenanceWindow
from infra.errors import InventoryInvalid
from infra.inventory import document
from infra.inventory.schema import Items, Strict, items, validate
from infra.inventory.value import Label, Name, Text, refuse

MAX_WINDOWS = 5000
"""Windows of past months stay in the file: a ledger that catches up needs them."""


def _moment(value: Any) -> Any:
    way_out = "write it in quotes with its zone, like 2026-12-05T22:00+07:00"
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value  # YAML reads a moment with a zone by itself
    if not isinstance(value, str):
        raise refuse("is not a moment with a zone", way_out)
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        raise refuse("is not a moment in ISO form", way_out) from None
    if found.tzinfo is None:
        raise refuse("has no zone", way_out)
    return found


Moment = Annotated[dt.datetime, BeforeValidator(_moment)]


class MaintenanceModel(Strict):
    id: Name
    agencies: Literal["all"] | list[Label]
    workloads: list[Name] = Field(default_factory=list, max_length=1000)
    starts: Moment
    ends: Moment
    reason_vi: Text
    reason_en: Text

    @field_validator("agencies", mode="before")
    @classmethod
    def _agencies(cls, value: Any) -> Any:
        if value != "all" and not (isinstance(value, list) and value):
            raise refuse("names no agency", "write a list of agencies' codes, or all")
        return value

    @field_validator("ends")
    @classmethod
    def _ends(cls, value: dt.datetime, info: ValidationInfo) -> dt.datetime:
        starts = info.data.get("starts")
        if starts is not None and value <= starts:
            raise refuse("is not after starts", "write a later moment; the end is not part of the window")
        return value

    def to_domain(self) -> MaintenanceWindow:
        return MaintenanceWindow(
            id=self.id, starts=self.starts, ends=self.ends,
            reason_vi=self.reason_vi, reason_en=self.reason_en,
            agencies=() if self.agencies == "all" else tuple(self.agencies), workloads=tuple(self.workloads),
        )  # fmt: skip


class MaintenanceFileModel(Strict):
    """The file as a whole; its entries are read one by one, so that one that is wrong hides no other."""

    windows: list[Any]


def read_maintenance(path: Path) -> tuple[MaintenanceWindow, ...]:
    """The windows of a file alone, as a monitoring server has it; none where there is no file.

    Raises InventoryInvalid. That agencies exist is checked where the whole inventory is loaded.
    """
    if not path.exists():
        return ()
    source = document.read(path)
    problems = list(source.problems)
    found: Items[MaintenanceModel] = Items((), frozenset(), False)
    if source.value is not None:
        problems += validate(MaintenanceFileModel, source.value, source.file)[1]
        raw = source.value.get("windows")
        if isinstance(raw, list):
            found, wrong = items(
                MaintenanceModel, raw, source.file, "windows", at_most=MAX_WINDOWS, name="id"
            )
            problems += wrong
    if problems:
        raise InventoryInvalid(problems)
    return found.each(MaintenanceModel.to_domain).values
