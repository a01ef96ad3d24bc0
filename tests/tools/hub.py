"""A JupyterHub on loopback, and students who use it as their browsers would: log in, start a server, run notebooks.

Nothing here knows the course. Everybody may log in (dummy authenticator), and all servers run as the Unix user who
starts this (simple spawner).
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from helpers import ROOT
from tests.tools.waiting import SECONDS, wait

import nbformat
import requests
from nbformat import NotebookNode
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

PROXY = "configurable-http-proxy"
PROXY_HERE = ROOT / "build/hub/node_modules/.bin" / PROXY  # where `make hub` installs it


def proxy() -> str | None:
    """The program configurable-http-proxy; None where it is not installed."""
    return str(PROXY_HERE) if PROXY_HERE.exists() else shutil.which(PROXY)


def free_ports(count: int) -> list[int]:
    """Ports on loopback on which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def hub(config: Path, scratch: Path, **environment: str) -> Iterator[str]:
    """A JupyterHub with these settings, and what a test needs besides; gives its address.

    The students' homes are made in scratch/home, and what the hub writes lies in `scratch`.
    """
    public, inner, api = free_ports(3)
    options = {
        "JupyterHub.bind_url": f"http://127.0.0.1:{public}",
        "JupyterHub.hub_port": inner,
        "JupyterHub.log_level": "WARN",
        "JupyterHub.authenticator_class": "dummy",
        "JupyterHub.spawner_class": "simple",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{api}",
        "ConfigurableHTTPProxy.command": proxy(),
        "SimpleLocalProcessSpawner.home_dir_template": scratch / "home/{username}",
        "Spawner.start_timeout": SECONDS,
        "Spawner.http_timeout": SECONDS,
        "SimpleLocalProcessSpawner.args": "--allow-root",  # where it is root that runs the tests
    }
    command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    command += [f"--{name}={value}" for name, value in options.items()]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": programs, **environment}
    log, address = scratch / "jupyterhub.log", f"http://127.0.0.1:{public}"

    def listens() -> bool:
        if server.poll() is not None:
            raise RuntimeError("JupyterHub has ended")
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f"{address}/hub/api", timeout=10).ok
        return False

    with log.open("w") as out, subprocess.Popen(command, cwd=scratch, env=env, stdout=out, stderr=out) as server:
        try:
            wait(listens, "JupyterHub answers", SECONDS)
            yield address
        except (OSError, RuntimeError) as error:  # those of requests too
            said = log.read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"{error}\n{said[-4000:]}") from error
        finally:
            server.terminate()  # it ends its students' servers and the proxy


class Student:
    """Somebody who has logged in, with a server of his own running."""

    def __init__(self, address: str, name: str) -> None:
        self.name, self.path = name, f"{address}/user/{quote(name)}"
        self.session = requests.Session()
        page = self.session.get(f"{address}/hub/login", timeout=SECONDS)
        form = {"username": name, "password": "any", "_xsrf": re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]}
        self.session.post(f"{address}/hub/login", form, timeout=SECONDS).raise_for_status()
        self.xsrf = {"X-XSRFToken": self.cookie("/hub/")}
        api = f"{address}/hub/api/users/{quote(name)}"
        given = self.session.post(f"{api}/tokens", headers=self.xsrf, timeout=SECONDS)
        given.raise_for_status()
        self.session = requests.Session()
        self.token = {"Authorization": f"token {given.json()['token']}"}
        self.session.headers.update(self.token)
        self.session.post(f"{api}/server", timeout=SECONDS).raise_for_status()
        wait(lambda: self.servers(api).get("", {}).get("ready"), "a server runs", SECONDS)

    def servers(self, api: str) -> dict:
        return self.session.get(api, timeout=SECONDS).json()["servers"]

    def cookie(self, path: str) -> str:
        return next(cookie.value for cookie in self.session.cookies if (cookie.name, cookie.path) == ("_xsrf", path))

    def ask(self, path: str, method: str = "GET", **arguments: object) -> requests.Response:
        """The answer of the student's server."""
        answer = self.session.request(method, f"{self.path}/{path}", timeout=SECONDS, **arguments)
        answer.raise_for_status()
        return answer

    def assignments(self, course: str, action: str = "", assignment: str = "") -> list[dict]:
        """What JupyterLab's menu Nbgrader > Assignment List does: "fetch" or "submit" one, and list all."""
        path, asked = "assignments" + f"/{action}" * bool(action), {"course_id": course, "assignment_id": assignment}
        told = self.ask(path, "POST" if action else "GET", params=asked).json()
        if not told["success"]:
            raise AssertionError(f"{self.name}, {action or 'list'}: {told['value']}")
        return told["value"]

    def read(self, path: str) -> NotebookNode:
        return nbformat.from_dict(self.ask(f"api/contents/{quote(path)}").json()["content"])

    def save(self, notebook: NotebookNode, path: str) -> None:
        self.ask(f"api/contents/{quote(path)}", "PUT", json={"type": "notebook", "content": notebook})

    def run(self, notebook: NotebookNode, path: str, until: str) -> None:
        """Run its cells up to that of the id `until` with a kernel of the server; the outputs are put into it."""
        named = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = self.ask("api/sessions", "POST", json=named).json()["kernel"]["id"]
        last = [cell.id for cell in notebook.cells].index(until)
        cells = [cell for cell in notebook.cells[: last + 1] if cell.cell_type == "code"]
        IOLoop(make_current=False).run_sync(lambda: self._run(cells, kernel), timeout=SECONDS)
        self.ask(f"api/kernels/{kernel}", "DELETE")

    async def _run(self, cells: list[NotebookNode], kernel: str) -> None:
        address = f"{self.path.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        limits = {"connect_timeout": SECONDS, "request_timeout": SECONDS}  # it is answered when the kernel has started
        socket = await websocket_connect(HTTPRequest(address, headers=self.token, **limits))
        for cell in cells:
            header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "", "version": "5.3"}
            content = {"code": cell.source, "silent": False, "stop_on_error": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            await socket.write_message(json.dumps(message))
            cell.outputs, done = [], False
            while not done:
                done = _takes(cell, header["msg_id"], json.loads(await socket.read_message()))
        socket.close()


def _takes(cell: NotebookNode, asked: str, message: dict) -> bool:
    """Put what a kernel's message says into the cell that it is about; whether that cell is done."""
    kind, content = message["msg_type"], message["content"]
    if message["parent_header"].get("msg_id") != asked or message["channel"] != "iopub":
        return False
    if kind == "execute_input":
        cell.execution_count = content["execution_count"]
    if kind in {"stream", "display_data", "execute_result", "error"}:
        cell.outputs.append(nbformat.v4.output_from_msg(nbformat.from_dict(message)))
    return kind == "status" and content["execution_state"] == "idle"
