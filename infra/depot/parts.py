"""The parts of a depot, what each needs, and `build`, which makes those that are missing or old."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from infra.depot import apt, citycloud, engine, guest, keycloak, openstack, rootfs
from infra.depot.building import BuildResult, Part, Progress, build_parts
from infra.depot.workshop import Workshop


def build(
    depot_dir: Path,
    cache_dir: Path,
    project_root: Path,
    progress: Progress,
    *,
    engine: Path | Callable[[], Path] | None = None,
    renew: Collection[str] = (),
    with_keycloak: bool = False,
) -> BuildResult:
    """Fill the depot; parts that are in place and made from the same inputs are left alone.

    `engine` is the Pulumi engine's file, or what makes it and returns its path; without it that part is left
    as it is, and so is Keycloak unless the site runs one. `renew` names parts to make again in any case:
    `apt` fetches what Debian has published since.
    Raises DepotBusy when another build runs, DepotPartFailed when a part cannot be made.
    """
    workshop = Workshop(depot_dir, cache_dir, project_root, engine)
    return build_parts(all_parts(workshop, with_keycloak), workshop, progress, renew)


def all_parts(workshop: Workshop, with_keycloak: bool = False) -> list[Part]:
    """In the order in which lanes should take them: what others wait for, and what takes long, first."""
    parts = [Part(apt.PART, (), apt.inputs, apt.make)]
    for release in openstack.releases(workshop.project_root):
        parts += _openstack_parts(release)
    parts += [
        Part(rootfs.PART, (apt.PART,), rootfs.inputs, rootfs.make),
        Part("wheels-citycloud", (), citycloud.wheels_inputs, citycloud.make_wheels),
        Part(guest.PART, (rootfs.PART,), guest.inputs, guest.make),
        *(_own_environment(kind) for kind in citycloud.ENVIRONMENTS),
    ]
    if workshop.engine is not None:
        parts.append(Part(engine.PART, (), engine.inputs, engine.make))
    if with_keycloak:
        parts.append(Part(keycloak.PART, (), keycloak.inputs, keycloak.make))
    return parts


def _own_environment(kind: str) -> Part:
    return Part(
        f"environment-{citycloud.ENVIRONMENTS[kind]}",
        ("wheels-citycloud",),
        partial(citycloud.environment_inputs, kind=kind),
        lambda workshop, work, say: citycloud.make_environment(workshop, work, say, kind),
    )


def _openstack_parts(release: str) -> list[Part]:
    wheels = f"wheels-openstack-{release}"
    return [
        Part(
            wheels,
            (),
            partial(openstack.wheels_inputs, release=release),
            lambda workshop, work, say: openstack.make_wheels(workshop, release, work, say),
        ),
        Part(
            f"environment-openstack-{release}",
            (wheels,),
            partial(openstack.environment_inputs, release=release),
            lambda workshop, work, say: openstack.make_environment(workshop, release, work, say),
        ),
    ]
