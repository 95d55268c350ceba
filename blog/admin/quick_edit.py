"""Quick edit: changing a few fields of a post or page without opening its form."""

from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from blog.admin.entry_actions import EntryActions
from blog.admin.forms import EntryForm, PageForm, PostForm
from blog.admin.results import step_label
from blog.admin.site_time import zone_sentence
from blog.editing.workflow import Step
from blog.models import Entry
from blog.permissions import may_publish
from core.admin_routes import route

# The header with which the script requests only the form.
_FRAGMENT_HEADER = "X-Broadside-Fragment"


class QuickPostForm(PostForm):
    """The form for posts with the fields that a list shows."""

    source = None  # type: ignore[assignment]  # Django's way to remove a field
    language = None  # type: ignore[assignment]  # as above
    new_category = None  # type: ignore[assignment]  # as above
    new_category_parent = None  # type: ignore[assignment]  # as above


class QuickPageForm(PageForm):
    """The form for pages with the fields that a list shows."""

    source = None  # type: ignore[assignment]  # as above
    language = None  # type: ignore[assignment]  # as above


class QuickEdit(EntryActions):
    """The view behind “Quick edit”: a dialog over the list, or without JavaScript a page of its own."""

    quick_form: ClassVar[type[forms.ModelForm[Any]]]
    quick_fields: ClassVar[tuple[str, ...]]

    @route("<int:pk>/quick/", "quick")
    def quick_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the form, or save it and return to the list. The script gets only the form, or 204 once it is saved."""
        is_fragment = _FRAGMENT_HEADER in request.headers
        with transaction.atomic():
            entry = self.find_object(request, pk, self.has_change_permission)
            form = self._form_class(request, entry)(request.POST or None, instance=entry)
            if form.is_valid():
                self._save(request, form)
                return HttpResponse(status=204) if is_fragment else self.redirect_to_list(request)
        return self.own_page(
            request,
            "admin/blog/_quick_form.html" if is_fragment else "admin/blog/quick_edit.html",
            gettext("Quick edit"),
            subtitle=str(entry),
            is_fragment=is_fragment,
            entry=entry,
            form=form,
            steps=[(step.value, step_label(step, form.state), step == form.step) for step in _other_steps(form)],
            media=self.media + form.media,
            form_url=request.get_full_path(),
            list_url=self.redirect_to_list(request).url,
        )

    def _form_class(self, request: HttpRequest, entry: Entry) -> Any:
        hidden = set() if may_publish(request.user, self.model) else {"published_at"}
        names = [name for name in self.quick_fields if name not in hidden]
        form = self.get_form(request, entry, change=True, form=self.quick_form, fields=names)
        if "published_at" in form.base_fields:
            form.base_fields["published_at"].help_text = zone_sentence(entry.published_at)
        return form

    def _save(self, request: HttpRequest, form: Any) -> None:
        entry = form.save(commit=False)
        self.save_model(request, entry, form, change=True)
        self.log_change(request, entry, self.construct_change_message(request, form, []))
        self.report_step(request, entry.step, entry)


def _other_steps(form: EntryForm) -> list[Step]:
    """Return the steps other than saving, in the order of the form's buttons."""
    return [step for step in (*form.steps.main, *form.steps.others) if step != Step.SAVE]
