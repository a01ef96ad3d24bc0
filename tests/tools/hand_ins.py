"""Hand-ins of a class as students make them, and as somebody makes them who wants other marks than he deserves."""
from __future__ import annotations

import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from helpers.homework.submission import MIME, Variant, checksum, make
from helpers.homework.variants import COURSE_NUMBERS, Numbers, draw, signature
from tests.tools import make_homework

HAND_IN_CELL = "hw-hand-in-run"
NOTEBOOK = "04_homework.ipynb"
SECRET = b"a secret of a class, for tests only"
COUNTS = {
    "pixel multiplications": 27, "pixel additions": 26, "image multiplications": 86704128,
    "image additions": 83492864, "batch multiplications": 867041280, "batch additions": 834928640,
}  # fmt: skip
TABLE = {
    "conv1": [[6, 3, 5, 5], 450, [6], 6, [10, 6, 224, 224]],
    "pool1": [[], 0, [], 0, [10, 6, 112, 112]],
    "conv2": [[16, 6, 5, 5], 2400, [16], 16, [10, 16, 112, 112]],
    "pool2": [[], 0, [], 0, [10, 16, 56, 56]],
    "fc1": [[50176, 64], 3211264, [64], 64, [10, 64]],
    "fc2": [[64, 1], 64, [1], 1, [10, 1]],
}
BLANK_COUNTS = dict.fromkeys(COUNTS)
BLANK_TABLE = {name: row if name == "conv1" else [None] * 5 for name, row in TABLE.items()}


def right(n: Numbers = COURSE_NUMBERS) -> dict[str, dict]:
    """The right answers for any numbers, worked out by hand and not by the course's own code."""
    side, pixel = n.side + 2 * n.padding - n.kernel + 1, n.channels * n.kernel**2
    half, quarter = n.side // 2, n.side // 4
    image, flat = n.filters * side * side, n.second * quarter * quarter
    counts = {}
    for name, outputs in (("pixel", 1), ("image", image), ("batch", n.batch * image)):
        counts |= {f"{name} multiplications": outputs * pixel, f"{name} additions": outputs * (pixel - 1)}
    w1, w2 = [n.first, n.channels, n.window, n.window], [n.second, n.first, n.window, n.window]
    table = {
        "conv1": [w1, w1[0] * w1[1] * n.window**2, [n.first], n.first, [n.batch, n.first, n.side, n.side]],
        "pool1": [[], 0, [], 0, [n.batch, n.first, half, half]],
        "conv2": [w2, w2[0] * w2[1] * n.window**2, [n.second], n.second, [n.batch, n.second, half, half]],
        "pool2": [[], 0, [], 0, [n.batch, n.second, quarter, quarter]],
        "fc1": [[flat, n.hidden], flat * n.hidden, [n.hidden], n.hidden, [n.batch, n.hidden]],
        "fc2": [[n.hidden, n.classes], n.hidden * n.classes, [n.classes], n.classes, [n.batch, n.classes]],
    }
    return {"counts": counts, "table": table}


def data(student_id: str = "", name: str = "", counts: dict | None = None, table: dict | None = None) -> dict:
    """A hand-in about the course's numbers, all right but for what is changed."""
    return make(COUNTS | (counts or {}), TABLE | (table or {}), edition="zh", student_id=student_id, name=name)


def blank(student_id: str = "", **changes: object) -> dict:
    """A hand-in with nothing answered, some keys changed, its checksum right again."""
    made = make(BLANK_COUNTS, BLANK_TABLE, edition="zh", student_id=student_id) | changes
    return made | {"checksum": checksum(made)}


def own(student_id: str, used: str | None = None, answered: str | None = None, name: str = "") -> dict:
    """A hand-in about the numbers drawn for `used`, with the right answers for those of `answered`."""
    used = student_id if used is None else used
    numbers = draw(used, SECRET)
    answers = right(draw(answered or used, SECRET))
    variant = Variant(numbers, signature(used, numbers, SECRET))
    return make(**answers, edition="zh", student_id=student_id, name=name, variant=variant)


def notebook(*shown: object, **typed: str) -> dict:
    """The learner's notebook with these hand-ins as outputs; `typed` are sources of cells by a part of their ids."""
    made = json.loads(make_homework.LEARNERS["zh"].read_text(encoding="utf-8"))
    [cell] = [cell for cell in made["cells"] if cell.get("id") == HAND_IN_CELL]
    cell["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {MIME: value, "text/plain": "..."}} for value in shown
    ] or cell["outputs"]
    for part, source in typed.items():
        [other] = [other for other in made["cells"] if other.get("id") == f"hw-{part}"]
        other["source"] = source
    return made


def write(path: Path, value: object, encoding: str = "utf-8") -> Path:
    """Write bytes, text, or anything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, bytes):
        path.write_bytes(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        path.write_text(text, encoding=encoding)
    return path


class _OldZipInfo(zipfile.ZipInfo):
    """An entry whose name is written in GBK, as by a Chinese Windows, without saying so."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # zipfile's own name
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def packed(files: dict[str, object], gbk: bool = False) -> bytes:
    """A zip of bytes, or of anything as JSON."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = (_OldZipInfo if gbk else zipfile.ZipInfo)(name, (2026, 11, 26, 8, 0, 0))
            archive.writestr(info, content if isinstance(content, bytes) else json.dumps(content), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class Case(NamedTuple):
    """A student's hand-in, by a function of his folder and id, and what it deserves; `says` stands in the reason."""

    make: Callable[[Path, str], object]
    status: str
    points: int
    says: str = ""


def edited(student_id: str) -> dict:
    """A notebook with cells deleted, copied and in another order, as VS Code saves it: without ids and metadata."""
    made = notebook(data(student_id))
    cells = [cell for cell in made["cells"] if not str(cell.get("id")).startswith("hw-score")]
    cells = [*reversed(cells), *copy.deepcopy(cells[20:30])]
    for cell in cells:
        cell.pop("id", None)
        cell["metadata"] = {}
    return made | {"cells": cells, "metadata": {}, "nbformat_minor": 4}


def cleared() -> dict:
    """A notebook that was saved without its outputs."""
    made = notebook()
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return made


def ran_again(student_id: str) -> dict:
    """A notebook in which the cell that hands in was copied and run again after a mistake was mended."""
    made = notebook(data(student_id))
    [cell] = [cell for cell in made["cells"] if cell.get("id") == HAND_IN_CELL]
    old = copy.deepcopy(cell)
    old["outputs"][0]["data"][MIME] = data(student_id, table={"fc2": [[1, 64], 64, [1], 1, [10, 1]]})
    cell["execution_count"], old["execution_count"] = 80, 12
    made["cells"].append(old)
    return made


def twice(folder: Path, student_id: str) -> None:
    """First with a mistake, then without."""
    first = write(folder / "answers.json", data(student_id, counts={"batch additions": 1}))
    os.utime(first, (1_790_000_000, 1_790_000_000))
    os.utime(write(folder / "answers (1).json", data(student_id)), (1_790_000_100, 1_790_000_100))


def _number_of(text: str) -> Callable[[Path, str], object]:
    """A hand-in in which this stands for a number, as no program but a hand can write it."""
    def make_it(folder: Path, student_id: str) -> Path:
        made = json.dumps(data(student_id, counts={"batch additions": 123456789}))
        return write(folder / "answers.json", made.replace("123456789", text))

    return make_it


def _instead_of_26(value: object) -> Callable[[Path, str], object]:
    return lambda folder, i: write(folder / "answers.json", data(i, counts={"pixel additions": value}))


WRONG = {"counts": {"batch additions": 9}, "table": {"pool1": [[], 0, [], 0, [10, 6, 224, 224]]}}
WIDE = {
    "counts": {"pixel multiplications": "２７", "batch multiplications": "８６７，０４１，２８０"},
    "table": {"fc2": ["［６４，１］", "６４", "【１】", 1, "[10、1]"]},
}
# The hand-ins that a class is made of: what each is called -> how it is made and what it deserves.
CLASS = {
    "right": Case(lambda f, i: write(f / "answers.json", data(i)), "graded", 30),
    "wrong": Case(lambda f, i: write(f / "answers.json", data(i, **WRONG)), "graded", 23),
    "blank": Case(lambda f, i: write(f / "answers.json", blank(i)), "blank", 0, "31 of 31"),
    "blank-notebook": Case(lambda f, i: write(f / NOTEBOOK, notebook()), "blank", 0),
    "王小明": Case(lambda f, i: write(f / "王小明的作业.ipynb", notebook(data("", "王小明"))), "graded", 30),
    "dead-kernel": Case(
        lambda f, i: write(f / NOTEBOOK, notebook(data(i, table=BLANK_TABLE), answers2="import os\nos._exit(1)")),
        "partly", 10, "25 of 31",
    ),
    "endless-loop": Case(
        lambda f, i: write(f / NOTEBOOK, notebook(data(i), answers2="while True:\n    pass")), "graded", 30,
    ),
    "edited": Case(lambda f, i: write(f / NOTEBOOK, edited(i)), "graded", 30),
    "ran-again": Case(lambda f, i: write(f / NOTEBOOK, ran_again(i)), "graded", 30, "several hand-ins in the notebook"),
    "not-run": Case(
        lambda f, i: write(f / NOTEBOOK, cleared()), "unreadable", 0, "run the last cells",
    ),
    "renamed": Case(lambda f, i: write(f / "04_homework (1).ipynb", notebook(data(i))), "graded", 30),
    "with-mark": Case(lambda f, i: write(f / "answers.json", data(i, "李雷"), "utf-8-sig"), "graded", 30),
    "utf-16": Case(lambda f, i: write(f / "answers.json.txt", data(i, "李雷"), "utf-16"), "graded", 30),
    "gbk": Case(lambda f, i: write(f / "答案.JSON", data(i, "韩梅梅"), "gbk"), "graded", 30),
    "corrupt": Case(
        lambda f, i: write(f / "answers.json", json.dumps(data(i), indent=1)[:400]), "unreadable", 0, "breaks off",
    ),
    "damaged": Case(
        lambda f, i: write(f / "answers.json", data(i) | {"date": "x"}), "unreadable", 0, "checksum does not fit",
    ),
    "empty-folder": Case(lambda f, i: f.mkdir(), "missing", 0, "the folder is empty"),
    "nothing": Case(lambda f, i: None, "missing", 0, "nothing was handed in"),
    "zip": Case(
        lambda f, i: write(f / "作业.zip", packed({"我的/answers.json": data(i), "__MACOSX/._a.json": b""}, gbk=True)),
        "graded", 30,
    ),
    "wide": Case(lambda f, i: write(f / "answers.json", data(i, **WIDE)), "graded", 30),
    "brackets": Case(lambda f, i: write(f / "answers.json", "[" * 100_000), "unreadable", 0, "nested too deeply"),
    "nan": Case(_instead_of_26(float("nan")), "graded", 28),
    "infinity": Case(_instead_of_26(float("inf")), "graded", 28),
    "huge": Case(_instead_of_26(10**4000), "graded", 28),
    "too-huge": Case(_number_of("9" * 5000), "unreadable", 0, "too long to be read"),
    "not-json": Case(_number_of("0x1F"), "unreadable", 0, "breaks off in line 1"),
    "nesting": Case(
        lambda f, i: write(f / "answers.json", data(i, table={"fc1": [[[50176]], 3211264, [64], 64, [10, 64]]})),
        "unreadable", 0, "its answers is not as the homework writes it",
    ),
    "row-as-number": Case(lambda f, i: write(f / "answers.json", data(i, table={"fc1": 3211264})), "graded", 26),
    "script": Case(
        lambda f, i: write(f / "answers.json", data("<script>alert(1)</script>")), "graded", 30, "<script>",
    ),
    "two": Case(twice, "graded", 30, "the last one counts"),
    "foreign": Case(
        lambda f, i: write(f / "report.docx", b"PK\x03\x04 of Word"), "unreadable", 0, "neither answers.json",
    ),
    "link": Case(
        lambda f, i: write(f / "a.txt", "") and (f / "answers.json").symlink_to("../right/answers.json"),
        "unreadable", 0, "no ordinary file",
    ),
}  # fmt: skip


def write_class(folder: Path) -> dict[str, Case]:
    """Write the class, each hand-in into its student's folder, and give what each deserves."""
    for name, case in CLASS.items():
        case.make(folder / name, name)
    return CLASS


def _says_right(folder: Path, _: str) -> None:
    """Outputs that say that all is right, and the metadata of cells that were worth many points once."""
    made = notebook()
    for cell in made["cells"]:
        cell["metadata"]["nbgrader"] = {"grade": True, "points": 1000, "grade_id": "hw-score", "schema_version": 3}
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "together: 31 right, 30 of 30\n"}]
    write(folder / NOTEBOOK, made)


def _beside(**files: str) -> Callable[[Path, str], object]:
    """A blank notebook, and files beside it that a careless program would run or read."""
    def make_it(folder: Path, student_id: str) -> None:
        write(folder / NOTEBOOK, notebook())
        for name, text in files.items():
            write(folder / name, text)

    return make_it


def _typed(source: str) -> Callable[[Path, str], object]:
    """A blank notebook with this in the cell of the answers and in the one that hands in."""
    def make_it(folder: Path, student_id: str) -> Path:
        return write(folder / NOTEBOOK, notebook(blank(student_id), answers1=source, **{"hand-in-run": source}))

    return make_it


def _blank(**changes: object) -> Callable[[Path, str], object]:
    return lambda folder, i: write(folder / "answers.json", blank(i, **changes))


def _as_another(folder: Path, _: str) -> None:
    """A blank hand-in under the id of another student, who has handed in the right answers."""
    write(folder / "answers.json", blank("right", student={"id": "right", "name": "right"}))
    os.utime(folder / "answers.json", (4_000_000_000, 4_000_000_000))


def _in_anothers_place(folder: Path, _: str) -> None:
    """A zip whose files would lie in another student's folder if somebody unpacked it."""
    names = ("../../right/homework/answers.json", "/right/homework/answers.json", "right/homework/answers.json")
    write(folder / "all.zip", packed({name: blank("right") for name in names}))


def _bomb(folder: Path, i: str) -> None:
    write(folder / "answers.json", blank(i))
    write(folder / "bomb.zip", packed({f"{n}/answers.json": b" " * 20_000_000 for n in range(3)}))


EASY = Numbers(1, 1, 4, 1, 1, 1, 1, 1, 1, 1, 1)
MARKER = "run-by-the-grader"  # a file of this name anywhere shows that something of a hand-in was run
WRITES = f"open({MARKER!r}, 'w').write('x')\n"
# Attempts at other marks: each is a blank hand-in that carries one, and is worth nothing.
ATTEMPTS = {
    "task objects replaced": _typed(WRITES + "task1.grade = task2.grade = lambda answers: print('31 right')"),
    "Report.right patched": _typed(
        WRITES + "from helpers.homework import answers\nanswers.Report.right = lambda *_: True"
    ),
    "Entry.feedback patched": _typed(
        WRITES + "from helpers.homework import answers\nanswers.Entry.feedback = lambda *_: ('right', '')"
    ),
    "answers asked of the task": _typed(WRITES + "answers1 = task1.reveal(); answers2 = task2.reveal()"),
    "the public solutions run": _typed("%run solutions/04_homework.ipynb\n" + WRITES),
    "asserts dropped": _typed("import ast\nget_ipython().ast_transformers.append(ast.NodeTransformer())\n" + WRITES),
    "a hook before every cell": _typed("get_ipython().events.register('pre_run_cell', lambda *_: None)\n" + WRITES),
    "the gradebook edited": _typed(
        WRITES + "import sqlite3\nsqlite3.connect('../../gradebook.db').execute('UPDATE grade SET manual_score = 75')"
    ),
    "helpers rewritten": _typed(WRITES + "import helpers\nopen(helpers.__file__, 'w').write('')"),
    "helpers beside it": _beside(**{"helpers/__init__.py": WRITES, "helpers/homework/__init__.py": WRITES}),
    "nbgrader_config.py beside it": _beside(**dict.fromkeys(("nbgrader_config.py", "jupyter_config.py"), WRITES)),
    "modules of Python beside it": _beside(**dict.fromkeys(("json.py", "csv.py", "sitecustomize.py"), WRITES)),
    "a roster and a secret beside it": _beside(**{"roster.csv": "id,name\neve,eve\n", "secret.txt": "x" * 64}),
    "outputs that say 30 of 30": _says_right,
    "points in the file": _blank(points=30, total=30, status="graded"),
    "answers that are true": lambda f, i: write(f / "answers.json", data(
        i, dict.fromkeys(COUNTS, True), {name: [True] * 5 for name in TABLE if name != "conv1"},
    )),
    "answers that are words": lambda f, i: write(f / "answers.json", data(
        i, dict.fromkeys(COUNTS, "right"), {name: ["right"] * 5 for name in TABLE if name != "conv1"},
    )),
    "easy numbers of one's own": lambda f, i: write(f / "answers.json", make(
        **right(EASY), edition="zh", student_id=i, variant=Variant(EASY, "0" * 64),
    )),
    "the given row only": _blank(answers={"counts": {}, "table": {"conv1": TABLE["conv1"]}}),
    "another student's id": _as_another,
    "another student's place": _in_anothers_place,
    "a link to another's hand-in": lambda f, i: write(f / "answers.json", blank(i)) and (
        f / "answers (2).json"
    ).symlink_to("../../right/homework/answers.json"),
    "a formula and a page in the name": lambda f, i: write(f / "answers.json", blank(
        student={"id": i, "name": "=HYPERLINK(\"http://x\")</h1><script>x</script>"},
    )),
    "a bomb": _bomb,
}  # fmt: skip
