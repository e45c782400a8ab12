"""How a capacity exporter works: its configuration file, its command line and what they leave open.

The file is optional and every key in it is; what the command line says counts more than the file. A file that
was changed counts from SIGHUP on and never by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from infra.errors import Problem
from infra.inventory.schema import Strict
from infra.inventory.wording import choose, shown
from monitoring.exporters.configuration import ConfigurationInvalid, read

IDLE_SECONDS = 900.0
"""A cloud that nobody has probed for so long is let go: three of Prometheus' longest usual intervals."""


class SettingsFile(Strict):
    """The file as it is written."""

    intervals: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    collectors: dict[str, bool] = Field(default_factory=dict)
    per_server: bool = False
    compat: list[Literal["openstack-exporter"]] = Field(default_factory=list)
    clouds: list[str] | None = None
    idle_seconds: Annotated[float, Field(gt=0)] = IDLE_SECONDS


@dataclass(frozen=True)
class Settings:
    """What is in force. `intervals` are seconds by collector, `without` are collectors that are left out,
    `clouds` are names of clouds.yaml that may be probed (None: all that it has), `idle_seconds` is after how
    long a probed cloud is let go.
    """

    intervals: Mapping[str, float] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    per_server: bool = False
    compat: frozenset[str] = frozenset()
    clouds: frozenset[str] | None = None
    idle_seconds: float = IDLE_SECONDS

    def overridden(
        self, intervals: Mapping[str, float], without: Collection[str] = (), compat: Collection[str] = (),
        *, per_server: bool = False,
    ) -> Settings:  # fmt: skip
        """With what the command line says over it."""
        return replace(
            self, intervals={**self.intervals, **intervals}, without=self.without | set(without),
            compat=self.compat | set(compat), per_server=self.per_server or per_server,
        )  # fmt: skip


def load(path: Path, collectors: Collection[str], clouds: Collection[str]) -> Settings:
    """The file's settings; `collectors` and `clouds` are the names that there are. Raises
    ConfigurationInvalid.
    """
    file = read(SettingsFile, path)
    problems = [
        *_unknown(path, "intervals", file.intervals, collectors),
        *_unknown(path, "collectors", file.collectors, collectors),
        *(
            Problem(str(path), f"clouds[{number}]", shown(name), "is not in clouds.yaml",
                    choose(name, clouds, "add it there"))
            for number, name in enumerate(file.clouds or ()) if name not in clouds
        ),
    ]  # fmt: skip
    if problems:
        raise ConfigurationInvalid(problems)
    return Settings(
        intervals=file.intervals,
        without=frozenset(name for name, on in file.collectors.items() if not on),
        per_server=file.per_server,
        compat=frozenset(file.compat),
        clouds=None if file.clouds is None else frozenset(file.clouds),
        idle_seconds=file.idle_seconds,
    )


def _unknown(path: Path, key: str, given: Collection[str], known: Collection[str]) -> list[Problem]:
    return [
        Problem(str(path), f"{key}.{name}", "", "is not a collector", choose(name, known, "remove it"))
        for name in given
        if name not in known
    ]
