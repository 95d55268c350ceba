"""Templates as they are read: without indentation in pages, and unchanged in e-mails."""

from pathlib import Path

import pytest
from django.template import Context, Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine for the templates `page.html` and `mail.txt`, which have the same text."""
    for name in ("page.html", "mail.txt"):
        (tmp_path / name).write_text(
            "<ul>\n  {% if on %}\n\t<li\n    lang='en'>{{ text }}</li>\n  {% endif %}\n</ul>\n"
        )
    return Engine(dirs=[str(tmp_path)], loaders=["config.templates.UnindentedLoader"])


def test_pages_have_no_indentation_but_that_of_their_content(engine: Engine) -> None:
    page = engine.get_template("page.html").render(Context({"on": True, "text": "a\n  b"}))
    assert page == "<ul>\n\n<li\nlang='en'>a\n  b</li>\n\n</ul>\n"


def test_emails_stay_as_they_are(engine: Engine) -> None:
    mail = engine.get_template("mail.txt").render(Context({"on": True, "text": "a"}))
    assert mail == "<ul>\n  \n\t<li\n    lang='en'>a</li>\n  \n</ul>\n"
