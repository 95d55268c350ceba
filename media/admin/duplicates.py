"""Duplicate images side by side, and merging images after showing what that would change."""

from collections.abc import Collection
from pathlib import PurePath
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from core.admin_routes import route
from core.languages import in_quotes
from core.text import parse_id, parse_ids
from media import duplicates, trash
from media.admin.uploads import UploadAdmin
from media.models import LikePictures, Picture
from media.tasks import wake_worker
from media.uses import Viewer, uses_of

_PER_PAGE: Final = 20


class DuplicatesAdmin(UploadAdmin):
    """The part of the image admin that finds and merges duplicates."""

    actions = ("merge_selected", "restore_selected")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(
            request, {"may_merge": self.has_merge_permission(request), **(extra_context or {})}
        )

    @route("duplicates/", "duplicates", permission="merge")
    def duplicates_view(self, request: HttpRequest) -> HttpResponse:
        """List images that look the same. A POST searches again, or marks the images `ids` as `different`."""
        if request.method == "POST":
            return self._search(request)
        page = Paginator(duplicates.groups(), _PER_PAGE).get_page(request.GET.get("page"))
        found_at = LikePictures.objects.filter(are_different=False).values_list("found_at", flat=True).first()
        groups = [_described(pks, request.user) for pks in page.object_list]
        template, title = "admin/media/picture/duplicates.html", gettext("Duplicate images")
        return self.own_page(request, template, title, groups=groups, page=page, found_at=found_at)

    def _search(self, request: HttpRequest) -> HttpResponse:
        if "different" in request.POST:
            duplicates.set_different(parse_ids(request.POST.getlist("ids"))[: trash.MAX_MERGED])
            self.message_user(request, gettext("These images will not be suggested again."), messages.SUCCESS)
            return redirect(self._url("duplicates"))
        count = duplicates.search()
        text = ngettext("%d pair of images looks the same.", "%d pairs of images look the same.", count) % count
        self.message_user(request, text if count else gettext("No duplicates found."), messages.SUCCESS)
        if left := duplicates.without_fingerprint().count():
            wake_worker()
            text = ngettext(
                "%d image has not been analysed yet. Search again in a few minutes.",
                "%d images have not been analysed yet. Search again in a few minutes.",
                left,
            )
            self.message_user(request, text % left, messages.WARNING)
        return redirect(self._url("duplicates"))

    @admin.action(description=_("Merge…"), permissions=["delete"])
    def merge_selected(self, request: HttpRequest, pictures: QuerySet[Picture]) -> HttpResponse:
        """Show what merging these images would change."""
        return self._merge_page(request, list(pictures.order_by().values_list("pk", flat=True)[: trash.MAX_MERGED + 1]))

    @route("merge/", "merge", permission="merge")
    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Merge the images `ids` into the `target`, once that has been shown and confirmed."""
        values = request.POST if request.method == "POST" else request.GET
        return self._merge_page(request, parse_ids(values.getlist("ids")))

    def _merge_page(self, request: HttpRequest, pks: Collection[int]) -> HttpResponse:
        chosen = parse_id(request.POST.get("target", ""))
        try:
            if request.POST.get("confirm", "") == str(chosen) and chosen in pks:
                return self._merge(request, pks, chosen)
            if len(pks) > trash.MAX_MERGED:
                raise trash.MergeError(gettext("You selected more than %d images. Select fewer.") % trash.MAX_MERGED)
        except trash.MergeError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(self._url("changelist"))
        pictures = _described(pks, request.user)
        if len(pictures) < 2:
            self.message_user(request, gettext("Select two or more images to merge."), messages.ERROR)
            return redirect(self._url("changelist"))
        target = next((each["picture"] for each in pictures if each["picture"].pk == chosen), pictures[0]["picture"])
        others = [each for each in pictures if each["picture"] != target]
        described = trash.alt_source(target, [each["picture"] for each in others])
        return self.own_page(
            request,
            "admin/media/picture/merge.html",
            gettext("Merge images"),
            pictures=pictures,
            target=target,
            others=others,
            described=described,
        )

    def _merge(self, request: HttpRequest, pks: Collection[int], target_id: int) -> HttpResponse:
        with transaction.atomic():
            merged = trash.merge(pks, target_id)
            target = Picture.objects.get(pk=target_id)
            record(Action.MERGED, merged, by=cast("User", request.user), details=gettext("into “%s”") % target)
            self.log_change(request, target, gettext("Merged with %s.") % ", ".join(map(in_quotes, merged)))
        text = ngettext(
            "%(count)d image merged into “%(target)s”.", "%(count)d images merged into “%(target)s”.", len(merged)
        )
        shown = text % {"count": len(merged), "target": target}
        self.report_done(request, shown, self.undo_url([picture.pk for picture in merged]))
        return redirect(self._url("duplicates" if LikePictures.objects.exists() else "changelist"))

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_delete_permission(request)


def _described(pks: Collection[int], viewer: Viewer) -> list[dict[str, Any]]:
    """Return details of these images for a page, the best one to keep first: the largest, or else the most used."""
    pictures = Picture.objects.present().filter(pk__in=pks)
    uses = uses_of(Picture, [picture.pk for picture in pictures], viewer)
    rows = [
        {
            "picture": picture,
            "uses": uses.get(picture.pk, []),
            "format": PurePath(str(picture.file.name)).suffix.lstrip(".").upper().replace("JPG", "JPEG"),
        }
        for picture in pictures
    ]

    def rank(row: dict[str, Any]) -> tuple[int, int, int]:
        return -row["picture"].width * row["picture"].height, -len(row["uses"]), row["picture"].pk

    return sorted(rows, key=rank)
