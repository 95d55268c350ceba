"""The admin of imports and exports, and of the imported objects that no other app knows."""

from wordpress.admin.export_jobs import ExportJobAdmin
from wordpress.admin.import_jobs import ImportJobAdmin
from wordpress.admin.reusable_blocks import ReusableBlockAdmin

__all__ = ["ExportJobAdmin", "ImportJobAdmin", "ReusableBlockAdmin"]
