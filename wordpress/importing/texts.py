"""The values that an import derives from the text of an entry alone, in any process and without the database.

The HTML is an exception if the text shows files, galleries or other entries (wordpress.importing.render_pool).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from blog.rendering import MAY_HAVE_WORDS, Rendered, RenderInput, render_all
from blog.rendering.moved_files import FileResolver
from core.languages import interface_language
from search.words import EntryText
from wordpress.importing.languages import guess_language


class Text(NamedTuple):
    """A text to render, and the other fields that the search indexes. `tags` are names, sorted."""

    input: RenderInput
    title: str = ""
    excerpt: str = ""
    tags: tuple[str, ...] = ()


class Derived(NamedTuple):
    """The values derived from a text.

    `guess` is its probable language; empty if the export gives the language, or if it is uncertain.
    `tokens` are the search tokens of `words`.
    """

    rendered: Rendered
    guess: str
    words: EntryText
    tokens: str


def derive(texts: Sequence[Text], resolve_files: FileResolver) -> Iterator[Derived]:
    """Yield the values derived from each text. Raises the errors of blog.rendering.render."""
    all_rendered = render_all((text.input for text in texts), resolve_files)
    for text, first in zip(texts, all_rendered, strict=True):
        stated = text.input.language
        guess = "" if stated else guess_language(text.title, first.body_html)
        rendered = _in_language(guess, text.input, first, resolve_files) if guess else first
        words = EntryText(text.title, text.tags, text.excerpt, rendered.body_html, stated or guess)
        yield Derived(rendered, guess, words, words.tokens())


def _in_language(language: str, text: RenderInput, rendered: Rendered, resolve_files: FileResolver) -> Rendered:
    """Return `text` rendered in `language`. Only words added by the rendering depend on it."""
    words_language = interface_language(language)
    if words_language == rendered.language:
        return rendered
    if any(mark in rendered.body_html for mark in MAY_HAVE_WORDS):
        return next(render_all([text._replace(language=language)], resolve_files))
    return replace(rendered, language=words_language)
