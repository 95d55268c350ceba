"""Sites whose videos, audio, documents and posts are often embedded: how to recognise a URL, and what to show.

WordPress loads a player or a script from such a site for every reader. Here there is a link, and a player that can be
loaded on click where the site's player works in a frame and doesn't need scripts in our page. The hosts of players are
also in the pages' Content-Security-Policy (`frame-src` in the settings).

URLs are hostile input: pages and players are built from the parts that a strict pattern has matched.
"""

import re
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import unquote

from blog.rendering import urls


class Embed(NamedTuple):
    """Content of another site.

    `site` is the name of the site. `page` is the URL for a link to it. `player` is the URL of the player, to be loaded
    in a frame when a reader presses its button; empty if there is none. `kind` is `video`, `audio` or `document`.
    """

    site: str
    page: str
    player: str
    kind: str


class _Provider:
    """A kind of URL of a site.

    `patterns` match the beginning of a URL without its scheme, and without `www.`, `m.` or `mobile.`. The templates of
    `page` and `player` get the named groups and `start`, the seconds at which to start; a part in square brackets is
    left out if its value is empty. Without a template, the page is the URL as far as it was matched.
    """

    def __init__(self, site: str, *patterns: str, page: str = "", player: str = "", kind: str = "video") -> None:
        self.site, self.page, self.player, self.kind = site, page, player, kind
        self.patterns = [re.compile(pattern, re.ASCII) for pattern in patterns]


_END: Final = r"(?=[/?&#]|$)"
# The rest of a URL that is linked as it is.
_REST: Final = r"[\w%/@.,!?=&+~:*;-]*"

# The first pattern that matches is used.
_PROVIDERS: Final = (
    _Provider(
        "YouTube",
        r"youtube(?:-nocookie)?\.com/(?:playlist|embed/videoseries)\?(?:.*&)?list=(?P<id>[\w-]{10,64})(?![\w-])",
        page="https://www.youtube.com/playlist?list={id}",
        player="https://www.youtube-nocookie.com/embed/videoseries?list={id}&autoplay=1&rel=0",
    ),
    _Provider(
        "YouTube",
        # The old form of a playlist, without the letters in front of its ID.
        r"youtube(?:-nocookie)?\.com/(?:p/|(?:playlist|view_play_list)\?(?:.*&)?p=)(?:PL)?(?P<id>[0-9A-F]{16})(?!\w)",
        page="https://www.youtube.com/playlist?list=PL{id}",
        player="https://www.youtube-nocookie.com/embed/videoseries?list=PL{id}&autoplay=1&rel=0",
    ),
    _Provider(
        "YouTube",
        # The ID of a video, wherever plugins and people put the rest: `watch?v=ID?wmode=opaque`, `/v/ID&hl=en`.
        r"(?:music\.)?youtube(?:-nocookie)?\.com/(?:watch.*?[?&]v=|(?:embed|live|shorts|v)/)(?P<id>[\w-]{11})(?![\w-])",
        r"youtu\.be/(?P<id>[\w-]{11})(?![\w-])",
        page="https://www.youtube.com/watch?v={id}[&t={start}s]",
        player="https://www.youtube-nocookie.com/embed/{id}?autoplay=1&rel=0[&start={start}]",
    ),
    _Provider(
        "Vimeo",
        # Flash, until 2015.
        r"vimeo\.com/moogaloop\.swf\?(?:.*&)?clip_id=(?P<id>[0-9]{4,12})(?![0-9])",
        # Videos that are not listed have a key.
        r"(?:player\.)?vimeo\.com(?:/[\w-]{1,100}){0,3}?/(?P<id>[0-9]{4,12})/?\?(?:.*&)?h=(?P<key>[0-9a-f]{8,12})(?!\w)",
        # The number after these words is not that of a video.
        r"(?:player\.)?vimeo\.com(?!/(?:album|channels|groups|showcase)/[0-9]+/?(?:[?#]|$)|/event/)"
        r"(?:/[\w-]{1,100}){0,3}?/(?P<id>[0-9]{4,12})(?:/(?P<key>[0-9a-f]{8,12}))?/?(?=[?#]|$)",
        page="https://vimeo.com/{id}[/{key}]",
        player="https://player.vimeo.com/video/{id}?autoplay=1&dnt=1[&h={key}]",
    ),
    _Provider(
        "Dailymotion",
        r"dailymotion\.com/(?:embed/video|swf/video|swf|video)/(?P<id>[A-Za-z0-9]{5,20})(?![A-Za-z0-9])",
        r"geo\.dailymotion\.com/player(?:/\w{1,20})?\.html\?(?:.*&)?video=(?P<id>[A-Za-z0-9]{5,20})(?![A-Za-z0-9])",
        r"dai\.ly/(?P<id>[A-Za-z0-9]{5,20})(?![A-Za-z0-9])",
        page="https://www.dailymotion.com/video/{id}[?start={start}]",
        player="https://geo.dailymotion.com/player.html?video={id}[&startTime={start}]",
    ),
    _Provider("TED", r"ted\.com/talks/view/id/(?P<id>[0-9]{1,6})(?!\w)", page="https://www.ted.com/talks/view/id/{id}"),
    _Provider(
        "TED",
        r"(?:embed(?:-ssl)?\.)?ted\.com/talks/lang/(?P<lang>[a-z-]{2,8})/(?P<id>\w{1,150})(?:\.html)?" + _END,
        r"(?:embed(?:-ssl)?\.)?ted\.com/talks/(?P<id>\w{1,150})(?:\.html)?\?(?:.*&)?language=(?P<lang>[a-z-]{2,8})(?!\w)",
        r"(?:embed(?:-ssl)?\.)?ted\.com/talks/(?!view/)(?P<id>\w{1,150})(?:\.html)?" + _END,
        page="https://www.ted.com/talks/{id}[?language={lang}]",
        player="https://embed.ted.com/talks/[lang/{lang}/]{id}",
    ),
    _Provider(
        "VideoPress",
        r"(?:(?:videopress\.com|video\.wordpress\.com)/(?:v|embed)|v\.wordpress\.com)/(?P<id>[A-Za-z0-9]{8})(?![A-Za-z0-9])",
        page="https://videopress.com/v/{id}",
        player="https://videopress.com/embed/{id}",
    ),
    _Provider(
        "Internet Archive",
        r"archive\.org/(?:details|embed)/(?P<id>[\w.-]{1,100})" + _END,
        page="https://archive.org/details/{id}",
        player="https://archive.org/embed/{id}",
    ),
    _Provider(
        "SoundCloud",
        r"api\.soundcloud\.com/(?P<type>tracks|playlists|users)/(?:soundcloud(?::|%3A)\w+(?::|%3A))?(?P<id>[0-9]{1,15})(?![0-9])",
        page="https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/{type}/{id}",
        player="https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/{type}/{id}&auto_play=true",
        kind="audio",
    ),
    _Provider(
        "SoundCloud",
        r"soundcloud\.com/(?P<id>[\w-]{1,100}/(?:sets/)?[\w-]{1,200}(?:/s-\w{1,20})?)/?(?=[?#]|$)",
        page="https://soundcloud.com/{id}",
        player="https://w.soundcloud.com/player/?url=https%3A//soundcloud.com/{id}&auto_play=true",
        kind="audio",
    ),
    _Provider(
        "Spotify",
        r"(?:open|play|embed)\.spotify\.com/(?:intl-\w+/)?(?:embed/)?(?:user/[\w.%-]{1,100}/)?"
        r"(?P<type>album|artist|episode|playlist|show|track)/(?P<id>[A-Za-z0-9]{22})(?![A-Za-z0-9])",
        r"(?:embed\.spotify\.com|open\.spotify\.com/embed)/?\?(?:.*&)?uri=spotify(?::|%3[Aa])(?:user(?::|%3[Aa])[\w.-]{1,100}(?::|%3[Aa]))?"
        r"(?P<type>album|artist|episode|playlist|show|track)(?::|%3[Aa])(?P<id>[A-Za-z0-9]{22})(?![A-Za-z0-9])",
        page="https://open.spotify.com/{type}/{id}",
        player="https://open.spotify.com/embed/{type}/{id}",
        kind="audio",
    ),
    _Provider(
        "Bandcamp",
        r"bandcamp\.com/EmbeddedPlayer/(?:.*/)?(?P<type>album|track)=(?P<id>[0-9]{4,12})(?![0-9])",
        page="https://bandcamp.com/EmbeddedPlayer/{type}={id}/size=large/",
        player="https://bandcamp.com/EmbeddedPlayer/{type}={id}/size=large/",
        kind="audio",
    ),
    _Provider("Bandcamp", r"[\w-]{1,60}\.bandcamp\.com/(?:album|track)/[\w-]{1,200}" + _END),
    _Provider(
        "SlideShare",
        r"(?:[a-z]{2}\.)?slideshare\.net/slideshow/embed_code/(?P<id>(?:key/)?\w{4,40})(?!\w)",
        page="https://www.slideshare.net/slideshow/embed_code/{id}",
        player="https://www.slideshare.net/slideshow/embed_code/{id}",
        kind="document",
    ),
    _Provider("SlideShare", r"(?:[a-z]{2}\.)?slideshare\.net/(?:slideshow/)?[\w-]{1,100}/[\w-]{1,200}" + _END),
    _Provider(
        "Scribd",
        r"(?:[a-z]{2}\.)?scribd\.com/(?:doc|document|embeds|presentation)/(?P<id>[0-9]{3,12})(?![0-9])"
        r"(?:.*?[?&](?:access_key|secret_password)=(?P<key>[\w-]{4,60})(?![\w-]))?",
        page="https://www.scribd.com/document/{id}[?secret_password={key}]",
        player="https://www.scribd.com/embeds/{id}/content?start_page=1&view_mode=scroll[&access_key={key}]",
        kind="document",
    ),
    # The players of these sites need scripts in our page, or identify their visitors.
    _Provider(
        "X (Twitter)",
        r"(?:twitter|x)\.com/(?:#!/)?(?P<user>\w{1,20}|i/web)/status(?:es)?/(?P<id>[0-9]{1,20})(?![0-9])",
        page="https://x.com/{user}/status/{id}",
    ),
    _Provider("X (Twitter)", r"(?:twitter|x)\.com/(?:#!/)?(?P<user>\w{1,20})/?(?=[?]|$)", page="https://x.com/{user}"),
    _Provider(
        "Instagram",
        r"(?:instagram\.com|instagr\.am)/(?:[\w.]{1,40}/)?(?P<type>p|tv|reel)/(?P<id>[\w-]{5,60})(?![\w-])",
        page="https://www.instagram.com/{type}/{id}/",
    ),
    _Provider(
        "Facebook",
        r"(?:[a-z]{2}-[a-z]{2}\.)?facebook\.com/(?:[\w.%-]{1,100}/(?:activity|photos|posts|videos)/"
        r"|(?:events|groups|media|notes|photo|reel|share|watch)/|(?:permalink|photo|story|video)\.php\?)" + _REST,
        r"fb\.watch/[\w-]{1,40}",
    ),
    _Provider(
        "TikTok",
        r"tiktok\.com/@[\w.-]{1,60}/(?:photo|video)/[0-9]{6,25}(?![0-9])",
        r"(?:vm|vt)\.tiktok\.com/\w{4,20}" + _END,
    ),
    _Provider(
        "TikTok",
        r"tiktok\.com/(?:embed(?:/v[0-9])?|player/v1)/(?P<id>[0-9]{6,25})(?![0-9])",
        page="https://www.tiktok.com/embed/v2/{id}",
    ),
    _Provider(
        "Flickr",
        r"(?:embedr\.)?flickr\.com/(?P<id>photos/[\w@.-]{1,60}/(?:(?:albums|galleries|sets)/)?[0-9]{4,25})(?![0-9])",
        page="https://www.flickr.com/{id}/",
    ),
    _Provider("Flickr", r"flickr\.com/photo\.gne\?id=[0-9]{4,25}(?![0-9])", r"flic\.kr/[ps]/\w{3,20}" + _END),
    _Provider(
        "Google Maps",
        # A map in a frame has no page of its own. The URL of its player contains the coordinates of the centre.
        r"google\.com/maps/embed\?(?:.*&)?pb=[^&]*?!2d(?P<longitude>-?[0-9]{1,3}\.[0-9]{1,20})!3d(?P<latitude>-?[0-9]{1,2}\.[0-9]{1,20})",
        page="https://www.google.com/maps/search/?api=1&query={latitude},{longitude}",
    ),
    _Provider(
        "Google Maps",
        r"google\.com/maps(?!/embed)(?=[/?])" + _REST,
        r"maps\.google\.com/(?:maps)?\?" + _REST,
        r"(?:goo\.gl/maps|maps\.app\.goo\.gl)/\w{4,40}",
    ),
    _Provider(
        "Google Docs",
        r"(?:docs|drive)\.google\.com/(?:a/[\w.-]{1,100}/)?(?:document|file|forms|presentation|spreadsheets)/d/"
        + _REST,
        # Before 2012, files had no URL of their own.
        r"docs\.google\.com/(?:a/[\w.-]{1,100}/)?"
        r"(?:document|present|presentation|spreadsheet)/(?:embed|embeddedform|pub|view|viewform)\?" + _REST,
        r"spreadsheets[0-9]?\.google\.com/[\w./-]{1,200}\?" + _REST,
    ),
    _Provider(
        "Google Calendar",
        r"calendar\.google\.com/calendar/(?:b/[0-9]+/)?(?:u/[0-9]+/)?embed\?" + _REST,
        r"google\.com/calendar/(?:hosted/[\w.-]{1,100}/)?embed\?" + _REST,
    ),
    _Provider(
        "Crowdsignal",
        r"(?:poll\.fm|survey\.fm)/\w{4,40}" + _END,
        r"(?:answers\.)?(?:polldaddy|crowdsignal)\.com/(?:p|poll|s)/\w{4,40}" + _END,
        r"[\w-]{1,60}\.(?:survey\.fm|polldaddy\.com/s|crowdsignal\.net)/[\w-]{1,100}" + _END,
    ),
    _Provider(
        "CodePen",
        r"codepen\.io/(?:team/)?(?P<user>[\w-]{1,60})/(?:details|embed|full|pen)(?:/preview)?/(?P<id>\w{4,40})" + _END,
        page="https://codepen.io/{user}/pen/{id}",
    ),
    _Provider("GitHub Gist", r"gist\.github\.com/(?:[\w-]{1,60}/)?[0-9a-f]{5,40}(?!\w)"),
    _Provider("Mixcloud", r"mixcloud\.com/[\w-]{1,100}/(?:playlists/)?[\w%-]{1,200}" + _END),
    _Provider("Pinterest", r"(?:[a-z]{2}\.)?pinterest\.com/pin/[0-9]{4,25}(?![0-9])"),
    _Provider("Reddit", r"(?:old\.)?reddit\.com/(?:r|user)/\w{1,60}/comments/\w{3,20}(?:/\w{1,200})?" + _END),
    _Provider("Tumblr", r"[\w-]{1,60}\.tumblr\.com/post/[0-9]{4,25}(?:/[\w-]{1,200})?" + _END),
    _Provider("Twitch", r"(?:clips\.|player\.)?twitch\.tv/[\w/?=&-]{1,200}"),
    _Provider("Kickstarter", r"kickstarter\.com/projects/[\w-]{1,100}/[\w-]{1,200}" + _END),
    _Provider("Issuu", r"issuu\.com/[\w.-]{1,100}/docs/[\w.-]{1,200}" + _END),
    _Provider("Telegram", r"t\.me/(?:s/)?\w{4,60}/[0-9]{1,12}(?![0-9])"),
    _Provider("Bluesky", r"bsky\.app/profile/[\w.:-]{1,100}/post/\w{5,30}" + _END),
    _Provider("Threads", r"threads\.(?:com|net)/@[\w.]{1,60}/post/[\w-]{5,30}" + _END),
    _Provider("LinkedIn", r"linkedin\.com/(?:embed/feed/update|feed/update|posts|pulse)/[\w%:.-]{1,300}" + _END),
    _Provider("Wufoo", r"[\w-]{1,60}\.wufoo\.com/forms/[\w-]{1,100}" + _END),
)

# Frames and redirects whose URL contains another URL.
_WRAPPER: Final = re.compile(
    r"(?:w\.soundcloud\.com/player/?|player\.soundcloud\.com/player\.swf|facebook\.com/plugins/(?:post|video)\.php"
    r"|cdn\.embedly\.com/widgets/media\.html)"
    r"\?(?:.*&)?(?:url|href)=(?P<url>[^&#]+)"
)
_WEB_URL: Final = re.compile(
    r"https?://(?P<prefix>(?:(?:www|m|mobile)\.)?)(?P<rest>[^/?#@:\\]+(?:[/?#].*)?)", re.IGNORECASE
)
_START_TIME: Final = re.compile(
    r"[&?#](?:t|start)=(?:(?P<h>[0-9]{1,2})h)?(?:(?P<m>[0-9]{1,3})m)?(?:(?P<s>[0-9]{1,5})s?)?(?![0-9a-z])"
)
# Parameters that tell a site where a reader came from, or request the player instead of the page.
_NOT_OF_PAGE: Final = re.compile(r"(?<=[?&])(?:fbclid|igsh|igshid|output|ref_src|utm_\w+)=[^&#]*+&?")
_OPTIONAL: Final = re.compile(r"\[([^\[\]{}]*\{(\w+)\}[^\[\]{}]*)\]")


def find_embed(url: str) -> Embed | None:
    """Return the content at `url`, the URL of a page or a player, or None if no provider is known for it."""
    return _find(url) or _find(_wrapped(url))


def is_player_url(url: str) -> bool:
    """Whether `url` is one that `find_embed` returns for a player."""
    return any(player.match(url) for player in _PLAYERS)


def _find(url: str) -> Embed | None:
    if not (parts := _parts(url)):
        return None
    prefix, rest = parts
    for provider in _PROVIDERS:
        for pattern in provider.patterns:
            if found := pattern.match(rest):
                values = {"start": _start(rest), **found.groupdict("")}
                page = _fill(provider.page, values) if provider.page else _page_as_is(f"https://{prefix}{found[0]}")
                return Embed(provider.site, page, _fill(provider.player, values), provider.kind)
    return None


def _wrapped(url: str) -> str:
    """Return the URL inside the URL of a wrapper; an empty string for any other URL."""
    parts = _parts(url)
    found = _WRAPPER.match(parts[1]) if parts else None
    return unquote(found["url"]) if found else ""


def _parts(url: str) -> tuple[str, str] | None:
    """Return a web URL in two parts, the subdomain that patterns leave out and the rest, or None for another URL."""
    normalised = urls.normalise(unescape(url)) or ""
    found = _WEB_URL.fullmatch(normalised)
    if not found:
        return None
    host, separator, rest = re.split(r"([/?#]|$)", found["rest"], maxsplit=1)
    return found["prefix"].lower(), f"{host.lower().rstrip('.')}{separator}{rest}"


def _start(rest: str) -> str:
    """Return the seconds at which to start, without leading zeros; empty for the beginning."""
    found = _START_TIME.search(rest)
    hours, minutes, seconds = (int(found[unit] or 0) for unit in "hms") if found else (0, 0, 0)
    return str(3600 * hours + 60 * minutes + seconds or "")


def _fill(template: str, values: dict[str, str]) -> str:
    return _OPTIONAL.sub(lambda part: part[1] if values.get(part[2]) else "", template).format_map(values)


def _page_as_is(url: str) -> str:
    return _NOT_OF_PAGE.sub("", url).rstrip("?&")


def _player_pattern(template: str) -> re.Pattern[str]:
    """Return a pattern that matches what `template` can become."""
    pattern = re.escape(template).replace(r"\[", "(?:").replace(r"\]", ")?")
    return re.compile(re.sub(r"\\{\w+\\}", r"[\\w/-]{1,400}", pattern) + r"\Z", re.ASCII)


_PLAYERS: Final = tuple(_player_pattern(provider.player) for provider in _PROVIDERS if provider.player)
