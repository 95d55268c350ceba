"""Redirects in the admin: listing, searching, adding and deleting them. Most were created automatically."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.menu_targets import MENU_TARGETS
from blog.models import TEXTS
from blog.models.redirect import MAX_LENGTH, TARGETS, Redirect, normalise_path, target_name
from core.admin import BaseAdmin
from core.kind_messages import KindMessages
from core.urls import is_script
from media.models import Document, Picture


class RedirectForm(forms.ModelForm[Redirect]):
    path = forms.CharField(
        label=_("Old URL"),
        max_length=2 * MAX_LENGTH,
        widget=AdminTextInputWidget,
        help_text=_("A path such as /2014/02/10/old-name/. You can also paste a whole URL."),
    )
    destination = forms.CharField(
        label=_("Destination"),
        widget=AdminTextInputWidget,
        help_text=_(
            "The URL of a post, page, category, author, image or document on this site. Copy it from your browser."
        ),
    )

    class Meta:
        model = Redirect
        fields = ("path",)

    def clean_path(self) -> str:
        path = _path_of(self.cleaned_data["path"])
        if not path.startswith("/") or not path.strip("/"):
            raise ValidationError(gettext("Enter a path that begins with a slash, such as /2014/02/10/old-name/."))
        if len(path) > MAX_LENGTH:
            raise ValidationError(gettext("This path is too long. Paths can have %d characters at most.") % MAX_LENGTH)
        if path.startswith(("/admin/", settings.MEDIA_URL, settings.STATIC_URL)):
            raise ValidationError(
                gettext("URLs that begin like this are used by the site itself and can't be redirected.")
            )
        if occupant := find_object(path):
            raise ValidationError(gettext("“%s” has this URL. Change its URL first.") % occupant)
        return path

    def clean_destination(self) -> Model:
        target = find_object(_path_of(self.cleaned_data["destination"]))
        if target is None:
            raise ValidationError(
                gettext("There is nothing at this URL. Open the post or page on the site and copy its URL.")
            )
        setattr(self.instance, target_name(target), target)
        return target


def _path_of(url: str) -> str:
    """Return the path of `url` as redirects store it; empty if it is malformed."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.path in {"", "/"} and parts.query:
        return f"/?{parts.query}"
    if parts.query and is_script(parts.path):
        return normalise_path(f"{parts.path}?{parts.query}")
    path = normalise_path(parts.path)
    is_file = "." in path.rpartition("/")[2]
    return path if not path.startswith("/") or path.endswith("/") or is_file else f"{path}/"


def find_object(path: str) -> Model | None:
    """Return the object that has this path on the site, whether it is public or not."""
    if path.startswith(settings.MEDIA_URL):
        name = path.removeprefix(settings.MEDIA_URL)
        return (
            Picture.objects.served().filter(file=name).first() or Document.objects.present().filter(file=name).first()
        )
    # Not every path is a URL of the site.
    with suppress(Resolver404):
        match = resolve(path)
        if match.view_name in MENU_TARGETS:
            return MENU_TARGETS[match.view_name].find(match.kwargs).first()
        if match.view_name == "blog:author":
            author: User | None = User.objects.filter(slug=match.kwargs["slug"]).first()
            return author
    return None


@admin.register(Redirect)
class RedirectAdmin(BaseAdmin[Redirect]):
    form = RedirectForm
    kind_messages = KindMessages(
        add=_("Add redirect"),
        empty=_("No redirects yet."),
        view=_("View redirect"),
        delete=_("Delete redirect"),
        added=_("Redirect “{object}” added."),
        deleted=_("Redirect “{object}” deleted."),
        question=_("Delete the redirect “{object}” permanently? This can't be undone."),
    )
    list_display = ("path", "target")
    readonly_fields = ("target",)
    search_fields = ("path", "entry__title", "category__name", "author__display_name")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Redirect | None = None) -> Any:
        return ("path", "destination" if obj is None else "target")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redirect]:
        redirects = super().get_queryset(request).select_related(*TARGETS)
        return redirects.defer(*(f"entry__{text}" for text in TEXTS))

    def has_change_permission(self, request: HttpRequest, obj: Redirect | None = None) -> bool:
        return False

    @admin.display(description=_("destination"))
    def target(self, redirect: Redirect) -> SafeString | str:
        if not redirect.url:
            return gettext("%s (not public)") % redirect.target
        return format_html(
            '<a href="{}">{}</a>', redirect.url, redirect.target or gettext("this site, without the folder")
        )
