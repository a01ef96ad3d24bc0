"""Sphinx's settings for one edition of the site; build.py chooses it with the tag zh or en.

Two things can be set, here or as variables. Both are empty until the course is published, and what they lead to is left
out of the pages until then.
"""
import os
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

REPOSITORY = os.environ.get("REPOSITORY", "")  # where to clone from, for example https://github.com/OWNER/NAME
AI_STUDIO = os.environ.get("AI_STUDIO", "")  # the course's project there, https://aistudio.baidu.com/projectdetail/NUMBER

HERE = Path(__file__).parent
CHINESE = tags.has("zh")  # noqa: F821  Sphinx provides it
WORDS = {
    "twin": ("English", "中文"),
    "jupyter": ("在 JupyterLab 中打开", "Open in JupyterLab"),
    "ai_studio": ("在 AI Studio 上打开", "Launch on AI Studio"),
    "figure": ("这个单元画的图", "The figure that this cell draws"),
    "contents": ("课程目录", "Contents of the course"),
    "here": ("本页目录", "Contents of this page"),
    "repository": ("在代码仓库中查看", "View in the repository"),
}

project = html_title = "批归一化、丢弃法与医学图像" if CHINESE else "BatchNorm, Dropout, medical images"
language = "zh_CN" if CHINESE else "en"
locale_dirs = ["locale"]  # what Furo says and Sphinx does not translate
extensions = ["myst_nb", "sphinx_copybutton"]
mathjax_path = "../../mathjax/tex-chtml.js"  # from _static/ of an edition: build.py puts one copy beside both
mathjax3_config = {
    "options": {"enableMenu": False},  # it could ask for parts that are not there
    "chtml": {"matchFontHeight": False},  # measured before fonts are there, it makes formulas a quarter too wide
}
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
# The contents list pages that another page may or may not link to; the data of a hand-in are not for the page.
suppress_warnings = ["toc.empty_glob", "mystnb.unknown_mime_type"]
if REPOSITORY:
    tags.add("repository")  # noqa: F821

highlight_language = "none"  # of a block that does not name one; cells do
pygments_style, pygments_dark_style = "default", "github-dark"
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
templates_path = [str(HERE / "templates")]
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = str(HERE / "root" / "icon.svg")
html_copy_source = html_use_index = html_show_copyright = False
# An output is not what a reader wants to copy.
copybutton_selector = "article div.highlight:not(.cell_output *) pre"
html_context = {
    "words": {name: pair[not CHINESE] for name, pair in WORDS.items()},
    "edition": "zh" if CHINESE else "en",
    "other": "en" if CHINESE else "zh",
    "repository_url": REPOSITORY,
    "ai_studio": AI_STUDIO,
}


class Pairs(SearchEnglish):
    """English words, and Chinese by each character and each two neighbours; asked for by two neighbours.

    Sphinx's own Chinese search indexes a dictionary's words but asks for whole runs: it finds no 批归一化.
    """

    lang = "zh"
    js_splitter_code = r"""
    var splitQuery = query => query.split(/(\p{Script=Han}+)|[^\p{Letter}\p{Number}_]+/u)
      .filter(run => run && !/^\w$/.test(run))
      .flatMap(run => /\p{Script=Han}/u.test(run)
        ? Array.from({length: Math.max(run.length - 1, 1)}, (_, i) => run.slice(i, i + 2)) : [run]);
    """

    def split(self, text: str) -> list[str]:
        runs = re.findall(r"[\u3400-\u4dbf\u4e00-\u9fff]+", text)
        pairs = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
        return re.findall(r"[^\W\u3400-\u4dbf\u4e00-\u9fff]+", text) + pairs + list("".join(runs))


def fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """What a page of the site's own leaves open: where to clone from, and what the course was last checked with."""
    if page == "open":
        source[0] = source[0].replace("REPOSITORY", REPOSITORY)
    if page == "index":
        source[0] = source[0].replace("CHECKED", checked())


def checked() -> str:
    """The versions at both ends that `make compat` has written into its document, as words."""
    text = (HERE.parent / "compatibility.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (Python|Paddle|NumPy) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    ends = (", ".join(f"{name} {versions[end]}" for name, *versions in rows) for end in (0, 1))
    return "; ".join(ends)


def name_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Let a cell's figure be called by its title, for those who do not see it; Sphinx would name a file."""
    for cell in doctree.findall(lambda node: "cell" in node.get("classes", []) if hasattr(node, "get") else False):
        code = "".join(block.astext() for block in cell.findall(nodes.literal_block) if block.get("language") != "none")
        titles = re.findall(r"title[(=] ?\"([^\"{}]{8,})\"", code)
        for image in cell.findall(nodes.image):
            image["alt"] = titles[-1] if titles else WORDS["figure"][not CHINESE]


def mend(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """What the keyboard and screen readers need: code that scrolls can be reached, and a heading has a level."""
    context["body"] = context.get("body", "").replace("<pre>", '<pre tabindex="0">')
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    app.add_search_language(Pairs)
    app.connect("source-read", fill_in)
    app.connect("doctree-read", name_figures)
    app.connect("html-page-context", mend, priority=900)  # after Furo
