"""What this course needs in the settings of a JupyterHub; docs/jupyterhub.md says which ones are yours to choose.

    jupyterhub -f docs/jupyterhub_config.py
"""
import os
from pathlib import Path

c = get_config()  # noqa: F821  JupyterHub provides it

DOCS = Path(__file__).resolve().parent
EXCHANGE = "/usr/local/share/nbgrader/exchange"

c.Spawner.environment = {
    # Where the first cell of a notebook finds the course, wherever the notebook lies.
    "COURSE_DIR": os.environ.get("COURSE_DIR", "~/course"),
    # nbgrader_config.py, beside this file: hand-ins under the name of the hub's user, and the exchange.
    "JUPYTER_CONFIG_PATH": str(DOCS),
    "NBGRADER_EXCHANGE": os.environ.get("NBGRADER_EXCHANGE", EXCHANGE),
}
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # seconds; a class starts all at once
