"""The page on which people choose a password, with the link of an invitation or a new one."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SetupForm
from accounts.offboarding import work_of
from accounts.setup_links import VALID_DAYS, ExpiredLinkError, choose_password, find_person


# The secret in the URL is what allows it. With a CSRF token, browsers would have to send the URL as a referrer.
@csrf_exempt
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form; mail programs open links to scan them, so only a POST uses the link up."""
    try:
        person = find_person(token)
        is_new = not person.has_usable_password()
        form = SetupForm(request.POST if request.method == "POST" else None, instance=person)
        if form.is_valid():
            if "display_name" in form.changed_data and not work_of(person):
                # It would tell readers the name that the owner knows. With work, it is in links.
                person.slug = ""
            choose_password(token, person, form.cleaned_data["password1"])
            messages.success(request, gettext("Your password has been saved. Log in with it."))
            return redirect("admin:index")
    except ExpiredLinkError:
        return _page(request, "expired", gettext("This link doesn't work any more"), 410, days=VALID_DAYS)
    title = gettext("Welcome") if is_new else gettext("Choose a new password")
    return _page(request, "setup", title, form=form, person=person, is_new=is_new)


def _page(request: HttpRequest, name: str, title: str, status: int = 200, **context: object) -> HttpResponse:
    context |= {**admin.site.each_context(request), "title": title, "navigation": None}
    response = render(request, f"admin/accounts/{name}.html", context, status=status)
    # The URL is a secret.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
