"""onnxruntime-web on WebGPU in the system's Chromium (Debian: `apt install chromium`). Not what the page runs (apps/web).

Where Chromium finds no GPU, it emulates one: that shows whether a network runs and is right, but not how fast. Memory is that of
many processes, and not measured.
"""

import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
from common import SECONDS, Answers, only, serve

PAGE = "<!doctype html><title>webgpu</title><script type=module src=webgpu_.mjs></script>"


def convert(path: Path, output: Path) -> None:
    shutil.copy(path, output / "network.onnx")


def answers(folder: Path, given: np.ndarray) -> Answers:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Error: no program called chromium")
    given.tofile(folder / "given.f32")
    (folder / "index.html").write_text(PAGE)
    shutil.copy(Path(__file__).with_suffix(".mjs"), folder)
    runtime = folder / "dist"
    if not runtime.exists():
        runtime.symlink_to(Path(sys.prefix) / "node_modules" / "onnxruntime-web" / "dist")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--enable-unsafe-webgpu"]
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_function("() => Boolean(window.answers)")
            script = "([seconds, shape]) => window.answers(seconds, shape)"
            found = page.evaluate(script, [SECONDS, list(given.shape)])
            browser.close()
        server.shutdown()
    return Answers(np.array(found["logits"], np.float32), found["ms"], None, [only(folder, "*.onnx")])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


serve(convert, answers)
