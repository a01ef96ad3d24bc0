"""nbgrader's settings for this course; `make grading` copies them to grading/, where nbgrader reads them."""
c = get_config()  # noqa: F821  nbgrader provides it

c.CourseDirectory.course_id = "batchnorm-dropout"
# The learner's notebook must run from top to bottom as shipped, so nothing raises where an answer is missing.
c.ClearSolutions.code_stub = {"python": "# 在这里写你的答案"}
c.Execute.timeout = 120  # seconds for one cell; a hand-in that loops for ever is interrupted then, and graded
