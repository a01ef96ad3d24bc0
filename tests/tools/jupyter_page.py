"""JupyterLab in a browser, used as a reader uses it: open a notebook, Run All, type, click; and what is then seen.

Nothing here knows the course: `lab` serves a scratch folder, `NotebookPage` is one open notebook.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import os
import posixpath
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from tests.tools import chromium
from tests.tools.waiting import wait

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

LAPTOP = {"width": 1366, "height": 768}
SETTINGS = {
    # Lab leaves cells that are off screen out of the page; here all of them are looked at.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},  # `NotebookPage.saved` says when; it waits for its own answer
}

# The notebook whose tab is in front; the others stay in the page.
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"

# The variance of the pixels of every picture in a node; 0 if it is empty or cannot be shown.
VARIANCES = """node => Promise.all([...node.querySelectorAll('img')].map(async image => {
  await image.decode().catch(() => {});
  if (!image.naturalWidth || !image.naturalHeight) return 0;
  const context = new OffscreenCanvas(200, 100).getContext('2d');
  context.drawImage(image, 0, 0, 200, 100);
  const values = context.getImageData(0, 0, 200, 100).data.filter((_, i) => i % 4 < 3);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}))"""
OUTPUTS = f"""cells => Promise.all(cells.map(async cell => ({{
  prompt: cell.querySelector('.jp-InputArea-prompt').textContent,
  text: [...cell.querySelectorAll('.jp-OutputArea-output pre')].map(output => output.textContent).join('\\n'),
  figures: await ({VARIANCES})(cell.querySelector('.jp-Cell-outputWrapper')),
}})))"""
# textContent, unlike innerText, holds what is folded too.
TEXTS = """cells => cells.map(cell => {
  const copy = cell.cloneNode(true), formulas = copy.querySelectorAll('mjx-container').length;
  copy.querySelectorAll('mjx-container, code, pre').forEach(node => node.remove());
  return [formulas, copy.textContent];
})"""
# Some cell has run, and none is waiting or running; cells behind one that has failed stay as they are.
DONE = f"""() => {{
  const prompts = [...document.querySelectorAll('{PANEL} .jp-CodeCell .jp-InputArea-prompt')].map(e => e.textContent);
  return prompts.some(prompt => /\\d/.test(prompt)) && !prompts.some(prompt => prompt.includes('*'));
}}"""
# Only what has changed is looked at: all outputs at each step of a bar would take half of a core.
WATCH = r"""notebook => {
  window.barsSeen = new Set();
  const look = node => {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement, own = element?.closest('pre');
    for (const output of own ? [own] : element?.querySelectorAll('pre') || [])
      for (const bar of output.textContent.match(/[^\r\n]*\d+%\|[^|]*\|[^\r\n]*/g) || []) window.barsSeen.add(bar);
  };
  new MutationObserver(records => records.forEach(({type, target, addedNodes}) =>
    type === 'characterData' ? look(target) : addedNodes.forEach(look)
  )).observe(notebook, {subtree: true, childList: true, characterData: true});
}"""


@contextlib.contextmanager
def lab(browser: Browser, root: Path, scratch: Path, **environment: str) -> Iterator[Desk]:
    """JupyterLab of this interpreter's environment on a loopback port, with a token, serving the folder `root`.

    Its settings and its log are in `scratch`: the user's own settings are neither read nor changed. The environment is
    added to that of the server and its kernels.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, values in SETTINGS.items():
        path = scratch / f"config/lab/user-settings/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    own = {"JUPYTER_CONFIG_DIR": str(scratch / "config"), "JUPYTER_DATA_DIR": str(scratch / "data")}
    desk = Desk(browser, root, f"http://127.0.0.1:{port}", secrets.token_hex(16))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={desk.token}", f"--ServerApp.root_dir={root}"]
    log = scratch / "jupyterlab.log"
    with (
        log.open("w") as out,
        subprocess.Popen(command, env={**os.environ, **own, **environment}, stdout=out, stderr=out) as server,
    ):
        try:
            deadline = time.monotonic() + chromium.PATIENCE / 1000
            while not desk.listens():
                if time.monotonic() > deadline or server.poll() is not None:
                    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")
                time.sleep(0.2)
            yield desk
        finally:
            server.terminate()  # the server ends its kernels


class Desk:
    """A JupyterLab server and its window, one at a time, in which a notebook is opened as a reader does it."""

    def __init__(self, browser: Browser, root: Path, address: str, token: str) -> None:
        self.browser, self.root, self.address, self.token = browser, root, address, token
        self.page: Page | None = None

    def request(self, path: str, method: str = "GET") -> bytes:
        """The answer of the server's REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=chromium.PATIENCE / 1000) as answer:
            return answer.read()

    def listens(self) -> bool:
        # It tries its port first and closes it again, on whoever has connected meanwhile.
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.request("api"))
        return False

    def end_kernels(self) -> bool:
        """End all kernels; False, and none is ended, while one is starting.

        Jupyter Server 2, asked for its kernels, answers then with status 500: one has no last_activity yet. On a busy
        machine that takes seconds, in which a window can be closed whose last notebook has just been opened.
        """
        try:
            kernels = json.loads(self.request("api/kernels"))
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.INTERNAL_SERVER_ERROR:
                return False
            raise
        for kernel in kernels:
            self.request(f"api/kernels/{kernel['id']}", "DELETE")
        return True

    def new_window(self) -> Page:
        """A window with nothing open in it; the old one is closed, and its kernels are ended."""
        if self.page is not None:
            self.page.context.close()
            wait(self.end_kernels, "no kernel is starting", chromium.PATIENCE / 1000)
        self.page = chromium.new_context(self.browser, viewport=LAPTOP).new_page()
        self.page.goto(f"{self.address}/lab/workspaces/{secrets.token_hex(4)}?token={self.token}")
        return self.page

    @contextlib.contextmanager
    def opened(self, path: str, pictures: Path) -> Iterator[NotebookPage]:
        """A notebook in a window of its own, since each further one that is open makes Lab slower.

        If what is done with it fails, an AssertionError names a picture of the page.
        """
        page = self.new_window()
        try:
            notebook = NotebookPage(page, self.root / path, path)
            notebook.open()
            yield notebook
        except Exception as error:
            picture = pictures / f"{Path(path).stem}.png"
            page.screenshot(path=picture)
            raise AssertionError(f"{path}: {error}\nThe page as it was then: {picture}") from error


class NotebookPage:
    """An open notebook: its cells, numbered from 0 as in the file, what they show, and a reader's hands.

    `name` is its path below the server's root.
    """

    def __init__(self, page: Page, file: Path, name: str) -> None:
        self.page, self.path, self.name = page, file, name
        self.file = nbformat.read(file, as_version=4)  # as it is before it is run
        self.panel = page.locator(PANEL)
        self.cells = self.panel.locator(".jp-Notebook .jp-Cell")

    def numbers(self, kind: str) -> list[int]:
        """The numbers of the cells that are "code" or "markdown"; empty ones are left out."""
        cells = enumerate(self.file.cells)
        return [number for number, cell in cells if cell.cell_type == kind and cell.source.strip()]

    def open(self) -> None:
        """Open it by its path, and wait until every text is rendered and MathJax has nothing left to do."""
        self.open_path(self.name)
        self.page.wait_for_url(f"**/tree/{self.name}")
        expect(self.cells).to_have_count(len(self.file.cells))
        texts = self.panel.locator(".jp-MarkdownCell .jp-RenderedMarkdown")
        expect(texts).to_have_count(len(self.numbers("markdown")))
        formulas = self.panel.locator("mjx-container")
        expect(formulas.first).to_be_attached()
        before = None
        while before != (before := formulas.count()):
            self.page.wait_for_timeout(500)

    # --- a reader's hands

    def menu(self, menu: str, entry: str) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{entry}$")).click()

    def open_path(self, path: str) -> None:
        self.menu("File", "Open from Path…")
        self.page.locator(".jp-Dialog input").fill(path)
        self.page.keyboard.press("Enter")

    def run_all(self, seconds: float) -> None:
        """Clear all outputs, so that what is seen later is of this run, run all cells and wait until they are done."""
        self.menu("Edit", "Clear Outputs of All Cells")
        expect(self.panel.locator(".jp-OutputArea-output")).to_have_count(0)
        self.panel.evaluate(WATCH)
        self.wait_for_kernel()
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(DONE, timeout=1000 * seconds, polling=250)
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        idle = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(idle).to_have_attribute("data-status", "idle")

    def saved(self) -> nbformat.NotebookNode:
        """Save the notebook; gives what is then in its file."""
        stored = f"/api/contents/{self.name}"  # Lab puts other things as well, such as which tabs are open
        with self.page.expect_response(lambda each: each.request.method == "PUT" and stored in each.url) as answer:
            self.menu("File", "Save Notebook")
        assert answer.value.ok, answer.value.status_text
        return nbformat.read(self.path, as_version=4)

    def run(self, number: int) -> None:
        """Run one cell with the keyboard and wait for its output."""
        prompt = self.cells.nth(number).locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        self.editor(number).click()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)
        self.page.wait_for_function(DONE)

    def retype(self, number: int, old: str, new: str) -> None:
        """Click on the line of a code cell that begins with `old`, and type other lines over it."""
        line = self.editor(number).locator(".cm-line", has_text=re.compile(rf"^\s*{re.escape(old)}"))
        line.click()
        for key in ("End", "Shift+Home", "Shift+Home"):  # the first Home stops at the indentation
            self.page.keyboard.press(key)
        self.page.keyboard.type(new)
        expect(self.editor(number).locator(".cm-line", has_text=new.splitlines()[-1])).to_have_count(1)

    def unfold_all(self) -> list[tuple[float, float]]:
        """Click on the heading of every folded text; gives the heights in pixels, folded and unfolded, of each."""
        folded = self.panel.locator(".jp-RenderedMarkdown details")
        heights = "all => all.map(details => details.getBoundingClientRect().height)"
        before = folded.evaluate_all(heights)
        for heading in folded.locator("summary").all():
            heading.click()
        return list(zip(before, folded.evaluate_all(heights), strict=True))

    def follow(self, target: str) -> None:
        """Click on a link of the text, see that Lab opens what it leads to, and come back to this notebook's tab."""
        path, link = self.link(target)
        link.first.click()
        self.page.wait_for_url(f"**/tree/{path}")
        shown = self.page.locator("#jp-main-dock-panel .jp-Document:not(.lm-mod-hidden)")
        expect(shown.locator(".jp-Cell, .cm-line, .jp-RenderedMarkdown").first).to_be_visible()
        self.page.locator(f'#jp-main-dock-panel .lm-TabBar-tab[title*="Path: {self.name}"]').click()
        self.page.wait_for_url(f"**/tree/{self.name}")

    # --- what is seen

    def link(self, target: str) -> tuple[str, Locator]:
        """Where a relative link of the text leads, below the server's root, and those links that lead there in Lab."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), target))
        return path, self.panel.locator(f'.jp-RenderedMarkdown a[href*="/files/{path}?"]')

    def editor(self, number: int) -> Locator:
        return self.cells.nth(number).locator(".cm-content")

    def printed(self, number: int) -> str:
        """The text that a cell shows below its code."""
        return "\n".join(self.cells.nth(number).locator(".jp-OutputArea-output pre").all_inner_texts()).rstrip()

    def outputs(self) -> dict[int, dict]:
        """For each code cell by its number: its "prompt", the "text" below it and the variance of its "figures"."""
        code = self.panel.locator(".jp-Notebook .jp-CodeCell").evaluate_all(OUTPUTS)
        return dict(zip(self.numbers("code"), code, strict=True))

    def texts(self) -> dict[int, tuple[int, str]]:
        """For each text cell by its number: how many formulas are drawn in it, and its words without them and code."""
        shown = self.panel.locator(".jp-MarkdownCell .jp-RenderedMarkdown").evaluate_all(TEXTS)
        return dict(zip(self.numbers("markdown"), shown, strict=True))

    def complaints(self) -> list[str]:
        """What the page shows of errors and warnings."""
        kinds = ", ".join(f'.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.{kind}"]'
                          for kind in ("error", "stderr"))
        return self.panel.locator(kinds).all_inner_texts() + self.panel.locator("[data-mjx-error]").all_inner_texts()

    def bars(self) -> list[str]:
        """Every state of a progress bar that could be seen since `run_all` was called."""
        return self.page.evaluate("() => [...window.barsSeen]")
