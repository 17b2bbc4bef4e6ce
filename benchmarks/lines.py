"""Lines of Python in imexseg/, folder by folder, and the files that are longer than they should be.

python -m benchmarks.lines
"""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONG = 200


def main() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in sorted((ROOT / "imexseg").rglob("*.py"))}
    folders: Counter[str] = Counter()
    for path, count in lines.items():
        inner = path.relative_to(ROOT / "imexseg").parts
        folders[inner[0] if len(inner) > 1 else "(top)"] += count
    for folder, count in sorted(folders.items()):
        print(f"{folder:12} {count:6}")
    print(f"{'in all':12} {sum(lines.values()):6}  in {len(lines)} files")
    for path, count in sorted(lines.items(), key=lambda item: -item[1]):
        if count > LONG:
            print(f"longer than {LONG}: {path.relative_to(ROOT)}, {count}")


if __name__ == "__main__":
    main()
