"""clouds.yaml: where it is looked for, and what an entry of it says. openstacksdk logs in with it; here is
what has to be known before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.cloud.errors import CredentialsMissing

_SUFFIXES = ("yaml", "yml", "json")


class CloudUnknown(CredentialsMissing):
    """No clouds.yaml has an entry of this name; the message says where it was looked for."""

    code = "cloud_unknown"


def places(name: str, chosen: str = "") -> list[Path]:
    """Where clouds.yaml (`name` is "clouds") or secure.yaml may stand, in the order in which they count."""
    folders = (Path.cwd(), Path.home() / ".config" / "openstack", Path("/etc/openstack"))
    usual = [folder / f"{name}.{suffix}" for folder in folders for suffix in _SUFFIXES]
    return [Path(chosen), *usual] if chosen else usual


def entry(cloud: str, config_file: str = "", secure_file: str = "") -> dict[str, Any]:
    """What the files say of this cloud: secure.yaml laid over clouds.yaml. Raises CloudUnknown."""
    looked = places("clouds", config_file)
    found = _first(looked)
    if found is None:
        listed = ", ".join(dict.fromkeys(str(place.parent / "clouds.yaml") for place in looked))
        raise CloudUnknown(
            f"the cloud {cloud!r} was asked for, but there is no clouds.yaml ({listed}): write one, name it "
            "in OS_CLIENT_CONFIG_FILE, or give authUrl and credentials instead of a cloud"
        )
    clouds = _clouds(found)
    if cloud not in clouds:
        known = ", ".join(sorted(clouds)) or "none"
        raise CloudUnknown(f"{found} has no cloud {cloud!r} (it has: {known}): correct the name")
    secure = _first(places("secure", secure_file))
    return _merged(clouds[cloud], _clouds(secure).get(cloud, {}) if secure else {})


def names(config_file: str = "") -> tuple[str, ...]:
    """The clouds that clouds.yaml has, none where there is no such file. Raises CloudUnknown when it cannot
    be read.
    """
    found = _first(places("clouds", config_file))
    return tuple(sorted(_clouds(found))) if found else ()


def region_of(held: Mapping[str, Any]) -> str:
    """The region of an entry: the one that it names, or the first of its list. "" when it names none."""
    if held.get("region_name"):
        return str(held["region_name"])
    regions = held.get("regions") or [""]
    return str(regions[0]["name"] if isinstance(regions[0], dict) else regions[0])


def _first(candidates: list[Path]) -> Path | None:
    return next((place for place in candidates if place.is_file()), None)


def _clouds(file: Path) -> dict[str, Any]:
    """JSON is YAML too."""
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as failed:
        raise CloudUnknown(f"{file} cannot be read: {_place(failed)}: correct it") from failed
    clouds = held.get("clouds") if isinstance(held, dict) else None
    return dict(clouds) if isinstance(clouds, dict) else {}


def _place(failed: Exception) -> str:
    """What is wrong, without the lines around it: they may hold a password."""
    mark = getattr(failed, "problem_mark", None)
    return f"line {mark.line + 1} is no YAML" if mark else type(failed).__name__


def _merged(below: Any, above: Any) -> dict[str, Any]:
    return dict(_pairs(below or {}, above or {}))


def _pairs(below: Mapping[str, Any], above: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in below.keys() | above.keys():
        both = isinstance(below.get(key), dict) and isinstance(above.get(key), dict)
        yield key, _merged(below[key], above[key]) if both else above.get(key, below.get(key))
