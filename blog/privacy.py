"""The privacy page at /privacy/, which every site has.

It lists the data that is kept about people. If the site has a page with this path, its text comes first.
"""

from collections.abc import Iterator
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from blog.models import SiteAppearance
from core.models import SiteSettings
from core.privacy import Concerned, KeptData, describe_kept_data, reading_counters
from core.site import SiteRequest, absolute_url

# The path of the page.
PATH: Final = "privacy"


def privacy_page(request: SiteRequest) -> HttpResponse:
    """Show the privacy page of a site that has no page of its own with this path."""
    context = {
        "page_title": _("Privacy"),
        "meta_description": _("What data this site keeps about people, for how long, and why."),
        "canonical_url": absolute_url(reverse("blog:page", args=[PATH])),
        "kept_data": describe_kept_data(request.site),
    }
    return render(request, "blog/privacy.html", context)


def kept_about_readers(site: SiteSettings) -> Iterator[KeptData]:
    """Describe the data that is kept about reading, and about publishing an appearance."""
    is_counted = any(counts(site) for counts in reading_counters.values())
    yield KeptData(
        Concerned.READERS,
        _("Which pages you read, when, and with which device"),
        _("Not kept. There are no cookies, and your IP address is neither stored nor logged.")
        if is_counted
        else _("Not kept. There are no cookies and no statistics, and your IP address is neither stored nor logged."),
        _(
            "It isn't needed. Everything on a page comes from this site. Players from other sites are loaded only if "
            "you start them, and those sites have their own rules."
        ),
    )
    yield KeptData(
        Concerned.READERS,
        _(
            "Your guesses at the password of a protected post: a code that is made from your IP address, but not the "
            "address itself"
        ),
        _("Ten minutes."),
        _(
            "To prevent guessing. The code changes daily, and can't be turned back into the address without the secret "
            "key of this site."
        ),
    )
    if SiteAppearance.of(site).document:
        yield KeptData(
            Concerned.STAFF,
            _("Which versions of the appearance of this site you made public, and when"),
            _("Until fifty later ones have been made public, and without your name once your account is erased."),
            _("So that owners see who changed it, and can go back to an earlier one."),
        )
