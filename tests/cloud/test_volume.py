"""A volume is a disk in a guest, not a record in a database."""

from __future__ import annotations

import json

from tests.cloud.conftest import Site


def test_a_volume_appears_inside_the_guest_that_it_is_attached_to(site: Site) -> None:
    printed = site.script("tests.cloud.volume", "sotttt", "records")
    assert json.loads(printed)["added"] == ["vdb"]
