"""Further processes of a site whose data is in a separate folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.factories.programs import ROOT


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of a process with its data in `folder`, without the settings of this process."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return inherited | {
        "SECRET_KEY": "x",
        "BROADSIDE_DATA": str(folder),
        # Not the styles of an earlier version, which may have been collected on this machine.
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


PROCESS = """
import json, os, signal, sys
import environ
environ.Env.read_env = lambda *a, **k: None
from config.wsgi import application, django_application, page_cache
from django.db import transaction
from tests.factories.reader import Reader
from tests.factories import *
from accounts.models import *
from blog.models import *
from comments.models import *
from core.models import *
from tags.models import *
from blog import publishing
from comments.moderation import decisions
def answer(environ, start_response):
    global from_memory
    body = page_cache.answer_from_memory(environ, start_response)
    from_memory = body is not None
    return body if from_memory else application(environ, start_response)
reader = Reader("localhost")
reader.application = answer
def show(path):
    response = reader.get(path)
    return [response.status, response.text]
for line in sys.stdin:
    line = json.loads(line)
    try:
        code = compile(line, "", "eval")
    except SyntaxError:
        code = compile(line, "", "exec")
    result = eval(code, globals())
    print(json.dumps(result, default=str), flush=True)
"""


class Process:
    """A process of the site in `folder` that evaluates expressions."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own Python and our own code
            [sys.executable, "-W", "ignore", "-c", PROCESS],
            cwd=ROOT,
            env=environment_of(folder) | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, code: str) -> Any:
        """Return the value of an expression; None for statements, and if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
