"""Generates a large export in WordPress's format. The bytes are always the same for the same number of posts."""

import datetime as dt
import random
from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

TAGS_PER_POST = 10
MAX_TAGS = 30_000
# Of this many posts, one has a thread with the comments of all of them.
POSTS_PER_THREAD = 3
COMMENTS_PER_POST = 1.5
COMMENTS_PER_THREAD = COMMENTS_PER_POST * POSTS_PER_THREAD
FIRST_POST = dt.datetime(2010, 3, 12)  # noqa: DTZ001  # dates in exports are naive
YEARS = 15

WORDS = """the of and to in for a that on with report has been by defenders rights human award situation government
    laureates it's families "civil society" lawyers journalists don't arrested - released - after years... networks
    which were under threat organisation's statement (see below) United Nations coöperation Cáceres İHD freedom Geneva
    -- Council session speech NGOs &amp; others protection women Свобода prize ceremony today 'unprecedented' campaign
    """.split()  # noqa: SIM905  # more readable
NAMES = ("Nabeel", "Berta Cáceres", "Ny Sokha’s", "Свобода слова", "حقوق الإنسان", "人权", "Ανθρώπινα δικαιώματα")
HOSTS = ("https://blog.example.org", "http://old.example.com", "https://www.example.net")
HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
<title>Made up</title><link>https://blog.example.org</link><description></description><language>en</language>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://example.org/</wp:base_site_url><wp:base_blog_url>https://blog.example.org</wp:base_blog_url>
<wp:author><wp:author_id>1</wp:author_id><wp:author_login>anna</wp:author_login>
<wp:author_email>anna@example.org</wp:author_email><wp:author_display_name><![CDATA[Anna]]></wp:author_display_name>
</wp:author>
"""


def write_export(file: IO[str], posts: int, *, short: bool = False) -> None:
    """Write an export of `posts` posts, with TAGS_PER_POST tags and COMMENTS_PER_POST comments each on average."""
    rng = random.Random(2010)  # noqa: S311  # test data needs no secrecy
    texts = Texts(rng, short=short)
    file.write(HEAD)
    for number in range(20):
        file.write(
            f"<wp:category><wp:category_nicename>topic-{number}</wp:category_nicename><wp:category_parent>"
            f"</wp:category_parent><wp:cat_name><![CDATA[Topic {number}]]></wp:cat_name></wp:category>\n"
        )
    terms = [tag(number) for number in range(min(MAX_TAGS, posts * 3 // 2))]
    for slug, name in terms:
        file.write(f"<wp:tag><wp:tag_slug>{slug}</wp:tag_slug><wp:tag_name><![CDATA[{name}]]></wp:tag_name></wp:tag>\n")
    step = dt.timedelta(seconds=YEARS * 365 * 24 * 3600 // posts)
    for post in range(1, posts + 1):
        first, last = (int(n // POSTS_PER_THREAD * COMMENTS_PER_THREAD) for n in (post - 1, post))
        last = int(posts * COMMENTS_PER_POST) if post == posts else last
        file.write(item(post, FIRST_POST + post * step, texts, terms, range(first + 1, last + 1), rng))
    file.write("</channel>\n</rss>\n")


def tag(number: int) -> tuple[str, str]:
    """Return the slug and name of a tag. Every fifth is in another script."""
    name = f"{NAMES[number % len(NAMES)]} {number}" if number % 5 == 0 else f"{WORDS[number % 16]} rights {number}"
    return quote(name.lower().replace(" ", "-").replace("’", "")).lower(), name


def item(
    number: int,
    published_at: dt.datetime,
    texts: "Texts",
    terms: list[tuple[str, str]],
    comments: range,
    rng: random.Random,
) -> str:
    # A few tags are on many posts, and most on few.
    filed = [terms[int(len(terms) * rng.random() ** 3)] for _number in range(TAGS_PER_POST * 2)]
    filed = list(dict.fromkeys(filed))[:TAGS_PER_POST]
    title = " ".join(rng.choices(WORDS, k=8))
    return (
        f"<item><title>{title} {number}</title><link>https://blog.example.org/?p={number}</link>"
        f"<pubDate>{published_at:%a, %d %b %Y %H:%M:%S} +0000</pubDate><dc:creator><![CDATA[anna]]></dc:creator>"
        f'<guid isPermaLink="false">https://blog.example.org/?p={number}</guid><description></description>\n'
        f"<content:encoded><![CDATA[{texts.classic() if number % 3 else texts.blocks()}]]></content:encoded>\n"
        f"<excerpt:encoded><![CDATA[]]></excerpt:encoded><wp:post_id>{number}</wp:post_id>"
        f"<wp:post_date>{published_at}</wp:post_date><wp:post_date_gmt>{published_at}</wp:post_date_gmt>"
        f"<wp:post_modified>{published_at}</wp:post_modified><wp:post_modified_gmt>{published_at}</wp:post_modified_gmt>"
        "<wp:comment_status>open</wp:comment_status><wp:ping_status>open</wp:ping_status>"
        f"<wp:post_name>some-words-of-a-title-{number}</wp:post_name><wp:status>publish</wp:status>"
        "<wp:post_parent>0</wp:post_parent><wp:menu_order>0</wp:menu_order><wp:post_type>post</wp:post_type>"
        "<wp:post_password></wp:post_password><wp:is_sticky>0</wp:is_sticky>\n"
        f'<category domain="category" nicename="topic-{number % 20}"><![CDATA[Topic {number % 20}]]></category>\n'
        + "".join(
            f'<category domain="post_tag" nicename="{slug}"><![CDATA[{name}]]></category>\n' for slug, name in filed
        )
        + "".join(
            f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key><wp:meta_value><![CDATA[{number}]]></wp:meta_value>"
            "</wp:postmeta>\n"
            for key in ("_edit_last", "_wpas_skip_1234", "geo_public")
        )
        + "".join(map("".join, thread(comments, published_at, rng)))
        + "</item>\n"
    )


def thread(numbers: range, published_at: dt.datetime, rng: random.Random) -> Iterator[str]:
    for number in numbers:
        parent = rng.choice(numbers[: number - numbers.start]) if number > numbers.start else 0
        words = " ".join(rng.choices(WORDS, k=40))
        yield (
            f"<wp:comment><wp:comment_id>{number}</wp:comment_id><wp:comment_author><![CDATA[Rosa {number % 900}]]>"
            f"</wp:comment_author><wp:comment_author_email>rosa{number % 900}@example.org</wp:comment_author_email>"
            "<wp:comment_author_url></wp:comment_author_url><wp:comment_author_IP>192.0.2.7</wp:comment_author_IP>"
            f"<wp:comment_date>{published_at}</wp:comment_date><wp:comment_date_gmt>{published_at}</wp:comment_date_gmt>"
            f"<wp:comment_content><![CDATA[{words}\n\nSee https://www.example.net/{number}]]></wp:comment_content>"
            "<wp:comment_approved>1</wp:comment_approved><wp:comment_type></wp:comment_type>"
            f"<wp:comment_parent>{parent}</wp:comment_parent><wp:comment_user_id>0</wp:comment_user_id></wp:comment>\n"
        )


class Texts:
    """Builds texts of 1 to 6 kB, or `short` ones of 200 to 600 characters, from prepared pieces."""

    def __init__(self, rng: random.Random, *, short: bool = False) -> None:
        self._rng = rng
        # Minimum and maximum paragraphs, sentences in each, and the probability of each of the other pieces.
        self._size = (2, 4, 1, 0.1) if short else (2, 9, 4, 0.4)
        self._sentences = [self._sentence() for _number in range(2000)]
        self._quotes = [f"<blockquote>{self._paragraph()}</blockquote>" for _number in range(100)]

    def classic(self) -> str:
        parts = self._paragraphs()
        number = self._rng.randrange(10**6)
        parts[1:1] = self._some(
            f'[caption id="attachment_{number}" align="alignright" width="300"]<a href="{HOSTS[0]}/{number}.jpg">'
            f'<img class="size-medium" src="{HOSTS[0]}/wp-content/uploads/2014/03/{number}.jpg" alt="A picture"'
            ' width="300" height="200" /></a> A caption[/caption]',
            "<!--more-->",
            self._rng.choice(self._quotes),
            f"https://youtu.be/abcdefg{number % 10000:04}",
            f"[youtube https://www.youtube.com/watch?v=abcdefg{number % 10000:04}]",
            "<ul>\n" + "".join(f"<li>{line}</li>\n" for line in self._rng.choices(self._sentences, k=4)) + "</ul>",
            f"{HOSTS[2]}/files/report-{number}.pdf",
            '<span style="font-size:small;">Photo credit: Wikipedia</span>',
        )
        return "\n\n".join(parts)

    def blocks(self) -> str:
        parts = [f"<!-- wp:paragraph -->\n<p>{text}</p>\n<!-- /wp:paragraph -->" for text in self._paragraphs()]
        number = self._rng.randrange(10**6)
        video = f"https://www.youtube.com/watch?v=abcdefg{number % 10000:04}"
        parts[1:1] = self._some(
            f'<!-- wp:image {{"id":{number}}} -->\n<figure class="wp-block-image size-large"><img src="{HOSTS[0]}'
            f'/wp-content/uploads/2020/03/{number}.jpg" alt="" class="wp-image-{number}"/><figcaption>A caption'
            "</figcaption></figure>\n<!-- /wp:image -->",
            "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->",
            f'<!-- wp:quote -->\n<blockquote class="wp-block-quote"><p>{self._paragraph()}</p></blockquote>\n'
            "<!-- /wp:quote -->",
            '<!-- wp:heading {"level":3} -->\n<h3>What happened</h3>\n<!-- /wp:heading -->',
            f'<!-- wp:embed {{"url":"{video}","type":"video"}} -->\n<figure class="wp-block-embed"><div'
            f' class="wp-block-embed__wrapper">\n{video}\n</div></figure>\n<!-- /wp:embed -->',
        )
        return "\n\n".join(parts)

    def _some(self, *pieces: str) -> list[str]:
        return [piece for piece in pieces if self._rng.random() < self._size[3]]

    def _paragraphs(self) -> list[str]:
        return [self._paragraph() for _number in range(self._rng.randint(*self._size[:2]))]

    def _paragraph(self) -> str:
        return " ".join(self._rng.choices(self._sentences, k=self._size[2]))

    def _sentence(self) -> str:
        words = self._rng.choices(WORDS, k=12)
        number = self._rng.randrange(10**6)
        kind = self._rng.random()
        if kind < 0.12:
            words[3] = (
                f'<a href="{HOSTS[number % 3]}/2014/03/{number}/?utm_source=a&amp;b=c" target="_blank">{words[3]}</a>'
            )
        elif kind < 0.2:
            words[5] = f"<strong>{words[5]}</strong>"
        elif kind < 0.25:
            words.append(f"(see {HOSTS[2]}/articles/{number}/)")
        return " ".join(words).capitalize() + ".\n" * (kind > 0.95) + "."
