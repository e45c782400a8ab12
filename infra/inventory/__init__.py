"""The site as typed data: load a folder, validate it, say what is wrong and where."""

from infra.inventory.inventory import Inventory
from infra.inventory.loading import load

__all__ = ["Inventory", "load"]
