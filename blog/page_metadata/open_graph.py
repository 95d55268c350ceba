"""Metadata for sites that show previews of links or embed pages. Source: The Open Graph protocol, https://ogp.me/."""

from collections.abc import Iterator
from html import escape
from typing import Final
from urllib.parse import unquote, urlencode

from django.utils.safestring import SafeString, mark_safe

from blog.models import Entry, Post
from blog.page_metadata.structured_data import changed_at, timestamp
from blog.terms import Terms
from core.site import absolute_url
from core.urls import URLTemplate

# The default territories of languages whose code isn't that of the territory. Programs require one.
_LOCALES: Final = (
    "af_ZA ar_AR be_BY bn_IN bs_BA ca_ES cs_CZ cy_GB da_DK el_GR en_US et_EE eu_ES fa_IR ga_IE gl_ES "
    "he_IL hi_IN hy_AM ja_JP ka_GE kk_KZ km_KH ko_KR ky_KG ml_IN ms_MY my_MM nb_NO ne_NP nn_NO sl_SI "
    "sq_AL sr_RS sv_SE sw_KE ta_IN te_IN tg_TJ uk_UA ur_PK vi_VN zh_CN zh-hant_TW"
)
_TERRITORIES: Final = dict(each.split("_") for each in _LOCALES.split())
_oembed_url: Final = URLTemplate("blog:oembed")


def locale(language: str) -> str:
    """Return a language in the form of `og:locale`, such as `fr_FR` or `pt_BR`."""
    code, _hyphen, rest = language.lower().partition("-")
    if len(rest) == 2:
        return f"{code}_{rest.upper()}"
    default = code.upper() if len(code) == 2 else ""
    territory = _TERRITORIES.get(language.lower()) or _TERRITORIES.get(code, default)
    return f"{code}_{territory}" if territory else code


def oembed_url(entry: Entry) -> str:
    """Return the URL at which other sites find an embeddable card of an entry (blog.oembed)."""
    # Decoded, because a URL in a non-Latin script would be very long if it were encoded twice.
    url = unquote(absolute_url(entry.get_absolute_url()))
    return f"{absolute_url(_oembed_url())}?{urlencode({'url': url}, safe=':/')}"


def article(post: Post, terms: Terms) -> SafeString:
    """Return the properties of a public post without a password, as elements for the head of its page."""
    elements = [f'<meta property="{name}" content="{escape(value)}">' for name, value in _properties(post, terms)]
    return mark_safe("".join(elements))  # noqa: S308  # every value is escaped


def _properties(post: Post, terms: Terms) -> Iterator[tuple[str, str]]:
    if post.published_at is not None:
        yield "article:published_time", timestamp(post.published_at)
    yield "article:modified_time", timestamp(changed_at(post))
    # It can have only one.
    for category in terms.categories[:1]:
        yield "article:section", category.name
    for tag in terms.tags:
        yield "article:tag", tag.name
