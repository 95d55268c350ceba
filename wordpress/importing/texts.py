"""What an import derives from the text of an entry alone: any process can do it, and it takes no database.

The HTML is the exception, if the text shows files, galleries or other entries (wordpress.importing.render_pool).
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
    """A text for rendering, and what it is found by besides. `tags` are names, sorted."""

    input: RenderInput
    title: str = ""
    excerpt: str = ""
    tags: tuple[str, ...] = ()


class Derived(NamedTuple):
    """What is derived from a text.

    `guess` is the language that it seems to be in, if the export does not say it; empty if that is uncertain.
    `tokens` are those of `words`, for the search.
    """

    rendered: Rendered
    guess: str
    words: EntryText
    tokens: str


def derive(texts: Sequence[Text], resolve_files: FileResolver) -> Iterator[Derived]:
    """Derive everything from each text. Raises the errors of blog.rendering.render."""
    all_rendered = render_all((text.input for text in texts), resolve_files)
    for text, first in zip(texts, all_rendered, strict=True):
        stated = text.input.language
        guess = "" if stated else guess_language(text.title, first.body_html)
        rendered = _in_language(guess, text.input, first, resolve_files) if guess else first
        words = EntryText(text.title, text.tags, text.excerpt, rendered.body_html, stated or guess)
        yield Derived(rendered, guess, words, words.tokens())


def _in_language(language: str, text: RenderInput, rendered: Rendered, resolve_files: FileResolver) -> Rendered:
    """Return what a text becomes if this is its language: only words that were added to it are different."""
    spoken = interface_language(language)
    if spoken == rendered.language:
        return rendered
    if any(mark in rendered.body_html for mark in MAY_HAVE_WORDS):
        return next(render_all([text._replace(language=language)], resolve_files))
    return replace(rendered, language=spoken)
