"""The admin of posts, pages, categories, redirects and the appearance. Permissions are in blog.permissions."""

from blog.admin import appearance, categories, entries, redirects

__all__ = ["appearance", "categories", "entries", "redirects"]
