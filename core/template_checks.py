"""Checking the templates of a site (core.templates), before and after they fail while a page is rendered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core import checks
from django.template import Engine, Node, Template, TemplateDoesNotExist, engines
from django.template.base import TextNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.utils.translation import gettext as _

from core.templates import OWN, SiteTemplates, is_overridable, last_fault, leads_outside, line_of


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """The number of the site's templates in the folder, and a sentence for each problem with them."""

    folder: Path
    count: int
    problems: tuple[str, ...]


def compile_templates() -> TemplateReport:
    """Compile all templates of the site as they are now, which may be newer than those that readers get."""
    params = next(
        dict(each) for each in engines.templates.values() if each["BACKEND"] == "core.templates.SiteTemplates"
    )
    del params["BACKEND"]
    folder = params["OPTIONS"]["overrides"]
    names = sorted(_names(folder))
    if not names:
        return TemplateReport(folder, 0, ())
    # The backend of the running site has cached the files as they were.
    backend = SiteTemplates(params)
    problems = [problem for name in names for problem in _problems(name, backend)]
    return TemplateReport(folder, len(names), tuple(dict.fromkeys(problems)))


def check_templates(**kwargs: Any) -> list[checks.CheckMessage]:
    """Report problems with the site's templates (core.W002). None of them keeps the site from starting."""
    hint = "Correct or delete it, then restart the site. See docs/appearance.md."
    return [checks.Warning(problem, hint=hint, id="core.W002") for problem in compile_templates().problems]


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        # Skip hidden files, which text editors create.
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")):
            yield name


def _problems(name: str, backend: SiteTemplates) -> Iterator[str]:
    if not is_overridable(name):
        yield _("The template %s is not for readers, so Broadside uses its own.") % name
        return
    own = _own_template(name, backend)
    if own is None and not name.startswith(OWN):
        yield _("Broadside doesn't have a template %s, or no longer does, so this one isn't used.") % name
    path = backend.overrides / name
    if leads_outside(path, backend.overrides):
        yield (
            _("The template %s is a link to a file outside the folder, so it isn't used. Put the file itself there.")
            % name
        )
        return
    # The first loader is the one for the site's templates.
    origin = next(iter(backend.engine.template_loaders[0].get_template_sources(name)))
    try:
        template = Template(path.read_text(encoding="utf-8"), origin, name, backend.engine)
    except Exception as error:  # noqa: BLE001  a tag may raise anything
        reason = getattr(error, "raw_error_message", None) or str(error)
        values = {"name": name, "line": line_of(error), "reason": reason}
        if values["line"]:
            yield _("The template %(name)s can't be used, because of line %(line)d: %(reason)s") % values
        else:
            yield _("The template %(name)s can't be used: %(reason)s") % values
        return
    yield from _missing_templates(template, backend.engine)
    yield from _blocks_without_effect(template, own, backend.engine)
    if fault := last_fault(path):
        yield _(
            "The template %(name)s failed on line %(line)d while a page was rendered (%(error)s), so readers got the "
            "page without your templates."
        ) % {"name": name, "line": fault.line, "error": fault.error}


def _own_template(name: str, backend: SiteTemplates) -> Template | None:
    """Return Broadside's own template with this name; None if there is none."""
    try:
        return backend.unchanged.engine.get_template(name)
    except TemplateDoesNotExist:
        return None


def _missing_templates(template: Template, engine: Engine) -> Iterator[str]:
    """Report the templates that this one needs by name but that don't exist."""
    for kind in (ExtendsNode, IncludeNode):
        for node in _nodes(template, kind):
            needed = _needed(node)
            if not needed:
                continue
            try:
                engine.find_template(needed, skip=[template.origin] if kind is ExtendsNode else None)
            except TemplateDoesNotExist:
                values = {"name": template.name, "other": needed, "line": node.token.lineno}
                yield (
                    _("The template %(name)s needs the template %(other)s in line %(line)d, which doesn't exist.")
                    % values
                )


def _needed(node: Any) -> str:
    """Return the name of the template that a tag needs; empty if it is known only when a page is rendered."""
    expression: Any = node.parent_name if isinstance(node, ExtendsNode) else node.template
    return "" if expression.is_var else str(expression.var)


def _blocks_without_effect(template: Template, own: Template | None, engine: Engine) -> Iterator[str]:
    """Report blocks without effect: those that no extended template has, and those that this one lacks."""
    blocks = _blocks(template)
    parents = list(_parents(template, engine))
    if parents:
        nested = {inner for block in blocks.values() for inner in _blocks(block)}
        shown = nested.union(*map(_blocks, parents))
        text = _("None of the templates that %(name)s extends has a block %(block)s, so its content isn't shown.")
        yield from (text % {"name": template.name, "block": block} for block in blocks if block not in shown)
    elif own is not None:
        text = _("The template %(name)s has no block %(block)s, so what pages put there isn't shown.")
        # Blocks that are empty in our template are filled by the templates that extend it.
        needed = [name for name, block in _blocks(own).items() if _is_empty(block)]
        yield from (text % {"name": template.name, "block": block} for block in needed if block not in blocks)


def _is_empty(block: BlockNode) -> bool:
    return all(isinstance(node, TextNode) and not node.s.strip() for node in block.nodelist)


def _parents(template: Template, engine: Engine) -> Iterator[Template]:
    """Yield the templates that this one extends, the nearest first, as far as their names are literals."""
    seen = [template.origin]
    while True:
        extends = next((node for node in template.nodelist if isinstance(node, ExtendsNode)), None)
        name = _needed(extends) if extends else ""
        if not name:
            return
        try:
            template, origin = engine.find_template(name, skip=seen)
        except TemplateDoesNotExist:
            return
        seen.append(origin)
        yield template


def _blocks(part: Template | BlockNode) -> dict[str, BlockNode]:
    return {block.name: block for block in _nodes(part, BlockNode)}


def _nodes(part: Template | BlockNode, kind: type[Node]) -> list[Any]:
    """Return the tags of this kind in a template or block, including nested ones."""
    return list(part.nodelist.get_nodes_by_type(kind))
