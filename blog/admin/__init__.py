"""The admin of posts, pages, categories and redirects. Permissions are in blog.permissions."""

from blog.admin import categories, entries, redirects

__all__ = ["categories", "entries", "redirects"]
