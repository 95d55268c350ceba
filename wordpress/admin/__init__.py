"""The admin of imports, and of what they brought in that has no place of its own."""

from wordpress.admin.blocks import SharedBlockAdmin
from wordpress.admin.imports import ImportAdmin

__all__ = ["ImportAdmin", "SharedBlockAdmin"]
