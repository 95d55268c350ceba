"""Merging, renaming and deleting tags in the admin. Each has a page that shows what will change before it does."""

from collections.abc import Collection
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.admin.curation import ChangeAdmin, CurationAdmin, explains_refusal
from blog.models.curation import CurationError
from core.admin_routes import route
from core.text import parse_id, parse_ids
from tags import curation
from tags.admin.forms import MergeForm, RenameForm
from tags.models import Tag, TagChange
from tags.names import tag_key


class TagCurationAdmin(CurationAdmin):
    """The actions on tags, and their pages."""

    actions = ("merge_selected", "delete_selected")

    @admin.action(description=_("Merge…"), permissions=["curate"])
    def merge_selected(self, request: HttpRequest, tags: QuerySet[Tag]) -> HttpResponse:
        """Show what merging these tags would change."""
        return self._merge_page(request, _ids(tags, curation.MAX_MERGED))

    # This replaces Django's action of the same name.
    @admin.action(description=_("Delete…"), permissions=["curate"])
    def delete_selected(self, request: HttpRequest, tags: QuerySet[Tag]) -> HttpResponse:
        """Show what deleting these tags would change."""
        return self._delete_page(request, _ids(tags, curation.MAX_DELETED))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect(f"{reverse('admin:tags_tag_delete_many')}?tags={object_id}")

    # Merge

    @route("merge/", "merge", permission="curate")
    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Merge the `tags` into the chosen one, once that has been shown and confirmed."""
        return self._merge_page(request, _read_tags(request))

    @explains_refusal
    def _merge_page(self, request: HttpRequest, ids: Collection[int]) -> HttpResponse:
        curation.check_count(ids, curation.MAX_MERGED)
        tags: list[Any] = curation.with_counts(ids)
        if not tags:
            raise CurationError(curation.gone_message())
        is_sent = "target" in request.POST or "other" in request.POST
        form = MergeForm(request.POST if is_sent else None, tags=tags, initial={"target": tags[0].pk})
        target = tags[0] if len(tags) > 1 else None
        if is_sent:
            target = form.cleaned_data["target"] if form.is_valid() else None
            if target and request.POST.get("confirm") == str(target.pk):
                return self.done(request, curation.merge(ids, target.pk, cast("User", request.user)))
        preview = curation.preview_merge(ids, target) if target and {tag.pk for tag in tags} != {target.pk} else None
        return self.own_page(
            request,
            "admin/tags/merge.html",
            gettext("Merge tags"),
            form=form,
            tags=tags,
            target=target,
            preview=preview,
            ids=_join(ids),
        )

    # Rename

    @route("<int:pk>/rename/", "rename", permission="curate")
    def rename_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a tag another name or slug, once the consequences have been shown and confirmed."""
        tag = get_object_or_404(Tag, pk=pk)
        name, preview, namesake = tag.name, None, None
        form = RenameForm(request.POST or None, instance=tag)
        if form.is_valid():
            wanted = f"{tag.slug} {tag.name}"
            if request.POST.get("confirm") == wanted:
                return self._rename(request, tag)
            preview = curation.preview_rename(Tag.objects.get(pk=pk), tag.slug)
        elif form.is_bound:
            # The most likely error is that there already is such a tag.
            namesake = Tag.objects.filter(key=tag_key(tag.name)).exclude(pk=pk).first()
        return self.own_page(
            request,
            "admin/tags/rename.html",
            gettext("Rename “%s”") % name,
            form=form,
            tag=tag,
            preview=preview,
            namesake=namesake,
        )

    @explains_refusal
    def _rename(self, request: HttpRequest, tag: Tag) -> HttpResponse:
        try:
            return self.done(request, curation.rename(tag.pk, tag.name, tag.slug, cast("User", request.user)))
        except ValidationError as error:
            # Someone else took the name between the check of the form and now.
            raise CurationError(" ".join(error.messages)) from error

    # Delete

    @route("delete/", "delete_many", permission="curate")
    def delete_many_view(self, request: HttpRequest) -> HttpResponse:
        """Delete the `tags`, once the consequences have been shown and confirmed."""
        return self._delete_page(request, _read_tags(request))

    @explains_refusal
    def _delete_page(self, request: HttpRequest, ids: Collection[int]) -> HttpResponse:
        curation.check_count(ids, curation.MAX_DELETED)
        if "confirm" in request.POST:
            expected = parse_id(request.POST["confirm"])
            return self.done(request, curation.delete(ids, cast("User", request.user), expected_uses=expected))
        preview = curation.preview_delete(ids)
        if not preview.tags:
            raise CurationError(curation.gone_message())
        uses = sum(tag.post_count for tag in preview.tags)
        count = len(preview.tags)
        title = ngettext("Delete %d tag", "Delete %d tags", count) % count
        return self.own_page(request, "admin/tags/delete.html", title, preview=preview, ids=_join(ids), uses=uses)


def _ids(tags: QuerySet[Tag], limit: int) -> list[int]:
    """Return the IDs of the tags, at most one more than the limit."""
    return list(tags.order_by().values_list("pk", flat=True)[: limit + 1])


def _read_tags(request: HttpRequest) -> list[int]:
    return parse_ids((request.POST if request.method == "POST" else request.GET).getlist("tags"))


def _join(ids: Collection[int]) -> str:
    return ",".join(map(str, ids))


@admin.register(TagChange)
class TagChangeAdmin(ChangeAdmin):
    """The list of changes to tags, each of which can be undone."""

    undo = staticmethod(curation.undo)
    permission = "tags.delete_tag"
