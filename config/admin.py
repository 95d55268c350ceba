"""The admin site, with our title and dashboard."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from core.dashboard import panels_for
from core.slugs import reserved_slugs


class BroadsideAdminSite(admin.AdminSite):
    """Django's admin with our title. Its first page is a dashboard of panels that apps register."""

    site_header = _("Broadside")
    site_title = _("Broadside")
    index_title = _("Dashboard")
    # Lists need the width, and the dashboard already links to everything.
    enable_nav_sidebar = False

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"dashboard_panels": panels_for(request), **(extra_context or {})})

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Log out. The browser, which others may use, also forgets the unsaved texts that it kept."""
        response = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"storage"'
        return response


class BroadsideAdminConfig(AdminConfig):
    default_site = "config.admin.BroadsideAdminSite"

    def ready(self) -> None:
        super().ready()
        reserved_slugs.register("config", {"admin", "sitemap.xml"})
