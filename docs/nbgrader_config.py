"""nbgrader's settings for this course; `make grading` copies them to grading/, where nbgrader reads them."""
import os

c = get_config()  # noqa: F821  nbgrader provides it

c.CourseDirectory.course_id = "batchnorm-dropout"
# The learner's notebook must run from top to bottom as shipped, so nothing raises where an answer is missing.
STUBS = {"zh": "# 在这里写你的答案", "en": "# write your answer here"}
c.ClearSolutions.code_stub = {"python": STUBS[os.environ.get("EDITION", "zh")]}
c.Execute.timeout = 120  # seconds for one cell; a hand-in that loops for ever is interrupted then, and graded
