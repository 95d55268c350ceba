"""The admin of posts, pages, categories and redirects. Permissions are in blog.permissions."""

from blog.admin.categories import CategoryAdmin
from blog.admin.entries import PageAdmin, PostAdmin
from blog.admin.redirects import RedirectAdmin

__all__ = ["CategoryAdmin", "PageAdmin", "PostAdmin", "RedirectAdmin"]
