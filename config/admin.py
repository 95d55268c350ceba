"""The admin site, with our title and dashboard."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.confirmation import confirmation_required
from core.dashboard import dashboard_panels, panels_for
from core.navigation import navigation_for
from core.slugs import reserved_slugs


class BroadsideAdminSite(admin.AdminSite):
    """Django's admin with our navigation. Its first page is a dashboard of panels that apps register."""

    site_header = _("Broadside")
    site_title = _("Broadside")
    index_title = _("Dashboard")
    empty_value_display = "–"
    # The navigation takes the place of Django's own, which lists models by app.
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        # On Django's pages for logging in and out, `site` is something else.
        site = {"site": request.site} if hasattr(request, "site") else {}
        return {**context, **site, "navigation": navigation_for(request) if context["has_permission"] else None}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: no page lists the models, and Django would build the list for every page."""
        return []

    def get_urls(self) -> list[Any]:
        """Leave out the redirect to any object's page: it would tell everyone who can log in the URLs of drafts."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") != "view_on_site"]

    def admin_view[View: Callable[..., Any]](self, view: View, cacheable: bool = False) -> View:
        """Wrap a view. It answers 404 to a URL with a NUL in its query, which PostgreSQL rejects."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def admin_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "%00" in request.GET.urlencode():
                raise Http404
            return guarded(request, *args, **kwargs)

        return cast("View", admin_view)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]  # it can redirect
        """Show the dashboard, or the only page of users who may do just one thing, such as moderate."""
        response = super().index(request, extra_context)
        context: Any = response.context_data
        links = context["navigation"].links
        if len(links) == 1 and links[0].url != request.path:
            return redirect(links[0].url)
        context["dashboard_panels"] = panels_for(request, dashboard_panels)
        return response

    @confirmation_required
    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        user: Any = request.user
        title = _("Change password") if user.has_usable_password() else _("Choose a password")
        return super().password_change(request, {"title": title, **(extra_context or {})})

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().password_change_done(request, {"title": _("Password changed"), **(extra_context or {})})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]  # it redirects
        """Redirect to the dashboard, because the navigation is by task and not by app."""
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Log out, and make the browser, which others may use, delete the unsaved texts that it kept."""
        # Django builds the context before the user is logged out, and the next person must not see their navigation.
        response = super().logout(request, {"navigation": None, **(extra_context or {})})
        response["Clear-Site-Data"] = '"storage"'
        return response


class BroadsideAdminConfig(AdminConfig):
    default_site = "config.admin.BroadsideAdminSite"

    def ready(self) -> None:
        super().ready()
        reserved_slugs.register("config", {"admin", "sitemap.xml", "sitemap-news.xml"})
