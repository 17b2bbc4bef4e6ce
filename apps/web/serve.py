"""Serve the built page on this computer alone: python apps/web/serve.py [--port 8000] [--folder apps/web/dist].

Any static server does. This one adds the type of .wasm files, and the headers with which browsers allow threads.
"""

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BUILT = Path(__file__).resolve().parent / "dist"


class PageHandler(SimpleHTTPRequestHandler):
    """Files of one folder, with the types and headers that a network in WebAssembly needs."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".wasm": "application/wasm",
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".webmanifest": "application/manifest+json",
    }

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Only what went wrong is worth a line."""
        if len(args) > 1 and str(args[1]) >= "400":
            super().log_message(format, *args)


def page_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the folder on the loopback interface; port 0 takes a free one. Raises: OSError if the port is taken."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(PageHandler, directory=str(folder)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve the built page on this computer alone.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--folder", type=Path, default=BUILT)
    options = parser.parse_args()
    if not (options.folder / "index.html").is_file():
        print(f"{options.folder}: no page there; build it with `make web`", file=sys.stderr)
        return 2
    try:
        server = page_server(options.folder, options.port)
    except (OSError, OverflowError) as error:
        print(f"port {options.port} cannot be used ({error}); choose another with --port", file=sys.stderr)
        return 2
    print(f"the page is at http://localhost:{server.server_port} (Ctrl-C ends)", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
