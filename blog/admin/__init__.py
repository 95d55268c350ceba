"""The admin of posts, pages, categories and redirects. Permissions are in blog.permissions."""

from blog.admin import entries, redirects

__all__ = ["entries", "redirects"]
