"""Milliseconds of the Q-tips network in a browser, beside those of an SMP U-Net with MobileNetV2 at the same size.

    make web-build && python benchmarks/web.py

WebAssembly in Chromium, and onnxruntime on the CPU, each with one thread; both networks in turn, medians: the machine's
speed drifts, the ratios of one run do not.
"""

import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import segmentation_models_pytorch as smp
import torch
from playwright.sync_api import sync_playwright
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.web.serve import BUILT, page_server  # noqa: E402 (apps are not installed)

SIZE = 64
ROUNDS = 60
NETWORKS = ("qtips", "peer")

PAGE = """<!doctype html><title>benchmark</title><link rel="icon" href="data:,"><script type="module">
import * as ort from "./ort/ort.wasm.min.mjs";
ort.env.wasm.wasmPaths = new URL("./ort/", location.href).href;
ort.env.wasm.numThreads = 1;
window.measure = async (names, size, rounds) => {
  const image = new ort.Tensor("uint8", Uint8Array.from({ length: size * size }, (_, i) => i % 251), [1, size, size, 1]);
  const sessions = [];
  for (const name of names) sessions.push(await ort.InferenceSession.create(`./${name}.onnx`));
  const times = names.map(() => []);
  for (let round = -5; round < rounds; round++) {
    for (const [k, session] of sessions.entries()) {
      const start = performance.now();
      await session.run({ image }, ["classes"]);
      if (round >= 0) times[k].push(performance.now() - start);
    }
  }
  return times;
};
</script>"""


class Peer(nn.Module):
    """An SMP U-Net from the same input to the same output. Shapes: (1, H, W, 1) uint8 → (1, H, W) uint8."""

    def __init__(self, num_classes: int = 4):
        super().__init__()
        self.network = smp.Unet("mobilenet_v2", encoder_weights=None, in_channels=1, classes=num_classes)

    def forward(self, image: Tensor) -> Tensor:
        logits = self.network(image.permute(0, 3, 1, 2).float() / 255)
        return logits.argmax(1).to(torch.uint8)


def export_peer(path: Path) -> int:
    """Write the peer with random weights. Returns: its number of parameters."""
    peer = Peer().eval()
    image = torch.zeros(1, SIZE, SIZE, 1, dtype=torch.uint8)
    names = {"input_names": ["image"], "output_names": ["classes"]}
    torch.onnx.export(peer, (image,), path, dynamo=True, external_data=False, verbose=False, **names)
    return sum(parameter.numel() for parameter in peer.parameters())


def native(folder: Path) -> list[float]:
    """Median milliseconds of each network in onnxruntime on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [ort.InferenceSession(str(folder / f"{name}.onnx"), options) for name in NETWORKS]
    image = (np.arange(SIZE * SIZE) % 251).astype(np.uint8).reshape(1, SIZE, SIZE, 1)
    times: list[list[float]] = [[] for _ in NETWORKS]
    for _ in range(ROUNDS):
        for session, taken in zip(sessions, times, strict=True):
            start = time.perf_counter()
            session.run(["classes"], {"image": image})
            taken.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(taken) for taken in times]


def in_browser(folder: Path, chromium: str) -> tuple[str, list[float]]:
    """The browser's version, and median milliseconds of each network in WebAssembly."""
    server = page_server(folder, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://localhost:{server.server_port}/")
        page.wait_for_function("() => window.measure")
        times = page.evaluate("([names, size, rounds]) => measure(names, size, rounds)", [NETWORKS, SIZE, ROUNDS])
        version = browser.version
        browser.close()
    server.shutdown()
    return version, [statistics.median(taken) for taken in times]


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium found; install the package `chromium`", file=sys.stderr)
        return 2
    if not (BUILT / "models/qtips.onnx").is_file():
        print("the page is not built; run `make web-build`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(BUILT / "ort", folder / "ort")
        shutil.copy(BUILT / "models/qtips.onnx", folder / "qtips.onnx")
        (folder / "index.html").write_text(PAGE)
        n_parameters = export_peer(folder / "peer.onnx")
        kilobytes = [(folder / f"{name}.onnx").stat().st_size / 1000 for name in NETWORKS]
        on_cpu = native(folder)
        version, in_wasm = in_browser(folder, chromium)
    print(f"{SIZE}x{SIZE}, one thread, median of {ROUNDS}; peer: U-Net with MobileNetV2, {n_parameters} parameters")
    rows = {
        "file, kB": kilobytes,
        f"onnxruntime {ort.__version__}, ms": on_cpu,
        f"wasm in Chromium {version.split('.')[0]}, ms": in_wasm,
    }
    for what, (ours, peers) in rows.items():
        print(f"  {what:28} Q-tips {ours:8.2f}   peer {peers:9.2f}   ratio {ours / peers:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
