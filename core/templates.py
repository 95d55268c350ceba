"""Loading templates: those in a folder of the site take precedence over Broadside's, which lose needless whitespace.

If a template of the site can't be compiled, or fails while a page is rendered, readers get the page as Broadside has
it. The fault is logged once, and `core.template_checks` reports it.
"""

import hashlib
import logging
import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.core.cache import cache
from django.db import DatabaseError
from django.template import Node, NodeList, Origin, Template, TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates
from django.template.backends.django import Template as BackendTemplate
from django.template.loaders import cached
from django.template.loaders.filesystem import Loader

from core.constant_nodes import translations
from core.outages import is_outage

# The folder for templates that only other templates of the site use. Broadside never has any there.
OWN: Final = "own/"
# Pages that a site can't override, because its staff depend on them, and what these pages consist of.
_KEPT: Final = ("_sent.html", "accounts/", "admin/", "auth/", "django/", "markdownx/", "registration/")
_INDENTATION: Final = re.compile(r"\n[ \t]+")
# A line of nothing but comments and tags that output nothing or a template. What is around and in them has line breaks
# of its own.
_SILENT: Final = re.compile(
    r"^((?:\{%[ ](?:block|elif|else|empty|endblock|endfor|endif|endwith|extends|for|if|include|load|with)\b"
    r"(?:(?!%\}).)*%\}|\{\#(?:(?!\#\}).)*\#\})+)\n",
    re.MULTILINE,
)
# Attributes on lines of their own. After a space, as elsewhere, they compress better.
_ATTRIBUTES: Final = re.compile(r"\n(?=[a-z][a-z-]*=[\"'])")
_SECONDS_REMEMBERED: Final = 7 * 24 * 60 * 60

_log = logging.getLogger(__name__)
# The keys of faults that this process has reported.
_reported: set[str] = set()


class UnindentedLoader(Loader):
    """Loads templates of pages without indentation. Templates of e-mails stay as they are."""

    def get_contents(self, origin: Origin) -> str:
        text = str(super().get_contents(origin))
        return _INDENTATION.sub("\n", text) if origin.name.endswith(".html") else text


class CompactLoader(UnindentedLoader):
    """Loads templates of pages also without the lines that would be empty in the page, and with tags on one line."""

    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        return _ATTRIBUTES.sub(" ", _SILENT.sub(r"\1", text)) if origin.name.endswith(".html") else text


class SearchedNodes(NodeList):
    """The nodes of a template. Django would search those of `base.html` for blocks for each page that extends it."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        super().__init__(nodes)
        self._found: dict[type[Node], list[Node]] = {}

    def get_nodes_by_type(self, nodetype: type[Node]) -> list[Node]:
        if nodetype not in self._found:
            self._found[nodetype] = super().get_nodes_by_type(nodetype)
        return self._found[nodetype]


class CachedLoader(cached.Loader):
    """Keeps compiled templates."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template = super().get_template(template_name, skip)
        if not isinstance(template.nodelist, SearchedNodes):
            template.nodelist = SearchedNodes(template.nodelist)
        return template


class OverrideLoader(UnindentedLoader):
    """Loads templates of the site, keeping their line numbers. One that can't be compiled counts as missing."""

    def get_template_sources(self, template_name: str) -> Any:
        return super().get_template_sources(template_name) if is_overridable(template_name) else ()

    def get_contents(self, origin: Origin) -> str:
        try:
            if leads_outside(Path(origin.name), Path(self.get_dirs()[0])):
                raise OutsideError
            text = super().get_contents(origin)
            Template(text, origin, str(origin.template_name), self.engine)
        except TemplateDoesNotExist:
            raise
        except Exception as error:  # a tag may raise anything
            _report(Fault(Path(origin.name), line_of(error), type(error).__name__), error)
            raise TemplateDoesNotExist(origin) from error
        return text


class OutsideError(Exception):
    """A template is a link to a file outside the folder. People who may change templates may not read every file."""


def leads_outside(path: Path, folder: Path) -> bool:
    """Return whether a path in the folder of templates leads to a file outside it, through links."""
    return not path.resolve().is_relative_to(folder.resolve())


def is_overridable(name: str) -> bool:
    """Return whether a site can override the template with this name: for a page that readers see, or an e-mail."""
    return not name.startswith(_KEPT) or "/mail/" in name


def line_of(error: Exception) -> int:
    """Return the line at which a template can't be compiled; 0 if the error doesn't have it."""
    return int(getattr(getattr(error, "token", None), "lineno", 0))


class Fault(NamedTuple):
    """Where a template of the site failed, and the class of the error. Line 0 is unknown."""

    path: Path
    line: int
    error: str


class SiteTemplates(DjangoTemplates):
    """Django's backend, with the templates in the folder `overrides` of OPTIONS, if it exists, before the others."""

    def __init__(self, params: dict[str, Any]) -> None:
        options = dict(params["OPTIONS"])
        self.overrides = Path(options.pop("overrides"))
        self.has_overrides = self.overrides.is_dir()
        first = [("core.templates.OverrideLoader", [self.overrides])] if self.has_overrides else []
        super().__init__({**params, "OPTIONS": {**options, "loaders": _loaders(*first)}})
        # Broadside's templates without the overrides.
        own = {**params, "OPTIONS": {**options, "loaders": _loaders()}}
        self.unchanged = DjangoTemplates(own) if self.has_overrides else self
        for backend in (self, self.unchanged):
            # Under Django's own name, so that `{% load i18n %}` works as in any project.
            backend.engine.template_libraries["i18n"] = translations

    def get_template(self, template_name: str) -> BackendTemplate:
        template: BackendTemplate = super().get_template(template_name)
        return _FallbackTemplate(template.template, self) if self.has_overrides else template


def _loaders(*first: tuple[str, list[Path]]) -> list[tuple[str, list[Any]]]:
    others = ["core.templates.CompactLoader", "django.template.loaders.app_directories.Loader"]
    return [("core.templates.CachedLoader", [*first, *others])]


class _FallbackTemplate(BackendTemplate):
    """A template that falls back to Broadside's own if one of the site fails."""

    backend: SiteTemplates

    def render(self, context: Any = None, request: Any = None) -> Any:
        try:
            return super().render(context, request)
        except Exception as error:
            fault = _find_fault(error)
            if fault is None or is_outage(error) or isinstance(error, DatabaseError):
                raise
            # If the override is not at fault, this raises the same error.
            page = self.backend.unchanged.get_template(str(self.template.name)).render(context, request)
            _report(fault, error)
            return page


def _find_fault(error: BaseException) -> Fault | None:
    """Return the innermost place in a template of the site that was being rendered; None if there was none."""
    fault = None
    for each in (error, error.__cause__):
        for frame, _line in traceback.walk_tb(each.__traceback__ if each else None):
            node = frame.f_locals.get("self")
            origin = getattr(node, "origin", None)
            if isinstance(node, Node) and origin and isinstance(origin.loader, OverrideLoader):
                line = node.token.lineno if node.token else None
                fault = Fault(Path(origin.name), line or 0, type(error).__name__)
    return fault


def _report(fault: Fault, error: Exception) -> None:
    """Log the fault once in this process, and remember it for the owner of the site."""
    key = _cache_key(fault.path)
    if key in _reported:
        return
    _reported.add(key)
    text = "The template %s failed on line %d, so readers get Broadside's own instead."
    _log.error(text, fault.path, fault.line, exc_info=error)
    cache.set(key, (fault.line, fault.error), _SECONDS_REMEMBERED)


def last_fault(path: Path) -> Fault | None:
    """Return the last fault of this template of the site since it was changed; None if there was none."""
    found = cache.get(_cache_key(path))
    return Fault(path, *found) if found else None


def _cache_key(path: Path) -> str:
    """Return a key that changes with the template, so that the fault of one that was corrected is not reported."""
    try:
        state = path.stat()
        version = f"{state.st_mtime_ns}-{state.st_size}"
    except OSError:
        version = ""
    return f"template-fault:{hashlib.sha256(f'{path} {version}'.encode(errors='surrogateescape')).hexdigest()}"
