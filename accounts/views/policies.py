"""What owners decide about how people log in: what each role demands."""

from typing import Any, Final

from django.contrib import messages
from django.forms import ModelForm, TypedChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts import policies
from accounts.models import RolePolicy
from accounts.views.pages import OwnPage

# What owners can choose from.
_SESSION_HOURS: Final = (1, 4, 8, 12, 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24, 90 * 24)


class PolicyForm(ModelForm[RolePolicy]):
    """What one role demands."""

    class Meta:
        model = RolePolicy
        fields = ("needs_second_factor", "session_hours")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hours = sorted({*_SESSION_HOURS, self.instance.session_hours})
        self.fields["session_hours"] = TypedChoiceField(
            label=_("Log out after"),
            choices=[(each, policies.describe_hours(each)) for each in hours],
            coerce=int,
        )


class PoliciesView(OwnPage, TemplateView):
    title = _("Login rules")
    dangerous = owners_only = True
    template_name = "accounts/policies.html"

    def _forms(self, data: Any = None) -> list[PolicyForm]:
        return [
            PolicyForm(data, instance=policy, prefix=f"role-{number}")
            for number, policy in enumerate(policies.all_policies())
        ]

    def get_context_data(self, forms: list[PolicyForm] | None = None, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(forms=forms or self._forms(), **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        forms = self._forms(request.POST)
        # Each is validated, so that all errors are shown at once.
        if sum(not form.is_valid() for form in forms):
            return self.render_to_response(self.get_context_data(forms=forms))
        policies.change([form.instance for form in forms if form.has_changed()], request)
        messages.success(request, gettext("Login rules saved."))
        return HttpResponseRedirect(request.path)
