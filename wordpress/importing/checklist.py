"""The checklist after an import: the points that apply to the imported blog, each with its state.

The states reflect this site as it is now, so a point that has been dealt with is done when the list is next shown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.admin.utils import label_for_field
from django.db.models import Count, TextChoices
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language_info, get_supported_language_variant, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.factors import without_credentials
from accounts.models import User
from blog.models import Redirect
from blog.models.redirect import folder_path
from core.http import host_of
from core.languages import in_quotes, separator
from core.models import SiteSettings
from wordpress.importing.report import AUTHORS, OldBlog
from wordpress.importing.time_zones import TimeSamples
from wordpress.models import ImportedItem

# The permission to change the title and tagline of this site.
CHANGE_SETTINGS: Final = "core.change_sitesettings"
_WORDPRESS_COM: Final = ".wordpress.com"
# The share of a blog's times that must match for a time zone to fit. Some may have been set by hand or when travelling.
_FITS: Final = 0.9
# The share that must match for a time zone to fit a blog that may have changed its own.
_MAY_FIT: Final = 0.5


class PointState(TextChoices):
    TO_DO = "to-do", gettext_lazy("To do")
    LOOK = "look", gettext_lazy("To check")
    DONE = "done", gettext_lazy("Done")


@dataclass(frozen=True, slots=True)
class ChecklistLink:
    """A page of this site where a point can be dealt with, and the permission it requires, if any."""

    label: str
    url: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the checklist. `hint` says how to deal with it on the command line, and `link` where in the admin.

    `offers_settings` is true if the admin can set the title and tagline to those of the old blog.
    """

    name: str
    state: PointState
    text: str
    hint: str = ""
    link: ChecklistLink | None = None
    offers_settings: bool = False


def checklist(blog: OldBlog) -> list[Point]:
    """Return the checklist after an import of `blog`, in a sensible order."""
    found = (_view(), _title(blog), _time_zone(blog), _language(blog), *_former_urls(blog), _authors(blog))
    return [point for point in (*found, _menus(blog), _files(blog), _domain(blog)) if point]


def setting_labels(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return site settings, by field, as pairs of a label and a value."""
    return [(capfirst(str(label_for_field(name, SiteSettings))), value) for name, value in values.items()]


def _view() -> Point:
    url = reverse("blog:front")
    text = _("Open %s and check a few posts, pages and pictures.") % f"{settings.SITE_URL}{url}"
    return Point(_("View the blog"), PointState.LOOK, text, link=ChecklistLink(_("View the blog"), url))


def _title(blog: OldBlog) -> Point | None:
    if not blog.settings:
        return None
    name = _("Title and tagline")
    link = ChecklistLink(_("Site settings"), reverse("admin:core_sitesettings_changelist"), CHANGE_SETTINGS)
    site = SiteSettings.current()
    if all(getattr(site, field) == value for field, value in blog.settings.items()):
        text = _("This site has the title of the old blog, “%(title)s”.")
        if not blog.title:
            text = _("This site has the tagline of the old blog, “%(tagline)s”.")
        elif blog.tagline:
            text = _("This site has the title and the tagline of the old blog, “%(title)s” and “%(tagline)s”.")
        return Point(name, PointState.DONE, text % {"title": site.title, "tagline": site.tagline}, link=link)
    text = _("The old blog had the title “%(old)s”, and this site has the title “%(title)s”.")
    if blog.tagline:
        text = _(
            "The old blog had the title “%(old)s” and the tagline “%(tagline)s”. This site has the title “%(title)s”."
        )
    text %= {"old": blog.title, "tagline": blog.tagline, "title": site.title}
    hint = _("To use them here, import again with --take-title.")
    return Point(name, PointState.LOOK, text, hint, link, offers_settings=True)


def _time_zone(blog: OldBlog) -> Point | None:
    times = TimeSamples.from_json(blog.times)
    if not times.counts:
        return None
    name, fit = _("Time zone"), times.fit(timezone.get_default_timezone())
    values = {
        "here": timezone.get_default_timezone_name(),
        "zone": blog.zone,
        "offsets": " / ".join(times.offsets).replace("-", "−"),
    }
    if fit >= _FITS:
        text = _("The setting TIME_ZONE, which is %(here)s, matches the times of the old blog's posts.")
        return Point(name, PointState.DONE, text % values)
    if blog.zone:
        text = _("The old blog's time zone was %(zone)s. Change the setting TIME_ZONE from %(here)s to %(zone)s.")
        return Point(name, PointState.TO_DO, text % values)
    text = _(
        "The old blog's time was %(offsets)s. Compare the setting TIME_ZONE, which is %(here)s, with the time zone "
        "that the old blog shows under Settings → General."
    )
    return Point(name, PointState.LOOK if fit >= _MAY_FIT else PointState.TO_DO, text % values)


def _language(blog: OldBlog) -> Point | None:
    exported, texts, here = _supported(blog.language), blog.text_language, settings.LANGUAGE_CODE
    # Authors may write in another language than that of the old blog's interface.
    code = exported if exported and _base(exported) == (texts or _base(exported)) else _supported(texts)
    if not code:
        return None
    values = {"code": code, "here": here, "language": _language_name(code), "texts": _language_name(_supported(texts))}
    if here == code or (_base(here) == _base(code) and ("-" not in code or not exported)):
        text = _("The setting LANGUAGE_CODE, which is %(here)s, matches the old blog.")
        return Point(_("Language"), PointState.DONE, text % values)
    text = _(
        "The old blog was in this language: %(language)s. Change the setting LANGUAGE_CODE from %(here)s to %(code)s."
    )
    if exported and code != exported:
        text = _(
            "The newest posts are in this language: %(texts)s. If that is true of the whole blog, "
            "change the setting LANGUAGE_CODE from %(here)s to %(code)s."
        )
    state = PointState.LOOK if exported and code != exported else PointState.TO_DO
    return Point(_("Language"), state, text % values)


def _former_urls(blog: OldBlog) -> Iterator[Point]:
    others = [host for host in blog.hosts if host != settings.SITE_HOST and not _is_future_domain(host, blog)]
    if missing := [host for host in others if host not in settings.BROADSIDE_FORMER_HOSTS]:
        value = ",".join([*settings.BROADSIDE_FORMER_HOSTS, *missing])
        text = _(
            "The blog has or had other hosts. Set FORMER_HOSTS=%s so that links to them lead here, then run manage.py "
            "rerender."
        )
        yield Point(_("Former hosts"), PointState.TO_DO, text % value)
    elif others:
        text = _("The setting FORMER_HOSTS has all other hosts that the blog had: %s.")
        yield Point(_("Former hosts"), PointState.DONE, text % ", ".join(others))
    if not blog.folder:
        return
    link = ChecklistLink(_("Redirects"), reverse("admin:blog_redirect_changelist"), "blog.view_redirect")
    is_redirected = blog.folder == settings.BROADSIDE_FORMER_FOLDER
    if is_redirected or Redirect.objects.filter(path=folder_path(blog.folder)).exists():
        text = _("The blog was in the folder %s. Its URLs lead to the same URLs here without the folder.")
        yield Point(_("Former folder"), PointState.DONE, text % blog.folder, link=link)
    else:
        text = _("The blog was in the folder %(folder)s. Set FORMER_FOLDER=%(name)s so that its URLs lead here.")
        values = {"folder": blog.folder, "name": blog.folder.strip("/")}
        yield Point(_("Former folder"), PointState.TO_DO, text % values)


def _authors(blog: OldBlog) -> Point | None:
    imported = ImportedItem.objects.filter(kind=AUTHORS, site=blog.site).values("object_pk")
    counts = User.objects.filter(pk__in=imported).aggregate(
        total=Count("pk"), waiting=Count("pk", filter=without_credentials())
    )
    if not counts["total"]:
        return None
    name, link = (
        _("Authors' accounts"),
        ChecklistLink(_("People"), reverse("admin:accounts_user_changelist"), "accounts.view_user"),
    )
    if not counts["waiting"]:
        return Point(name, PointState.DONE, _("All imported authors have a password or a passkey."), link=link)
    text = ngettext(
        "%d imported author can't log in yet. If that person is going to write here, open the account under People and "
        "choose “Send invitation…”.",
        "%d imported authors can't log in yet. For each of them who is going to write here, open the account under "
        "People and choose “Send invitation…”.",
        counts["waiting"],
    )
    return Point(name, PointState.LOOK, text % counts["waiting"], link=link)


def _menus(blog: OldBlog) -> Point | None:
    if not blog.menus:
        return None
    text = ngettext(
        "The old blog had the menu %s. Check under Appearance that it is in the right place.",
        "The old blog had the menus %s. Check under Appearance that each is in the right place.",
        len(blog.menus),
    )
    link = ChecklistLink(
        _("Appearance"), reverse("admin:blog_siteappearance_change", args=[1]), "blog.change_siteappearance"
    )
    return Point(_("Menus"), PointState.LOOK, text % separator().join(map(in_quotes, blog.menus)), link=link)


def _files(blog: OldBlog) -> Point | None:
    if not blog.files:
        return None
    name = _("Media files")
    link = ChecklistLink(_("Import again"), reverse("admin:wordpress_importjob_add"), "wordpress.import_wordpress")
    if missing := blog.missing_files - blog.gone_files:
        text = ngettext(
            "%d file is not here yet. Import again and download the files while the old site is online.",
            "%d files are not here yet. Import again and download the files while the old site is online.",
            missing,
        )
        hint = _("Use --fetch-media, or --media with a folder that has the files.")
        return Point(name, PointState.TO_DO, text % missing, hint, link)
    if blog.gone_files:
        text = ngettext(
            "%d file is gone from the old site. If you still have a copy, "
            "import again with manage.py import_wordpress --media.",
            "%d files are gone from the old site. If you still have copies, "
            "import again with manage.py import_wordpress --media.",
            blog.gone_files,
        )
        return Point(name, PointState.LOOK, text % blog.gone_files)
    return Point(name, PointState.DONE, ngettext("%d file is here.", "All %d files are here.", blog.files) % blog.files)


def _domain(blog: OldBlog) -> Point:
    host = host_of(blog.url)
    text = _(
        "Finally, check everything with manage.py verify_import. Then point the domain of the blog to this server."
    )
    if host.endswith(_WORDPRESS_COM):
        text = _(
            "Finally, check everything with manage.py verify_import. Then buy the redirect from %(host)s to %(here)s "
            "at WordPress.com. Only they can redirect it."
        )
    elif _is_future_domain(host, blog):
        text = _(
            "Finally, check everything with manage.py verify_import. Then point %(host)s to this server, and set "
            "SITE_URL=https://%(host)s. If the blog stays at %(here)s, add %(host)s to FORMER_HOSTS instead."
        )
    elif host:
        text = _("Finally, check everything with manage.py verify_import. Then point %(host)s to this server.")
    return Point(_("The domain"), PointState.LOOK, text % {"host": host, "here": settings.SITE_HOST})


def _is_future_domain(host: str, blog: OldBlog) -> bool:
    """Return whether `host` is the blog's own domain elsewhere, which will probably be pointed here in the end."""
    here = {name.removeprefix("www.") for name in (settings.SITE_HOST, *settings.BROADSIDE_FORMER_HOSTS)}
    is_own = host == host_of(blog.url) and not host.endswith(_WORDPRESS_COM)
    return is_own and bool(host) and host.removeprefix("www.") not in here


def _supported(code: str) -> str:
    """Return the supported language for a code such as `pt-BR`; an empty string if there is none."""
    try:
        return get_supported_language_variant(code.lower().replace("_", "-"))
    except LookupError:
        return ""


def _base(code: str) -> str:
    return code.partition("-")[0]


def _language_name(code: str) -> str:
    return str(get_language_info(code)["name_translated"]) if code else ""
