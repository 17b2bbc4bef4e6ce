"""The server of `make web`."""

import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from page_tools import WEB, served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("a page")
    (tmp_path / "run.wasm").write_bytes(b"\0asm")
    (tmp_path / "code.mjs").write_text("export {};")
    return tmp_path


def test_files_have_the_types_and_headers_that_browsers_ask_for(folder: Path):
    types = {"": "text/html", "run.wasm": "application/wasm", "code.mjs": "text/javascript"}
    with served(folder) as url:
        for name, kind in types.items():
            with urlopen(url + name) as answer:
                assert answer.headers.get_content_type() == kind
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize("path", ["../secret", "%2e%2e/secret", "none.js"])
def test_only_what_is_in_the_folder_is_served(folder: Path, path: str):
    (folder.parent / "secret").write_text("x")
    with served(folder) as url, pytest.raises(HTTPError, match="404"):
        urlopen(url + path)


def serve(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, WEB / "serve.py", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stderr


def test_mistakes_are_explained(folder: Path):
    code, said = serve("--folder", folder / "none")
    assert (code, "make web" in said) == (2, True)
    with served(folder) as url:
        port = url.rstrip("/").rsplit(":", 1)[1]
        code, said = serve("--folder", folder, "--port", port)
    assert (code, f"port {port} cannot be used" in said) == (2, True)
    code, said = serve("--folder", folder, "--port", 99999)
    assert (code, "port 99999" in said) == (2, True)
