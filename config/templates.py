"""Reading templates without their indentation, which is for those who write them: readers need not load it."""

import re
from typing import Final

from django.template import Origin
from django.template.loaders.filesystem import Loader

_INDENTATION: Final = re.compile(r"\n[ \t]+")


class UnindentedLoader(Loader):
    """Our own templates of pages with each line at its beginning. Those of e-mails stay as they are."""

    def get_contents(self, origin: Origin) -> str:
        text = str(super().get_contents(origin))
        return _INDENTATION.sub("\n", text) if origin.name.endswith(".html") else text
