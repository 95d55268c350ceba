"""Categories in the admin: the list, the form, merging them, and moving their posts."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog import curation, twins
from blog.admin.curation import ChangeAdmin, CurationAdmin, TwinsAdmin, explains_refusal, twins_row
from blog.admin.forms import CategoryForm
from blog.admin.trees import TreeChoiceField, indented, tree_order
from blog.models import Category, CategoryChange, CategoryTwins
from blog.models.curation import CurationError
from core.admin_routes import route
from core.kind_messages import KindMessages
from core.text import parse_ids


class MergeForm(forms.Form):
    """Asks which category gets the posts, and whether to keep the others."""

    target = TreeChoiceField(Category.objects.order_by(tree_order()), label=_("Move posts to"), empty_label=None)
    keep = forms.BooleanField(label=_("Only move the posts, and keep the other categories"), required=False)


@admin.register(Category)
class CategoryAdmin(CurationAdmin):
    form = CategoryForm
    kind_messages = KindMessages(
        add=_("Add category"),
        empty=_("No categories yet."),
        edit=_("Edit category"),
        view=_("View category"),
        delete=_("Delete category"),
        added=_("Category “{object}” added."),
        saved=_("Category “{object}” saved."),
        deleted=_("Category “{object}” deleted."),
        question=_("Delete the category “{object}” permanently? This can't be undone."),
    )
    list_display = ("indented_name", "whole_path", "post_count")
    search_fields = ("name", "path")
    ordering = (tree_order(),)
    list_per_page = 200
    actions = ("merge_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Category.objects.annotate(post_count=Count("posts"))

    @admin.display(description=_("name"), ordering=tree_order())
    def indented_name(self, category: Category) -> SafeString:
        return indented(category)

    @admin.display(description=_("path"), ordering="path")
    def whole_path(self, category: Category) -> str:
        """Show the slugs of the parents too, which a search may leave out of the list."""
        return category.path

    @admin.action(description=_("Merge, or move posts…"), permissions=["curate"])
    def merge_selected(self, request: HttpRequest, categories: QuerySet[Any]) -> HttpResponse:
        """Show what merging these categories would change."""
        return self._merge_page(request, list(categories.order_by().values_list("pk", flat=True)))

    @route("merge/", "merge", permission="curate")
    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Merge the `categories` into the chosen one, once that has been previewed and confirmed."""
        data = request.POST if request.method == "POST" else request.GET
        return self._merge_page(request, parse_ids(data.getlist("categories")))

    @explains_refusal
    def _merge_page(self, request: HttpRequest, ids: Collection[int]) -> HttpResponse:
        chosen: list[Any] = list(self.get_queryset(request).filter(pk__in=ids).order_by("-post_count", "path"))
        if not chosen:
            raise CurationError(curation.gone_message())
        form = MergeForm(request.POST if "target" in request.POST else None, initial={"target": chosen[0].pk})
        target, keep, preview, obstacle = chosen[0], False, None, ""
        if form.is_valid():
            target, keep = form.cleaned_data["target"], form.cleaned_data["keep"]
        confirmed = f"{target.pk} {keep}"
        if form.is_valid() and request.POST.get("confirm") == confirmed:
            return self.done(request, curation.merge(ids, target.pk, cast("User", request.user), keep=keep))
        if {each.pk for each in chosen} != {target.pk}:
            try:
                preview = curation.preview_merge(ids, target, keep=keep)
            except CurationError as error:
                obstacle = str(error)
        return self.own_page(
            request,
            "admin/blog/merge_categories.html",
            gettext("Merge categories"),
            form=form,
            chosen=chosen,
            target=target,
            keep=keep,
            preview=preview,
            obstacle=obstacle,
            confirmed=confirmed,
            ids=",".join(map(str, ids)),
        )


@admin.register(CategoryTwins)
class CategoryTwinsAdmin(TwinsAdmin):
    permission = "blog.delete_category"
    not_twins_text = _("These two categories will not be suggested again.")
    set_different = staticmethod(twins.set_different)

    def twins_page(self, request: HttpRequest) -> HttpResponse:
        merge_url = f"{reverse('admin:blog_category_merge')}?categories="
        rows = [
            twins_row([(each, each.post_count) for each in pair[:2]], pair.likeness, merge_url) for pair in twins.find()
        ]
        return self.own_page(
            request,
            "admin/blog/category_twins.html",
            gettext("Duplicate categories"),
            rows=rows,
        )


@admin.register(CategoryChange)
class CategoryChangeAdmin(ChangeAdmin):
    undo = staticmethod(curation.undo)
    permission = "blog.delete_category"
