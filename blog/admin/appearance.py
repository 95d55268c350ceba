"""The page where owners edit, preview and publish the site's appearance, and go back to an earlier version."""

from dataclasses import asdict
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from blog.appearance import preview, versions
from blog.appearance.blocks import append, rearrange
from blog.appearance.documents import AppearanceForm, read
from blog.appearance.menus import fill_menu
from blog.models import AppearanceVersion, SiteAppearance
from blog.opml import MAX_OPML_BYTES, OPMLError, count_links, link_blocks, read_opml, write_opml
from core.admin import OneRowAdmin
from core.admin_routes import route
from core.models import SiteSettings
from media.models import Picture
from media.permissions import may_choose_while_writing, may_upload_while_writing
from media.pictures import MAX_BYTES

# The fields of the form, grouped under headings.
_GROUPS: Final = (
    (_("Type and colour"), ("type_style", "accent", "accent_dark")),
    (_("Pictures"), ("logo", "header", "icon")),
    (
        _("Layout"),
        (
            *("width", "list_style", "list_pictures", "list_reading_time"),
            *("day_format", "show_updates", "about_author"),
        ),
    ),
    (_("Sidebar"), ("sidebar", "blocks")),
    (_("Home page"), ("home", "posts_page")),
    (_("Menus"), ("header_menu", "footer_menu", "social_menu")),
    (_("Footer and styles"), ("footer", "css")),
)


@admin.register(SiteAppearance)
class AppearanceAdmin(OneRowAdmin):
    """Replaces Django's form with a page of its own."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if object_id != "1":
            raise Http404
        if request.method == "POST":
            return self._submit(request)
        row = SiteAppearance.current()
        if (late := getattr(request, "late_form", None)) is None:
            return self._page(request, row, AppearanceForm(initial=asdict(versions.prepared(row))), versions.stamp(row))
        self.message_user(request, late.warning, messages.WARNING)
        return self._page(request, row, AppearanceForm(late.fields), late.fields.get("seen", "-"))

    def _submit(self, request: HttpRequest) -> HttpResponse:
        """Do what the button says, or show the form again. It keeps its stamp until a conflict has been reported."""
        seen = request.POST.get("seen", "-")
        if (arranged := self._arranged(request)) is not None:
            return self._page(request, SiteAppearance.current(), AppearanceForm(arranged), seen)
        form = AppearanceForm(request.POST)
        with transaction.atomic():
            # From here on, undoing an import removes none of the chosen pictures.
            row = versions.locked_row()
            # The draft can be discarded whatever the form contains.
            if request.POST.get("do") != "discard" and not form.is_valid():
                return self._page(request, row, form, seen)
            return self._act(request, form, seen) or self._page(request, row, form, versions.stamp(row))

    def _arranged(self, request: HttpRequest) -> QueryDict | None:
        """Return the form data as changed by a button that saves nothing, or None if another button was pressed."""
        button = request.POST.get("do", "")
        if button == "opml":
            return self._with_links(request)
        menus = fill_menu(request.POST, button)
        return rearrange(request.POST, "blocks", button) if menus is None else menus

    def _with_links(self, request: HttpRequest) -> QueryDict:
        """Return the form data with blocks added for the links in the uploaded OPML file."""
        data, file = request.POST.copy(), request.FILES.get("opml")
        try:
            if file is None:
                raise OPMLError(gettext("Choose a file first."))
            lists = read_opml(file.read(MAX_OPML_BYTES + 1))
        except OPMLError as error:
            self.message_user(request, str(error), messages.ERROR)
            return data
        blocks = link_blocks(lists, below=AppearanceForm(data)["blocks"].data)
        for block in blocks:
            append(data, "blocks", block)
        if count := count_links(blocks):
            text = ngettext(
                "%d link is in a new block of the sidebar below. It isn't saved yet.",
                "%d links are in new blocks of the sidebar below. They aren't saved yet.",
                count,
            )
            self.message_user(request, text % count, messages.SUCCESS)
        for sentence in lists.left_out:
            self.message_user(request, sentence, messages.WARNING)
        return data

    @route("links.opml", "links", require_safe, permission="change")
    def links_view(self, request: HttpRequest) -> HttpResponse:
        """Return the sidebar's links as an OPML file."""
        blocks = versions.prepared(SiteAppearance.current()).blocks
        content = write_opml(SiteSettings.current().title, blocks)
        headers = {"Content-Disposition": 'attachment; filename="links.opml"'}
        return HttpResponse(content, content_type="text/x-opml; charset=utf-8", headers=headers)

    def _act(self, request: HttpRequest, form: AppearanceForm, seen: str) -> HttpResponse | None:
        """Perform the button's action. Return None if someone else changed the appearance first."""
        button = request.POST.get("do")
        try:
            if button == "publish":
                before = versions.publish(form.cleaned_data, by=cast("User", request.user), seen=seen)
                preview.stop(request)
                self._say_published(request, before)
            elif button == "discard":
                versions.discard_draft(seen=seen)
                preview.stop(request)
                self.message_user(request, gettext("Draft discarded."), messages.SUCCESS)
            else:
                versions.save_draft(form.cleaned_data, seen=seen)
                if button == "preview":
                    preview.start(request)
                    return redirect("blog:front")
                self.message_user(request, gettext("Draft saved. Readers don't see it yet."), messages.SUCCESS)
        except versions.ConflictError:
            text = gettext(
                "Someone else changed this first, so nothing was overwritten. What you entered is still here: save or "
                "publish it again to replace their changes, or open this page in another tab to see them."
            )
            self.message_user(request, text, messages.ERROR)
            return None
        return HttpResponseRedirect(request.path)

    @route("<int:version>/publish/", "again", require_POST, permission="change")
    def again_view(self, request: HttpRequest, version: int) -> HttpResponse:
        """Publish an earlier version again, unless someone else has published one since the button was shown."""
        try:
            before = versions.publish_again(version, by=cast("User", request.user), seen=request.GET.get("seen", ""))
        except versions.ConflictError:
            text = gettext(
                "Someone else changed this first, so nothing was restored. Look at the newest version, then decide "
                "again."
            )
            self.message_user(request, text, messages.WARNING)
        except AppearanceVersion.DoesNotExist:
            text = gettext("That version is no longer kept.")
            self.message_user(request, text, messages.ERROR)
        else:
            self._say_published(request, before)
        return self._to_page()

    @route("end-preview/", "stop", require_POST, permission="change")
    def stop_view(self, request: HttpRequest) -> HttpResponse:
        preview.stop(request)
        return self._to_page()

    def _to_page(self) -> HttpResponseRedirect:
        return redirect(self._url("change", 1))

    def _say_published(self, request: HttpRequest, before: int) -> None:
        text, view = gettext("Appearance published."), gettext("View site")
        message = format_html('{} <a href="{}">{}</a>', text, reverse("blog:front"), view)
        self.report_done(request, message, f"{self._url('again', before)}?seen={versions.newest_version()}")

    def _page(self, request: HttpRequest, row: SiteAppearance, form: AppearanceForm, seen: str) -> HttpResponse:
        page = self.own_page(
            request,
            "admin/blog/appearance.html",
            gettext("Appearance"),
            form=form,
            groups=[(title, [form[name] for name in names]) for title, names in _GROUPS],
            seen=seen,
            has_draft=row.draft is not None,
            versions=AppearanceVersion.objects.select_related("published_by"),
            the_first=versions.INITIAL,
            newest=versions.newest_version(),
            is_default=read(row.document) == read({}),
            may_choose_pictures=may_choose_while_writing(request.user, Picture),
            may_upload_pictures=may_upload_while_writing(request.user),
            max_picture_bytes=MAX_BYTES,
        )
        self.shorten_trail(page)
        return page
