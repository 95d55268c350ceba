"""Trees in lists: parents before their children, which are indented."""

from django.db.models import CharField, F, Func, OrderBy, Value
from django.db.models.functions import Replace
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blog.admin.fields import depth
from blog.models.tree import TreeNode


class _ByBytes(Func):
    """Compares byte by byte, where PostgreSQL would by default ignore spaces and punctuation."""

    template = "(%(expressions)s)"
    output_field = CharField()

    def as_postgresql(self, compiler: object, connection: object) -> tuple[str, tuple[object, ...]]:
        return self.as_sql(compiler, connection, template='(%(expressions)s) COLLATE "C"')  # type: ignore[arg-type]  # the stubs name the compiler of one database only


def tree_order() -> OrderBy:
    """Order by path, segment by segment: `a`, `a/b`, `a-c` and not `a`, `a-c`, `a/b`."""
    return _ByBytes(Replace(F("path"), Value("/"), Value(" "))).asc()


def indented(node: TreeNode) -> SafeString:
    return format_html('<span class="tree-{}">{}</span>', min(depth(node), 5), node)
