"""The admin site, in Broadside's name."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class BroadsideAdminSite(admin.AdminSite):
    """Django's own admin with our title; `/` is where "View site" leads."""

    site_header = _("Broadside")
    site_title = _("Broadside")
    index_title = _("Write, arrange, moderate")
    # Lists need the width more than a second menu: the front page names the few kinds of things there are.
    enable_nav_sidebar = False


class BroadsideAdminConfig(AdminConfig):
    default_site = "config.admin.BroadsideAdminSite"
