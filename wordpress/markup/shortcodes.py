"""Shortcodes, such as `[gallery]`, which WordPress replaces with generated content."""

import re
from collections import Counter
from collections.abc import Sequence
from html import escape, unescape
from urllib.parse import unquote

from blog.rendering.providers import find_embed
from wordpress.markup.block_attributes import empty_block
from wordpress.markup.galleries import UploadFinder, gallery_html, playlist_html
from wordpress.markup.note_shortcodes import NOTES, take_notes
from wordpress.markup.page_builders import count_builders, expand_builders
from wordpress.markup.source_code import parse_attributes, replace_code, replace_enclosing
from wordpress.markup.tokenizer import change_texts, find_in_texts, tokenise

# These patterns match a character first and then look behind it, which is much faster than the other way round.
# A shortcode and, if it is text without brackets, the content up to its end tag.
_SHORTCODE = re.compile(
    r"\[(?P<escaped>\[)?(?P<name>[A-Za-z][\w-]*+(?:\.tv)?)(?P<attributes>(?:[\s=:][^\[\]]*+)?)\]"
    r"(?:(?P<content>[^\[\]]*+)\[/(?P=name)\])?(?P<escape_end>\])?"
)
_MAY_BE_SHORTCODE = re.compile(r"\[[A-Za-z]")
_END_TAG = re.compile(r"\[/([A-Za-z][\w-]*+)\]")
_URL = re.compile(r"""https?://[^\s<>"'\[\]|]+""", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"(?<![\w/.-])(?=www\.\w|youtu\.be/)")
# Shortcodes of WordPress and WordPress.com that embed content of another site by its URL, and URL templates for those
# that take other attributes. The unnamed field of a template is the attribute `id` or the unnamed attribute.
_EMBEDS: dict[str, tuple[str, ...]] = {
    "archiveorg": ("https://archive.org/details/{}",),
    "archiveorg-book": ("https://archive.org/details/{}",),
    "bandcamp": (
        "https://bandcamp.com/EmbeddedPlayer/album={album}/",
        "https://bandcamp.com/EmbeddedPlayer/track={track}/",
    ),
    **dict.fromkeys(
        ("codepen", "codepen_embed"),
        ("https://codepen.io/{user}/pen/{slug_hash}", "https://codepen.io/{user}/pen/{href}"),
    ),
    "crowdsignal": ("https://poll.fm/{poll}", "https://{domain}.survey.fm/{}", "https://survey.fm/{survey}"),
    "dailymotion": ("https://www.dailymotion.com/video/{}",),
    "flickr": (
        "https://{photo}",
        "https://{video}",
        "https://www.flickr.com/photo.gne?id={photo}",
        "https://www.flickr.com/photo.gne?id={video}",
    ),
    "gist": ("https://gist.github.com/{}",),
    "googleapps": ("https://{domain}.google.com/{dir}?{query}", "https://{domain}.google.com/{dir}"),
    "instagram": ("https://www.instagram.com/p/{}/",),
    "mixcloud": ("https://www.mixcloud.com/{}",),
    "polldaddy": ("https://poll.fm/{poll}", "https://{domain}.survey.fm/{}", "https://survey.fm/{survey}"),
    "scribd": ("https://www.scribd.com/document/{}?secret_password={key}", "https://www.scribd.com/document/{}"),
    "slideshare": ("https://www.slideshare.net/slideshow/embed_code/{}",),
    "spotify": ("https://embed.spotify.com/?uri={}",),
    "ted": ("https://www.ted.com/talks/view/id/{}",),
    "tweet": ("https://x.com/i/web/status/{}", "https://x.com/i/web/status/{tweet}"),
    "twitter-timeline": ("https://x.com/{username}", "https://x.com/{}"),
    "videopress": ("https://videopress.com/v/{}",),
    "vimeo": ("https://vimeo.com/{}", "https://vimeo.com/{clip_id}"),
    "wpvideo": ("https://videopress.com/v/{}",),
    "wufoo": ("https://{username}.wufoo.com/forms/{formhash}",),
    "youtube": ("https://youtu.be/{}",),
    **dict.fromkeys(("crayon", "embed", "facebook", "getty", "googlemaps", "googlevideo", "kickstarter", "medium"), ()),
    **dict.fromkeys(("pinterest", "reddit", "soundcloud", "tiktok", "tumblr", "twitch", "twitchtv", "twitter"), ()),
    # Frames and Flash files of any site, and sites that are closed.
    **dict.fromkeys(("blip.tv", "gigya", "hulu", "protected-iframe", "ustream", "viddler", "vine"), ()),
    # Frames, documents and players of plugins.
    **dict.fromkeys(
        ("advanced_iframe", "cartodb", "descript", "embeddoc", "flat", "fvplayer", "google-drive-embed"), ()
    ),
    **dict.fromkeys(("gview", "houzz", "iframe", "nextdoor", "pdf", "pdf-embedder", "pdfjs-viewer"), ()),
    **dict.fromkeys(("pocketcasts", "podcast", "vr"), ()),
}
# A document of another site in Google's viewer.
_VIEWED_DOCUMENT = re.compile(r"""[?&"']url=(https?(?::|%3A)[^&\s"']+)""", re.IGNORECASE)
# Shortcodes of plugins that show a file or the description of a repository, which become links.
_GITHUB = {"github", "github_readme"}
_GITHUB_PATH = re.compile(r"/?[\w-]{1,100}/\w[\w.-]{0,99}(?:/[\w./+%-]{1,500})?", re.ASCII)
_MEDIA_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "audio": ("src", "mp3", "m4a", "ogg", "oga", "opus", "flac", "wav", "wma"),
    "video": ("src", "mp4", "m4v", "webm", "ogv", "mov", "flv", "wmv"),
}
_GALLERIES = {"gallery", "slideshow"}
# Forms of WordPress.com, which would reveal the e-mail address they send to, and of plugins. As in WordPress, they end
# at the first closing bracket, which opening ones may precede: many have a subject such as `[My blog`. If
# their names are in capitals, WordPress shows them as text, with the address; here they are hidden too.
FORMS = {
    *("blog_subscription_form", "bookly-form", "caldera_form", "cforms", "contact-field", "contact-form"),
    *("contact-form-7", "everest_form", "fluentform", "formidable", "forminator_form", "give_form", "gravityform"),
    *("gravityforms", "jetpack_subscription_form", "mailpoet_form", "mc4wp_form", "ninja_form", "ninja_forms"),
    *("ninja_forms_display_form", "si-contact-form", "simple-payment", "wpforms", "wysija_form"),
}
_FORM_NAME = rf"(?P<end>/?)(?P<name>{'|'.join(sorted(FORMS))})(?=[\s/\]])"
_FORM = re.compile(rf"\[(?<!\[\[){_FORM_NAME}(?:[^\[\]]++|\[(?!/?(?:{'|'.join(sorted(FORMS))})))*+\]", re.IGNORECASE)
# Shortcodes that show the site's own files. Without a file, they show nothing.
SHOWING_FILES = _MEDIA_ATTRIBUTES.keys() | _GALLERIES | {"playlist"}
_KNOWN = _EMBEDS.keys() | _GITHUB | SHOWING_FILES | {"archives", "caption", "wp_caption"}
# Shortcodes of WordPress.com and of plugins that show nothing here: lists of other content, shops, galleries, sliders,
# maps, polls, adverts, calendars, tables, players of podcasts, and buttons for logging in and sharing, whose content is
# not in the text. These names are always those of shortcodes.
_NOT_SHOWN = {
    *("add_eventon", "ai1ec", "eo_events", "event_embed", "events_list", "h5p", "ninja_tables", "podcast_episode"),
    *("buzzsprout", "display_podcast", "podbean", "podlove-episode-web-player", "podlove-web-player", "powerpress"),
    *("print_gllr", "spp-player", "spreaker", "ssp_player"),
    *("FinalTilesGallery", "masterslider", "photonic", "podlove-template", "polylang_langswitcher"),
    *("supsystic-tables", "visualizer", "wp_rss_multi_importer", "wpdatatable", "wpdatachart"),
    "wpml_language_selector_widget",
    *("add_to_cart", "addtoany", "adinserter", "adrotate", "ajax_load_more", "best_selling_products"),
    *("catlist", "custom-facebook-feed", "custom-twitter-feeds", "display-posts", "envira-gallery", "ez-toc"),
    *("featured_products", "foogallery", "googleplus", "gravatar_profile", "huge_it_gallery", "huge_it_slider"),
    *("imagebrowser", "instagram-feed", "layerslider", "leaflet-map", "leaflet-marker", "lwptoc"),
    *("mailchimp_subscriber_popup", "mappress", "mapsmarker", "metaslider", "my_calendar", "portfolio", "post_grid"),
    *("product_categories", "product_category", "product_page", "pt_view", "quads", "recent-posts"),
    *("recent_products", "rev_slider", "sale_products", "shop_messages", "simple-sitemap", "singlepic", "sitemap"),
    *("smartslider3", "social_warfare", "soliloquy", "subscribe", "testimonials", "the-post-grid", "the_ad"),
    *("the_ad_group", "theme-my-login", "toc", "top-posts", "top_rated_products", "ultimatemember", "untappd-menu"),
    *("upcomingevents", "wp-rss-aggregator", "wp_show_posts", "wp_sitemap_page", "wpgmza", "wpseo_breadcrumb"),
    *("wpp", "yop_poll"),
    # Of WordPress.com, for what only it has, or for sites that are closed. If there is a URL, it is shown.
    *("blip.tv", "digg", "gigya", "hulu", "kyte", "livevideo", "lytro", "protected-iframe", "redlasso", "rockyou"),
    *("splashcast", "ustream", "ustreamsocial", "viddler", "vodpod", "wordads"),
}
# Forms of other plugins: `[booking-form]`, `[sform id="7"]`. `[long-form]` and the like are text in brackets.
_OTHER_FORM = re.compile(r"(?!(?:free|long|short)-)[a-z][\w-]*[-_]forms?")
_OTHER_FORM_WITH_ATTRIBUTES = re.compile(r"[a-z]\w*forms?")
_NOT_SHOWN_PREFIXES = (
    *("bbp-", "dokan-", "edd_", "give_", "jetpack-", "jetpack_", "learn_press_", "mphb_", "ngg", "rank_math_"),
    *("rcp_", "tribe_", "ultimatemember_", "wcboost_", "woocommerce_", "woosc_", "woosw_", "yith_"),
)
# These are not shown if they have attributes. Otherwise they may be text in brackets.
_NOT_SHOWN_WITH_ATTRIBUTES = {
    *("ad", "album", "fa", "gravatar", "icon", "modula", "poll", "product", "products", "wpdm_package"),
}
# Text in brackets need not be a shortcode. These names always are.
_CERTAIN = _KNOWN | _NOT_SHOWN | {"blip"}
_NOT_FOR_LAYOUT = _CERTAIN | FORMS | {*NOTES}
# Unknown shortcodes with the URL of a video or of an audio file are players of plugins: `[embedyt]URL[/embedyt]`.
_MEDIA_FILE = re.compile(
    r"[^?#]+\.(?:(mp3|m4a|oga|ogg|opus|wav|flac)|(?:mp4|m4v|webm|ogv|mov))(?:[?#].*)?", re.IGNORECASE
)
# A file in the early form of `[audio]`, which may contain spaces.
_EARLY_AUDIO = re.compile(
    r"""https?://(?:(?!https?://)[^|,\[\]"'<>])+?\.(?:mp3|m4a|aac|oga|ogg|opus|wav|webm|wma|flac)(?![\w.-])"""
    r"""(?:\?[^\s|,"'<>]*)?""",
    re.IGNORECASE,
)
# A scheme of the plugins WP YouTube Lyte and Smart YouTube: `httpv://www.youtube.com/watch?v=…`.
_PLAYER_SCHEME = re.compile(r"\bhttp(?:a|v[a-z]{0,2})://(?=(?:www\.)?youtu)")
_CAPTION = re.compile(r"\[(?<!\[\[)(?P<name>caption|wp_caption)(?=[\s\]])(?P<attributes>[^\[\]]*+)\]")
# A video with subtitles, as the classic editor inserted them.
_VIDEO = re.compile(r"\[(?<!\[\[)(?P<name>video)(?P<attributes>\s[^\[\]]*+)\](?=\s*+<track\s)")
_TRACK = re.compile(r"<track\s[^<>]*+>")
_ALIGNMENTS = {"alignleft", "alignright", "aligncenter", "alignnone"}


def expand(source: str, find_uploads: UploadFinder) -> str:
    """Replace all known shortcodes in `source`. Unknown ones, and those inside code, stay as text.

    Embedded content becomes its URL on a line of its own, which blog.rendering turns into a card or a link.
    `find_uploads` finds the files of galleries and playlists.
    """
    # First, so that the shortcodes in code stay.
    source = replace_code(source)
    if "httpv" in source or "httpa:" in source:
        source = _PLAYER_SCHEME.sub("https://", source)
    source = replace_enclosing(expand_builders(source, find_uploads, _is_known), _CAPTION, _figure)
    source = replace_enclosing(source, _VIDEO, _video)
    if not _MAY_BE_SHORTCODE.search(source):
        return source
    expected_ends: Counter[str] = Counter()

    def expand_in(text: str) -> str:
        if "[" not in text:
            return text
        text = _SHORTCODE.sub(lambda shortcode: _replace(shortcode, find_uploads, expected_ends), _FORM.sub("", text))
        return _END_TAG.sub(lambda end: _remove_end(end, expected_ends), text) if expected_ends else text

    return change_texts(source, expand_in)


def count_unknown(source: str) -> Counter[str]:
    """Count the shortcodes in `source` that stay as text or are forms, by name, for the report of an import.

    Text in brackets such as `[sic]` is not a shortcode: that needs an attribute, an end tag or an unmistakable name.
    """
    names: Counter[str] = Counter()
    if not _MAY_BE_SHORTCODE.search(source):
        return names
    source = replace_code(source)
    names.update(count_builders(source, _is_known))
    source = take_notes(replace_enclosing(expand_builders(source, _any_upload, _is_known), _CAPTION, _figure), {})
    ends = set(_END_TAG.findall(source))
    for shortcode in find_in_texts(_SHORTCODE, _FORM.sub("", source)):
        name = shortcode["name"]
        is_shortcode = "=" in shortcode["attributes"] or "_" in name or name in ends or name in _CERTAIN
        if _is_hidden(shortcode) or (is_shortcode and _replace(shortcode, _any_upload, Counter()) == shortcode[0]):
            names[name] += 1
    names.update(form["name"] for form in find_in_texts(_FORM, source) if not form["end"])
    return names


def _is_known(name: str) -> bool:
    """Return whether the name is that of a shortcode which is not for layout."""
    return name in _NOT_FOR_LAYOUT or shows_nothing(name)


def shows_nothing(name: str) -> bool:
    """Return whether readers see nothing in place of a shortcode that count_unknown has counted."""
    is_other_form = name not in FORMS and (_OTHER_FORM.fullmatch(name) or _OTHER_FORM_WITH_ATTRIBUTES.fullmatch(name))
    return bool(
        name in _NOT_SHOWN | _NOT_SHOWN_WITH_ATTRIBUTES or name.startswith(_NOT_SHOWN_PREFIXES) or is_other_form
    )


def find_empty(source: str, find_uploads: UploadFinder) -> set[str]:
    """Return the names of the shortcodes in `source` that show nothing, because their files are not here."""
    return {
        shortcode["name"]
        for shortcode in find_in_texts(_SHORTCODE, replace_enclosing(replace_code(source), _CAPTION, _figure))
        if shortcode["name"] in SHOWING_FILES
        and not (shortcode["escaped"] and shortcode["escape_end"])
        and _html(shortcode, find_uploads) == ""
    }


def _any_upload(ids: Sequence[int], parent: int) -> dict[int, None]:
    """Return a placeholder for each ID, to find out which shortcodes show files."""
    return dict.fromkeys(ids or [1])


def _is_hidden(shortcode: re.Match[str]) -> bool:
    name, attributes = shortcode["name"], shortcode["attributes"]
    needs_attributes = name in _NOT_SHOWN_WITH_ATTRIBUTES or _OTHER_FORM_WITH_ATTRIBUTES.fullmatch(name)
    is_hidden = shows_nothing(name) and ("=" in attributes or not needs_attributes)
    return is_hidden and not _embedded_url(shortcode)


def _remove_end(end: re.Match[str], expected: Counter[str]) -> str:
    """Remove the end tag of a shortcode that was replaced and whose content is markup."""
    if not expected[end[1]]:
        return end[0]
    expected[end[1]] -= 1
    return ""


def _replace(shortcode: re.Match[str], find_uploads: UploadFinder, expected_ends: Counter[str]) -> str:
    """Return the replacement of a shortcode, or the shortcode itself. Count the end tags expected later."""
    name = shortcode["name"]
    before, after = shortcode["escaped"] or "", shortcode["escape_end"] or ""
    if before and after:
        # Double brackets show a shortcode as an example.
        return shortcode[0][1:-1] if name in _KNOWN else shortcode[0]
    html = _html(shortcode, find_uploads)
    if html is None:
        return shortcode[0]
    if shortcode["content"] is None:
        expected_ends[name] += 1
    return f"{before}\n\n{html}\n\n{after}"


def _html(shortcode: re.Match[str], find_uploads: UploadFinder) -> str | None:
    """Return the HTML of a shortcode, which may be empty, or None if it stays as text."""
    name = shortcode["name"]
    attributes, content = unescape(shortcode["attributes"]), unescape(shortcode["content"] or "")
    if url := _embedded_url(shortcode):
        return escape(url)
    if name in _MEDIA_ATTRIBUTES:
        return _media_element(name, attributes, content)
    if name in _GALLERIES:
        return gallery_html(parse_attributes(attributes), find_uploads)
    if name == "playlist":
        return playlist_html(parse_attributes(attributes), find_uploads)
    if name == "archives":
        return empty_block(name, "")
    if name in _GITHUB:
        return escape(_github_url(attributes, content)) or None
    if player := _player(attributes, content):
        return player if _URL.fullmatch(content.strip()) else f"{player}\n\n{shortcode['content'] or ''}"
    return shortcode["content"] or "" if _is_hidden(shortcode) else None


def _player(attributes: str, content: str) -> str:
    """Return the player for the content or an attribute of an unknown shortcode; empty if neither is a URL of one."""
    for url in filter(_URL.fullmatch, (content.strip(), *parse_attributes(attributes).values())):
        if embed := find_embed(url):
            return escape(embed.page) if embed.player else ""
        if file := _MEDIA_FILE.fullmatch(url):
            return _media_element("audio" if file[1] else "video", f'src="{url}"', "")
    return ""


def _embedded_url(shortcode: re.Match[str]) -> str:
    """Return the URL that a shortcode embeds; empty if there is none."""
    # WordPress's names are in lower case, but `[YouTube URL]` can only mean the video.
    name = shortcode["name"].lower()
    if name not in _EMBEDS:
        return ""
    texts = (unescape(text or "") for text in shortcode.group("attributes", "content"))
    attributes, content = (_WITHOUT_SCHEME.sub("https://", text) for text in texts)
    if name == "googleapps" and (document := _VIEWED_DOCUMENT.search(attributes)):
        return unquote(document[1]).replace(" ", "%20")
    if match := _URL.search(content) or _URL.search(attributes):
        embed = find_embed(match[0])
        return embed.page if embed else match[0]
    # An ID instead of a URL, alone or as an attribute: `[vimeo 12345 w=400]`, `[slideshare id=12345&w=400]`.
    values = parse_attributes(attributes)
    parts = attributes.lstrip("=: ").replace('"', " ").replace("'", " ").split()
    id_ = (values.get("id") or (parts[0] if parts else "") or content.strip()).partition("&")[0].strip("/")
    for template in _EMBEDS[name]:
        try:
            embed = find_embed(template.format(id_, **values))
        except (KeyError, IndexError):
            continue
        if embed:
            return embed.page
    return ""


def _github_url(attributes: str, content: str) -> str:
    """Return the URL of a file or repository on GitHub; empty if there is none."""
    if match := _URL.search(content) or _URL.search(attributes):
        return match[0]
    values = parse_attributes(attributes)
    path = values.get("file") or "/".join(filter(None, map(values.get, ("user", "repo"))))
    return f"https://github.com/{path.lstrip('/')}" if _GITHUB_PATH.fullmatch(path) else ""


def _media_element(name: str, attributes: str, content: str) -> str:
    """Return the element for `[audio]` or `[video]`; empty if it gives no file."""
    values = parse_attributes(attributes)
    sources = [values[key] for key in _MEDIA_ATTRIBUTES[name] if values.get(key)]
    if not sources and name == "audio" and not content and (players := _early_players(attributes)):
        return players
    if not sources and (match := _URL.search(attributes)):
        sources = [match[0]]
    if not sources and (match := _URL.search(content)):
        sources, content = [match[0]], ""
    if not sources:
        return ""
    if embed := find_embed(sources[0]):
        return "\n\n".join([escape(embed.page), *filter(None, [content.strip()])])
    shown = {key: values[key] for key in ("width", "height") if values.get(key, "").isdecimal()}
    if poster := values.get("poster"):
        shown["poster"] = escape(poster)
    looks = "".join(f' {key}="{value}"' for key, value in shown.items()) if name == "video" else ""
    children = "".join(f'<source src="{escape(source)}">' for source in sources)
    # As in WordPress, the content is for browsers that can't play the file.
    return f"<{name}{looks}>{children}{content.strip()}</{name}>"


def _video(start_tag: re.Match[str], content: str) -> str:
    player = _media_element("video", unescape(start_tag["attributes"]), "".join(_TRACK.findall(content)))
    return f"\n\n{player}\n\n"


def _early_players(attributes: str) -> str:
    """Return the players for WordPress.com's early form: `[audio https://example.org/a b.mp3,https://…|titles=A,B]`."""
    files, *options = attributes.split("|")
    texts = {name.strip().lower(): value.split(",") for name, _, value in (each.partition("=") for each in options)}
    players = []
    for index, url in enumerate(_EARLY_AUDIO.findall(files)):
        found = (texts[name][index].strip() for name in ("artists", "titles") if index < len(texts.get(name, ())))
        title = " – ".join(filter(None, found))
        player = f'<audio><source src="{escape(url.replace(" ", "%20"))}"></audio>'
        players.append(f"<figure>{player}<figcaption>{escape(title)}</figcaption></figure>" if title else player)
    return "\n\n".join(players)


def _picture_end(content: str) -> int:
    """Return the end of the picture, including the link around it, at the start of `content`; 0 if there is none."""
    position = end = 0
    for kind, text, name in tokenise(content):
        position += len(text)
        if kind == "start" and name == "img" and not end:
            end = position
        elif kind == "end" and name == "a" and end:
            return position
        elif not (kind == "text" and not text.strip()) and not (kind == "start" and name == "a" and not end):
            break
    return end


def _figure(start_tag: re.Match[str], content: str) -> str:
    values = parse_attributes(start_tag["attributes"])
    end = _picture_end(content)
    shown = content[:end].strip() or content
    # Before WordPress 3.4, the caption was an attribute.
    caption = (content[end:].strip() if end else "") or unescape(values.get("caption", ""))
    if not caption:
        return shown
    align = values.get("align", "")
    classes = f"wp-caption {align}" if align in _ALIGNMENTS else "wp-caption"
    name = f' id="{escape(values["id"])}"' if values.get("id") else ""
    return (
        f'\n\n<figure{name} class="{classes}">{shown}'
        f'<figcaption class="wp-caption-text">{caption}</figcaption></figure>\n\n'
    )
