"""Running code in a separate Python process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def run(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new Python process, without the environment variables that settings read."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # A developer's `.env` must not be read either.
    program = f"import environ; environ.Env.read_env = lambda *a, **k: None\n{code}"
    return subprocess.run(  # noqa: S603  our own Python and our own code
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**inherited, "DJANGO_SETTINGS_MODULE": "config.settings", "BROADSIDE_DATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
