"""The media library in the admin."""

from media.admin import pictures, uploads

__all__ = ["pictures", "uploads"]
