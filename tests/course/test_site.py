"""The static site as readers see it: built as `make site` does, served on a loopback port, walked in a browser."""
import functools
import http.server
import re
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag

from helpers import ROOT, versions
from tests.tools import chromium, editions, pairing
from tests.tools.processes import python
from tests.tools.waiting import wait

import nbformat
import pytest

LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 375, "height": 667}
NOTEBOOKS = {
    path.relative_to(ROOT / "notebooks").with_suffix(".html").as_posix(): path for path in editions.committed()
}
FACTS = """() => ({
  language: document.documentElement.lang,
  twins: [...document.querySelectorAll('a.twin')].map(a => a.href),
  links: [...document.querySelectorAll('a[href]')].map(a => a.href),
  ids: [...document.querySelectorAll('[id]')].map(node => node.id),
  math: document.querySelectorAll('article .math').length,
  formulas: document.querySelectorAll('article .math mjx-container').length,
  broken: document.querySelectorAll('mjx-merror').length,
  figures: [...document.querySelectorAll('.cell_output img')].map(image => image.naturalWidth),
  called: [...document.querySelectorAll('.cell_output img')].map(image => image.alt),
  inputs: [...document.querySelectorAll('.cell_input pre')].map(pre => pre.textContent),
  folds: document.querySelectorAll('article details').length,
  text: (copy => {
    copy.querySelectorAll('mjx-container, code, pre, .cell').forEach(node => node.remove());
    return copy.textContent;
  })((document.querySelector('article') || document.body).cloneNode(true)),
})"""
# The theme lets the text scroll sideways within the page, so the page alone would never be too wide. What scrolls
# within the text, such as a long line of code, may be as wide as it likes.
WIDER = """() => [document.documentElement, ...document.querySelectorAll('.content')].flatMap(box => {
  const free = node => node === box || (getComputedStyle(node).overflowX === 'visible' && free(node.parentElement));
  const wide = [...box.querySelectorAll('*')].filter(
    node => node.getBoundingClientRect().right > innerWidth && free(node.parentElement)
  ).map(node => node.outerHTML.slice(0, 120));
  return box.scrollWidth <= box.clientWidth ? [] : [`${box.scrollWidth} px`, ...wide.slice(0, 3)];
})"""


def build(out: Path, **settings: str) -> Path:
    """The site with these settings (docs/site/conf.py)."""
    done = python(ROOT / "docs/site/build.py", out, **{"REPOSITORY": "", "AI_STUDIO": "", **settings})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return out


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("myst_nb", reason="MyST-NB is not installed (requirements-site.txt)")
    return build(tmp_path_factory.mktemp("site") / "site")


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def settle(page):
    """Until fonts are loaded, formulas rendered and pictures there, and the page has heard of its size."""
    page.wait_for_load_state("networkidle")
    page.evaluate("() => document.fonts.ready")
    page.wait_for_function("() => !document.querySelector('article .math') || window.MathJax?.startup?.promise")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.evaluate("() => document.fonts.ready")  # formulas bring fonts of their own
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("() => Promise.all([...document.images].map(image => image.decode().catch(() => {})))")


@pytest.fixture(scope="module")
def walked(site, address, browser):
    """Every page of the site, opened once: its path -> FACTS, and under "wrong" what is not as on any good page.

    That is an error that it reported, another host that it asked, and what is wider than a phone.
    """
    seen, context = {}, chromium.new_context(browser, viewport=LAPTOP)
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name == "index.html":  # forwards at once: test_first_page
            continue
        page = context.new_page()
        wrong, urls = [], []
        page.on("console", lambda message, wrong=wrong: wrong.append(message.text) if message.type == "error" else 0)
        page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        page.on("request", lambda request, urls=urls: urls.append(request.url))
        page.goto(address + name)
        settle(page)
        seen[name] = page.evaluate(FACTS)
        page.set_viewport_size(PHONE)
        settle(page)
        wrong += page.evaluate(WIDER)
        seen[name]["wrong"] = wrong + [url for url in urls if not url.startswith((address, "data:"))]
        page.close()
    context.close()
    return seen


@pytest.fixture
def page(browser, address):
    context = chromium.new_context(
        browser, viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"], base_url=address
    )
    yield context.new_page()
    context.close()


def internal(address, facts):
    """The links of a page that stay within the site, as (path, anchor)."""
    inside = [urldefrag(link) for link in facts["links"] if link.startswith(address)]
    return {(unquote(link.url.removeprefix(address)), unquote(link.fragment)) for link in inside}


# --- every page


def test_every_notebook_is_a_page_with_its_code_and_figures(walked):
    for name, path in NOTEBOOKS.items():
        cells = nbformat.read(path, as_version=4).cells
        facts = walked[name]
        code = [cell.source for cell in cells if cell.cell_type == "code" and cell.source]
        assert [shown.rstrip() for shown in facts["inputs"]] == [source.rstrip() for source in code], name
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert len(facts["figures"]) == editions.figures(outputs), name
        assert all(width > 100 for width in facts["figures"]), name
        assert facts["folds"] == sum(cell.source.count("<details>") for cell in cells), name


def test_pages_ask_no_other_host_report_no_error_and_fit_on_a_phone(walked):
    assert {name: facts["wrong"] for name, facts in walked.items() if facts["wrong"]} == {}


def test_every_internal_link_leads_to_a_page_and_a_place_on_it(site, address, walked):
    missing, found = [], set()
    for name, facts in walked.items():
        links = internal(address, facts)
        assert len(links) > 10, f"{name}: only {links}"
        found |= {target for target, _ in links}
        for target, anchor in links:
            if not (site / target).is_file():
                missing.append(f"{name}: no {target}")
            elif anchor and target in walked and anchor not in walked[target]["ids"]:
                missing.append(f"{name}: no {anchor} in {target}")
    assert missing == [] and "course.zip" in found


def test_every_page_can_be_reached_from_the_contents(address, walked):
    for language in editions.LANGUAGES:
        found = [f"{language}/index.html"]
        for name in found:
            targets = {target for target, _ in internal(address, walked[name])}
            found += sorted(target for target in targets - set(found) if target in walked)
        assert set(walked) - set(found) <= {"zh/search.html", "en/search.html"}


def test_notebook_links_lead_to_pages(walked):
    left = {name: [link for link in facts["links"] if link.endswith((".ipynb", ".md")) and ":8888/" not in link]
            for name, facts in walked.items()}
    assert {name: links for name, links in left.items() if links} == {}


def test_every_page_links_to_its_twin(address, walked):
    for name, facts in walked.items():
        language, _, rest = name.partition("/")
        assert facts["twins"] == [f"{address}{editions.OTHER[language]}/{rest}"], name
        assert f"{editions.OTHER[language]}/{rest}" in walked, name
        assert facts["language"] == {"zh": "zh-CN", "en": "en"}[language], name


def test_formulas_and_folds_hold_what_is_rendered(walked):
    for name, facts in walked.items():
        assert facts["formulas"] == facts["math"] and facts["broken"] == 0, name
        assert "`" not in facts["text"], f"{name}: {facts['text'].partition('`')[2][:60]}"
        assert not re.search(r"\$[^$]+\$|\\[(\[]|\\frac", facts["text"]), name
    for name, path in NOTEBOOKS.items():
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
        formulas = pairing.outline("\n\n".join(cells), name[:2])["formulas"]
        assert walked[name]["formulas"] == len(formulas), name


# --- what a reader does


@pytest.mark.parametrize(("language", "words", "wanted"), [
    ("zh", "批归一化", "01_batch_norm"),
    ("zh", "丢弃法", "03_dropout"),
    ("zh", "病理性近视", "05_eye_disease_resnet"),
    ("zh", "momentum", "01_batch_norm"),
    ("zh", "ResNet置信区间", "05_eye_disease_resnet"),
    ("en", "dropout", "03_dropout"),
    ("en", "moving averages", "01_batch_norm"),
])
def test_search(page, language, words, wanted):
    page.goto(f"{language}/04_homework.html")
    page.locator(".sidebar-search").fill(words)
    page.locator(".sidebar-search").press("Enter")
    page.locator(f"#search-results a[href*='{wanted}.html']").first.wait_for()


@pytest.mark.parametrize(("language", "words"), [("zh", "鲸鱼洄游"), ("en", "whalefishing")])
def test_search_for_what_is_not_there(page, language, words):
    page.goto(f"{language}/search.html?q={words}")
    page.locator(".search-summary:not(:empty)").wait_for()
    assert page.locator("#search-results a").count() == 0


@pytest.mark.parametrize("name", ["zh/solutions/04_homework.html", "en/index.html", "en/search.html"])
def test_switching_the_language_and_back(page, address, name):
    page.goto(name)
    page.locator("a.twin").click()
    language, _, rest = name.partition("/")
    page.wait_for_url(f"{address}{editions.OTHER[language]}/{rest}")
    page.locator("a.twin").click()
    page.wait_for_url(address + name)


def copied(page):
    return page.evaluate("() => navigator.clipboard.readText()")


def test_copy_button_copies_a_cell(page):
    page.goto("zh/03_dropout.html")
    cells = nbformat.read(NOTEBOOKS["zh/03_dropout.html"], as_version=4).cells
    wanted = [cell.source for cell in cells if cell.cell_type == "code"][1]
    cell = page.locator(".cell_input").nth(1)
    cell.hover()
    cell.locator("button.copybtn").click()
    # Not for the button's sign of success, which is gone after 1.5 s.
    wait(lambda: copied(page), "the cell is copied", chromium.PATIENCE / 1000)
    assert copied(page).rstrip() == wanted
    assert page.locator(".cell_output button.copybtn").count() == 0


def brightness(page):
    """Of the page's background: 0 black, 255 white."""
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_dark_mode_follows_the_system_and_a_switch(page):
    page.goto("zh/01_batch_norm.html")
    assert brightness(page) > 230
    page.emulate_media(color_scheme="dark")
    assert brightness(page) < 40
    for _ in range(3):  # automatic, light, dark in turn
        if page.evaluate("() => document.body.dataset.theme") == "light":
            break
        page.locator(".theme-toggle-content button").click()
    assert brightness(page) > 230
    page.goto("zh/02_normalization_variants.html")
    assert brightness(page) > 230, "the choice is kept on the next page"


def test_figures_are_on_white_in_the_dark(page):
    page.emulate_media(color_scheme="dark")
    page.goto("en/05_eye_disease_resnet.html")
    image = page.locator(".cell_output img").first
    assert image.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"


def test_a_fold_opens_on_a_click(page):
    page.goto("en/03_dropout.html")
    settle(page)
    fold = page.locator("article details:has(mjx-container)").first
    assert not fold.locator("mjx-container").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("mjx-container").first.is_visible()


@pytest.mark.parametrize(("locale", "wanted"), [("zh-TW", "zh"), ("en-GB", "en"), ("de-DE", "en")])
def test_first_page_forwards_by_language(browser, address, locale, wanted):
    page = chromium.new_context(browser, locale=locale).new_page()
    page.goto(address)
    page.wait_for_url(f"{address}{wanted}/index.html")
    page.context.close()


def test_first_page_without_scripts(browser, address):
    page = chromium.new_context(browser, java_script_enabled=False).new_page()
    page.goto(address)
    assert [link.get_attribute("href") for link in page.locator("a").all()] == ["zh/index.html", "en/index.html"]
    page.context.close()


@pytest.mark.parametrize("name", ["zh/index.html", "zh/05_eye_disease_resnet.html"])
def test_little_is_loaded_before_the_first_paint(page, name):
    page.goto(name)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    entries = page.evaluate("""() => performance.getEntries().filter(
      entry => entry.entryType === 'navigation' || entry.renderBlockingStatus === 'blocking'
    ).map(entry => [entry.name, entry.decodedBodySize])""")
    assert len(entries) > 3, "the page and its style sheets"
    assert sum(size for _, size in entries) < 1_000_000, entries


# --- who reads it, and where from


@pytest.mark.parametrize("language", editions.LANGUAGES)
def test_it_works_from_a_folder(browser, site, language):
    """Opened by a double click: no server, so a page may fetch nothing."""
    context, wrong = chromium.new_context(browser, locale={"zh": "zh-CN", "en": "en-GB"}[language]), []
    page = context.new_page()
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.wait_for_url(f"**/{language}/index.html")
    page.locator("article a[href='01_batch_norm.html']").click()
    settle(page)
    assert page.locator("article mjx-container").count() == page.locator("article .math").count() > 100
    assert page.evaluate("() => document.fonts.check('16px MJXTEX')")
    page.locator(".sidebar-search").fill("momentum")
    page.locator(".sidebar-search").press("Enter")
    page.locator("#search-results a[href*='01_batch_norm.html']").first.wait_for()
    page.wait_for_load_state("networkidle")
    context.close()
    assert wrong == []


@pytest.mark.parametrize("name", [
    "en/index.html", "zh/search.html",
    *(pytest.param(name, marks=pytest.mark.all) for name in ("zh/01_batch_norm.html", "en/05_eye_disease_resnet.html")),
])  # fmt: skip
def test_axe_finds_nothing(page, name):
    package = pytest.importorskip("axe_playwright_python.base", reason="requirements-dev.txt")
    page.goto(name)
    settle(page)
    page.evaluate(package.AXE_FILE_PATH.read_text(encoding="utf-8"))
    wrong = []
    for size, theme in ((LAPTOP, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        settle(page)
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations'], preload: false})")["violations"]
        wrong += [(theme, each["impact"], each["id"], each["nodes"][0]["html"][:200]) for each in found]
    assert wrong == []


def test_a_figure_is_called_by_its_title(walked):
    for name in NOTEBOOKS:
        assert all(words and not words.endswith(".png") for words in walked[name]["called"]), name
    assert "Standout drops the weak units, not the strong ones" in walked["zh/03_dropout.html"]["called"]


def test_each_notebook_leads_to_the_next_and_the_previous_one(page):
    for language in editions.LANGUAGES:
        page.goto(f"{language}/02_normalization_variants.html")
        targets = [link.get_attribute("href") for link in page.locator(".related-pages a").all()]
        assert targets == ["03_dropout.html", "01_batch_norm.html"]


def test_one_copy_of_mathjax_serves_both_editions(site):
    assert [path.relative_to(site).as_posix() for path in site.rglob("*mathjax*")] == ["mathjax"]
    assert sum(path.stat().st_size for path in (site / "mathjax").rglob("*") if path.is_file()) < 2_000_000


def test_the_contents_say_what_the_course_was_last_checked_with(walked):
    both_ends = re.compile(r"Python 3\.10\.\S+, Paddle 2\.6\.\S+, NumPy \S+; Python 3\.13\.\S+, Paddle 3\.")
    for language in editions.LANGUAGES:
        assert both_ends.search(walked[f"{language}/index.html"]["text"]), language


# --- what is not published yet, the program, and the pair


@pytest.mark.all
def test_published_addresses_appear_when_they_are_set(site, tmp_path):
    hub, studio = "https://example.org/course", "https://example.org/ai-studio"
    page, how = Path("en/01_batch_norm.html"), Path("en/open.html")
    plain = (site / page).read_text(encoding="utf-8") + (site / how).read_text(encoding="utf-8")
    assert "git clone" not in plain and "View in the repository" not in plain
    assert "open.html#ai-studio" in plain
    out = build(tmp_path / "site", REPOSITORY=hub, AI_STUDIO=studio)
    assert f"git clone {hub} course" in (out / how).read_text(encoding="utf-8")
    text = (out / page).read_text(encoding="utf-8")
    assert f'href="{hub}/blob/HEAD/notebooks/en/01_batch_norm.ipynb"' in text
    assert f'href="{studio}"' in text


def test_its_program_needs_no_library_of_the_course():
    """`make site` builds it in an environment of its own, of requirements-site.txt alone."""
    code = f"import sys; sys.modules.update(dict.fromkeys({list(versions.LIBRARIES)})); import build"
    done = python("-c", code, cwd=ROOT / "docs/site")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["index.md", "open.md"])
def test_own_pages_are_pairs(name):
    zh, en = ((ROOT / "docs/site" / language / name).read_text(encoding="utf-8") for language in editions.LANGUAGES)
    assert pairing.text_problems(zh, en) == []
