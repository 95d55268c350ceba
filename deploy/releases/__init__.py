"""Installing releases of Broadside, with nothing but Python's standard library.

    ROOT/releases/VERSION/    the code of a release, its packages (.venv) and its static files (staticfiles)
    ROOT/current              a link to the release in use
    ROOT/tools/               uv if the system has none, and Python if the system's is too old or too new

`archives` fetches a release, `preparing` makes its folder while the site runs, and `installing` and `upgrading` put it
into use. The database is left to the release itself (`manage.py upgrade_database`).
"""

import sys
import tarfile

# Before the other modules, which older versions can't import. Python 3.11.4 is the first 3.11 that unpacks safely.
if sys.version_info < (3, 11) or not hasattr(tarfile, "data_filter"):
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"Broadside needs Python 3.12 or later, as in Debian 13. This is Python {version}. Nothing was changed.")
