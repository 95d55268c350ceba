"""Trees in lists and forms: parents come before their children, which are indented."""

from typing import Any

from django import forms
from django.db.models import CharField, F, Func, OrderBy, QuerySet, Value
from django.db.models.functions import Replace
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from blog.admin.fields import CheckboxesField
from blog.models.tree import TreeNode


class _Bytewise(Func):
    """A comparison by bytes. PostgreSQL's default collation may ignore spaces and punctuation."""

    template = "(%(expressions)s)"
    output_field = CharField()

    def as_postgresql(self, compiler: object, connection: object) -> tuple[str, tuple[object, ...]]:
        return self.as_sql(compiler, connection, template='(%(expressions)s) COLLATE "C"')  # type: ignore[arg-type]  # the stubs name the compiler of one database only


def tree_order() -> OrderBy:
    """Return the order by path, segment by segment: `a`, `a/b`, `a-c` and not `a`, `a-c`, `a/b`."""
    return _Bytewise(Replace(F("path"), Value("/"), Value(" "))).asc()


def indented(node: TreeNode) -> SafeString:
    return format_html('<span class="tree-{}">{}</span>', min(node.path.count("/"), 5), node)


def dashed(node: TreeNode) -> str:
    """Return the node's name with a dash for each level, for places where styles can't show the depth."""
    return f"{'— ' * node.path.count('/')}{node}"


class TreeChoiceField(forms.ModelChoiceField[Any]):
    """A choice of a tree node."""

    def label_from_instance(self, obj: TreeNode) -> str:
        return dashed(obj)


class ParentField(TreeChoiceField):
    """A choice of a tree node, or none, as the parent of another."""

    def __init__(self, nodes: QuerySet[Any], help_text: Any) -> None:
        super().__init__(
            nodes.order_by(tree_order()), label=_("Parent"), required=False, help_text=help_text, empty_label=_("None")
        )


class TreeCheckboxesField(CheckboxesField):
    """A choice of any number of tree nodes, as checkboxes."""

    default_error_messages = {
        "invalid_choice": _("One of those you selected was merged or deleted. Look at the selection again.")
    }

    def __init__(self, nodes: QuerySet[Any], label: Any) -> None:
        super().__init__(nodes.order_by(tree_order()), label=label, required=False)

    def label_from_instance(self, obj: TreeNode) -> SafeString:
        return indented(obj)
