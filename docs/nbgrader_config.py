"""nbgrader's settings for this course: in the teacher's folder, and for everybody on a JupyterHub (docs/jupyterhub.md).

`make grading` copies them to grading/, where the teacher's nbgrader reads them; a hub finds them here.
"""
import os
from pathlib import Path

c = get_config()  # noqa: F821  nbgrader provides it

c.CourseDirectory.course_id = "batchnorm-dropout"
# The learner's notebook must run from top to bottom as shipped, so nothing raises where an answer is missing.
STUBS = {"zh": "# 在这里写你的答案", "en": "# write your answer here"}
c.ClearSolutions.code_stub = {"python": STUBS[os.environ.get("EDITION", "zh")]}

# nbgrader hands in under the name of the Unix user, which on many hubs is the same for everybody ("root"): here it is
# the hub's user. In the teacher's folder, which has the solutions in source/, all students are meant.
teacher = (Path(__file__).parent / "source").is_dir()
c.CourseDirectory.student_id = "*" if teacher else os.environ.get("JUPYTERHUB_USER", "*")
# The folder through which notebooks go out and hand-ins come back; everybody's server needs the same one.
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/usr/local/share/nbgrader/exchange")
