"""Old addresses in the admin: seen, searched, added by hand, deleted. They arise by themselves, and none is changed."""

import datetime as dt
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
from blog.addresses import MAX_LENGTH, TARGETS, OldAddress, as_stored
from blog.models import Category, Page, Post
from blog.site import content_changed
from library.models import Document, Picture


class OldAddressForm(forms.ModelForm[OldAddress]):
    path = forms.CharField(
        label=_("Old address"),
        max_length=2 * MAX_LENGTH,
        widget=AdminTextInputWidget,
        help_text=_("As in /2014/02/10/old-name/. The whole address, copied from a link, is right too."),
    )
    leads_to = forms.CharField(
        label=_("Leads to"),
        widget=AdminTextInputWidget,
        help_text=_(
            "The address here of a post, page, category, author, picture or document, copied from the browser."
        ),
    )

    class Meta:
        model = OldAddress
        fields = ("path",)

    def clean_path(self) -> str:
        path = _path(self.cleaned_data["path"])
        if not path.startswith("/") or not path.strip("/"):
            raise ValidationError(gettext("Write an address that begins with a slash, as in /2014/02/10/old-name/."))
        if len(path) > MAX_LENGTH:
            raise ValidationError(gettext("The address is too long: nobody can have followed it."))
        if path.startswith(("/admin/", settings.MEDIA_URL, settings.STATIC_URL)):
            raise ValidationError(gettext("Addresses that begin like this are the site's own and lead nowhere else."))
        if there := thing_at(path):
            raise ValidationError(gettext("“%s” has this address now. Change that first.") % there)
        return path

    def clean_leads_to(self) -> Model:
        target = thing_at(_path(self.cleaned_data["leads_to"]))
        if target is None:
            raise ValidationError(
                gettext("There is nothing at this address. Open the post or page on the site and copy its address.")
            )
        return target

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if target := self.cleaned_data.get("leads_to"):
            self.instance.target = target
        return cleaned


def _path(typed: str) -> str:
    """The path of an address, in the form in which old ones are kept."""
    try:
        parts = urlsplit(typed.strip())
    except ValueError:
        return ""
    if parts.path in {"", "/"} and parts.query:
        return f"/?{parts.query}"
    path = as_stored(parts.path)
    is_file = "." in path.rpartition("/")[2]
    return path if not path.startswith("/") or path.endswith("/") or is_file else f"{path}/"


def thing_at(path: str) -> Model | None:
    """What has the address `path` here, whether readers may see it or not."""
    if path.startswith(settings.MEDIA_URL):
        name = path.removeprefix(settings.MEDIA_URL)
        return Picture.objects.filter(file=name).first() or Document.objects.filter(file=name).first()
    try:
        match = resolve(path)
    except Resolver404:
        return None
    said = match.kwargs
    if match.view_name == "blog:post":
        try:
            day = dt.date(int(said["year"]), int(said["month"]), int(said["day"]))
        except ValueError:
            return None
        return Post.objects.filter(published_on=day, slug=said["slug"]).first()
    if match.view_name == "blog:category":
        return Category.objects.filter(path=said["path"]).first()
    if match.view_name == "blog:author":
        return User.objects.filter(slug=said["slug"]).first()
    return Page.objects.filter(path=said["path"]).first() if match.view_name == "blog:page" else None


@admin.register(OldAddress)
class OldAddressAdmin(admin.ModelAdmin[OldAddress]):
    form = OldAddressForm
    list_display = ("path", "target")
    list_select_related = TARGETS
    readonly_fields = ("target",)
    search_fields = ("path", "post__title", "page__title", "category__name", "author__display_name")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: OldAddress | None = None) -> Any:
        return ("path", "leads_to" if obj is None else "target")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OldAddress]:
        texts = ("source", "lead_html", "body_html", "extract", "excerpt")
        heavy = [f"{entry}__{text}" for entry in ("post", "page") for text in texts]
        return super().get_queryset(request).select_related(*TARGETS).defer(*heavy)

    def has_change_permission(self, request: HttpRequest, obj: OldAddress | None = None) -> bool:
        return False

    @admin.display(description=_("leads to"))
    def target(self, old: OldAddress) -> SafeString | str:
        address = old.leads_to
        if not address:
            return gettext("%s (readers do not see it now)") % old.target
        return format_html('<a href="{}">{}</a>', address, old.target)

    def save_model(self, request: HttpRequest, obj: OldAddress, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        content_changed()

    def delete_model(self, request: HttpRequest, obj: OldAddress) -> None:
        super().delete_model(request, obj)
        content_changed()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OldAddress]) -> None:
        super().delete_queryset(request, queryset)
        content_changed()
