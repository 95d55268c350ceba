"""The admin for what is written. Who may do what stands in blog.permissions, not here."""

from blog.admin.addresses import OldAddressAdmin
from blog.admin.categories import CategoryAdmin
from blog.admin.pages import PageAdmin
from blog.admin.posts import PostAdmin
from blog.admin.site import SiteSettingsAdmin

__all__ = ["CategoryAdmin", "OldAddressAdmin", "PageAdmin", "PostAdmin", "SiteSettingsAdmin"]
