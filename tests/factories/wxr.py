"""Small WXR exports in the form that WordPress writes, and exports of this site."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.core.management import call_command

from blog.rendering.markups import markups
from wordpress.wxr.reader import Export
from wordpress.wxr.records import Item

VERSIONS = ("1.0", "1.1", "1.2")


def cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _elements(prefix: str, values: Mapping[str, object]) -> str:
    return "".join(f"<wp:{prefix}{name}>{cdata(str(value))}</wp:{prefix}{name}>" for name, value in values.items())


def author(login: str = "anna", *, id: int = 1, email: str = "anna@example.org", name: str = "Anna A.") -> str:  # noqa: A002  # WordPress's word for it
    values = {"id": id, "login": login, "email": email, "display_name": name}
    return f"<wp:author>{_elements('author_', values)}</wp:author>"


def category(
    slug: str,
    name: str = "",
    *,
    parent: str = "",
    description: str = "",
    id: int = 0,  # noqa: A002  # WordPress's word for it
    inside: str = "",
) -> str:
    values = {"term_id": id, "category_nicename": slug, "category_parent": parent, "cat_name": name or slug}
    return f"<wp:category>{_elements('', {**values, 'category_description': description})}{inside}</wp:category>"


def tag(slug: str, name: str = "", *, description: str = "", id: int = 0, inside: str = "") -> str:  # noqa: A002  # WordPress's word for it
    values = {"term_id": id, "tag_slug": slug, "tag_name": name or slug, "tag_description": description}
    return f"<wp:tag>{_elements('', values)}{inside}</wp:tag>"


def term(taxonomy: str, slug: str, name: str = "", *, inside: str = "", **values: object) -> str:
    values |= {"term_taxonomy": taxonomy, "term_slug": slug, "term_name": name or slug}
    return f"<wp:term>{_elements('', values)}{inside}</wp:term>"


def filed(taxonomy: str, slug: str, name: str = "") -> str:
    """Return the element that files an item under a term. Like the oldest exports, it can have no slug."""
    nicename = f" nicename={quoteattr(slug)}" if slug else ""
    domain = f" domain={quoteattr(taxonomy)}" if taxonomy else ""
    return f"<category{domain}{nicename}>{cdata(name or slug)}</category>"


def comment(id: int | str = 1, *, inside: str = "", **values: object) -> str:  # noqa: A002  # WordPress's word for it
    defaults: dict[str, object] = {
        "comment_id": id,
        "comment_author": "Rosa",
        "comment_author_email": "rosa@example.org",
        "comment_author_url": "",
        "comment_author_IP": "192.0.2.7",
        "comment_date": "2014-03-02 10:00:00",
        "comment_date_gmt": "2014-03-02 10:00:00",
        "comment_content": f"Comment {id}.",
        "comment_approved": "1",
        "comment_type": "",
        "comment_parent": 0,
        "comment_user_id": 0,
    }
    given = {f"comment_{name}": value for name, value in values.items()}
    return f"<wp:comment>{_elements('', {**defaults, **given})}{inside}</wp:comment>"


def meta(key: str, value: str, owner: str = "post") -> str:
    """Return a meta field of an item, or of a comment or term if the `owner` is one."""
    return f"<wp:{owner}meta>{_elements('meta_', {'key': key, 'value': value})}</wp:{owner}meta>"


def item(
    id: int = 7,  # noqa: A002  # WordPress's word for it
    *,
    title: str = "A title",
    guid: str | None = None,
    creator: str = "anna",
    content: str = "Some text.",
    excerpt: str = "",
    link: str = "https://old.example/",
    inside: Iterable[str] = (),
    **values: object,
) -> str:
    """Return a post, published on 1 March 2014 by default. `inside` contains its terms and comments."""
    wp: dict[str, object] = {
        "post_id": id,
        "post_date": "2014-03-01 09:30:00",
        "post_date_gmt": "2014-03-01 09:30:00",
        "comment_status": "open",
        "post_name": f"post-{id}",
        "status": "publish",
        "post_parent": 0,
        "menu_order": 0,
        "post_type": "post",
        "post_password": "",
        "is_sticky": 0,
        **values,
    }
    guid = f"https://old.example/?p={id}" if guid is None else guid
    return (
        f"<item><title>{escape(title)}</title><link>{escape(link)}</link><dc:creator>{cdata(creator)}</dc:creator>"
        f'<guid isPermaLink="false">{escape(guid)}</guid><description></description>'
        f"<content:encoded>{cdata(content)}</content:encoded><excerpt:encoded>{cdata(excerpt)}</excerpt:encoded>"
        f"{_elements('', wp)}{''.join(inside)}</item>\n"
    )


def page(id: int = 20, **values: Any) -> str:  # noqa: A002  # WordPress's word for it
    usual = {"post_type": "page", "post_name": f"page-{id}", "guid": f"https://old.example/?page_id={id}"}
    return item(id, **{**usual, **values})


def attachment(id: int = 30, path: str = "2014/03/a.png", *, alt: str = "", **values: Any) -> str:  # noqa: A002  # WordPress's word for it
    """Return an attachment: the file at `path` in the uploads of https://old.example."""
    url = values.pop("attachment_url", f"https://old.example/wp-content/uploads/{path}")
    usual = {"post_type": "attachment", "status": "inherit", "title": "A", "content": "", "attachment_url": url}
    inside = [meta("_wp_attachment_image_alt", alt)] if alt else []
    return item(id, **{"guid": url, "inside": inside, **usual, **values})


def export(
    *parts: str,
    version: str = "1.2",
    scheme: str = "http",
    authors: Iterable[str] | None = None,
    site: str = "https://old.example",
    title: str = "Old",
    tagline: str = "",
    language: str = "",
) -> str:
    """Return an export with these parts: terms first, then items. Version 1.0 has no list of authors."""
    if authors is None:
        authors = [] if version == "1.0" else [author()]
    base = f"{scheme}://wordpress.org/export/{version}"
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<!-- generator="WordPress" -->\n'
        f'<rss version="2.0" xmlns:excerpt="{base}/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="{base}/">\n<channel>'
        f"<title>{escape(title)}</title><link>{site}</link><description>{escape(tagline)}</description>"
        f"<language>{language}</language><wp:wxr_version>{version}</wp:wxr_version>"
        f"<wp:base_blog_url>{site}</wp:base_blog_url>\n"
        f"{''.join(authors)}{''.join(parts)}</channel>\n</rss>\n"
    )


def write(folder: Path, document: str | bytes, name: str = "export.xml") -> Path:
    path = folder / name
    path.write_bytes(document.encode() if isinstance(document, str) else document)
    return path


def exported(tmp_path: Path, name: str = "out.xml") -> Path:
    """Export this site to a file."""
    call_command("export_wordpress", output=tmp_path / name, stdout=io.StringIO(), stderr=io.StringIO())
    return tmp_path / name


def items(path: Path) -> dict[tuple[str, int], Item]:
    """Return the items of an export by type and ID."""
    return {(record.type, record.id): record for record in Export(path, markups).records() if isinstance(record, Item)}


# Parts of an export with everything that an import keeps.
EVERYTHING = (
    category("top", "Top &amp; first", description="What is <b>on</b> top"),
    category("child", "Child", parent="top"),
    tag("x", "X &lt; Y", description="A tag"),
    tag("x-2", "x &lt; y"),
    tag("%d9%85%d8%b1%d8%ad%d8%a8%d8%a7", "مرحبا"),
    item(
        7,
        title="Star &amp; <em>power</em> &quot;x&quot;",
        content="One ]]> two\n\n<!--more-->\n[gallery]  &amp;nbsp; 🎉\n",
        excerpt="Short\nand &amp; good",
        post_modified="2015-05-05 05:05:05",
        post_modified_gmt="2015-05-05 05:05:05",
        is_sticky=1,
        comment_status="closed",
        inside=[
            filed("post_tag", "x-2", "x &lt; y"),
            filed("post_tag", "%d9%85%d8%b1%d8%ad%d8%a8%d8%a7", "مرحبا"),
            filed("category", "child", "Child"),
            comment(1, user_id=1, url="https://a.example/?a=1&amp;copy=2", content="<b>Hi</b> ]]> &amp; you"),
            comment(2, parent=1, author="R&amp;D", approved="0"),
            comment(3, approved="spam"),
            comment(4, approved="trash"),
            comment(5, type="pingback"),
            comment(6, type="trackback", parent=5),
        ],
    ),
    item(8, status="draft", post_name="", title="A draft", post_date_gmt="0000-00-00 00:00:00"),
    item(9, status="pending"),
    item(10, status="private", post_name="%e2%80%8bzero"),
    item(11, status="trash", guid="urn:x"),
    item(12, status="future", post_date="2090-01-01 00:00:00", post_date_gmt="2090-01-01 00:00:00"),
    item(13, creator="berta", content=""),
    page(21, post_parent=20, menu_order=3),
    page(20, inside=[comment(9)]),
)

# Parts of an export with duplicate IDs, empty dates and missing parents.
AWKWARD_PARTS = (
    category("child", parent="top"),
    category("top"),
    tag("x", "X"),
    tag("x-2", "x"),
    term("nav_menu", "m"),
    item(
        7,
        guid="g",
        inside=[filed("post_tag", "x-2", "x"), filed("category", "child"), comment(1), comment(2, parent=1)],
    ),
    item(8, guid="g", post_name="post-7", inside=[comment(2, content="Its number is taken.")]),
    item(9, guid="", status="draft", post_name="", post_date_gmt="0000-00-00 00:00:00"),
    item(7, guid="other", post_name="again", inside=[comment(3, type="pingback"), comment(3, type="pingback")]),
    item(10, post_date="0000-00-00 00:00:00", post_date_gmt="", inside=[comment(9, date="", date_gmt="")]),
    page(21, post_parent=20),
    page(20, guid="", inside=[comment(4, parent=99)]),
    item(30, post_type="attachment", status="inherit", inside=[comment(5)]),
    item(31, post_type="nav_menu_item"),
    item(32, creator="Some One", status="future"),
)
