"""Platform: flavors and images by name."""

from __future__ import annotations

import pytest

from infra.domain.flavor import Flavor
from infra.domain.image import Image
from infra.domain.platform import Platform


def test_flavors_and_images_are_found_by_name() -> None:
    flavor, image = Flavor("small", 1, 512, 2), Image("debian-12", "d.qcow2", "qcow2", "qemu", 2)
    platform = Platform((flavor,), (image,), (), ())
    assert platform.flavor("small") is flavor
    assert platform.image("debian-12") is image


def test_a_name_that_is_not_there_raises_key_error() -> None:
    with pytest.raises(KeyError, match="large"):
        Platform((), (), (), ()).flavor("large")
