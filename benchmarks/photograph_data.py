"""The sets of real images at the sizes of the tables, and the ten classes that Clothing Co-Parsing is merged to."""

from pathlib import Path
from typing import Any

import cv2
import yaml

FOLDER = Path("runs/photographs")
# Height, width of the copies; None: the images as they are.
SIZES: dict[str, tuple[int, int] | None] = {
    "ccp-original": None,
    "vessels-original": None,
    "camvid": (240, 320),
    "camvid-small": (192, 256),
    "ccp-small": (192, 128),
    "ccp-96": (96, 96),  # squeezed, for microcontrollers
    # Of the shoot-out: one size for all images of a set, and its half.
    "facade-128": (96, 128),
    "ccp-144": (144, 96),
    "tiles-128": (128, 128),
    "camvid-128": (96, 128),
    "vessels-192": (160, 192),
    "facade-128-half": (48, 64),
    "ccp-144-half": (72, 48),
    "tiles-128-half": (64, 64),
    "camvid-128-half": (48, 64),
    "vessels-192-half": (80, 96),
}

CAMVID = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]
FACADE = ["building", "car", "door", "pavement", "road", "sky", "vegetation", "window"]
TILES = ["sound", "blowhole", "break", "crack", "fray", "uneven"]
VESSELS = ["background", "artery", "vein"]
CCP = """null accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat dress earrings flats
glasses gloves hair hat heels hoodie intimate jacket jeans jumper leggings loafers necklace panties pants pumps purse ring romper
sandals scarf shirt shoes shorts skin skirt sneakers socks stockings suit sunglasses sweater sweatshirt swimwear t-shirt tie
tights top vest wallet watch wedges""".split()  # noqa: SIM905 (a list of 59 lines is no easier to read)
NAMES = {"camvid": CAMVID, "ccp": CCP, "facade": FACADE, "tiles": TILES, "vessels": VESSELS}
CCP_TEN = {
    "background": "null",
    "skin": "skin",
    "hair": "hair",
    "accessories": "accessories belt bracelet earrings glasses gloves hat necklace ring scarf sunglasses tie watch",
    "bag": "bag purse wallet",
    "outerwear": "blazer cape cardigan coat hoodie jacket suit vest",
    "top": "blouse bodysuit bra intimate jumper shirt sweater sweatshirt swimwear t-shirt top",
    "dress": "dress romper",
    "bottom": "jeans leggings panties pants shorts skirt socks stockings tights",
    "footwear": "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
}


def prepare(name: str, source: Path) -> None:
    """A copy at the size of the table: images averaged, masks by the nearest pixel."""
    folder, size = FOLDER / name, SIZES[name]
    if (folder / "data.yaml").exists():
        return
    kind = name.split("-")[0]
    if size is None:
        folder.mkdir(parents=True)
        for half in ("images", "masks"):
            (folder / half).symlink_to((source / kind / half).resolve(), target_is_directory=True)
    for path in sorted((source / kind).glob("*/*/*.*")) if size else []:
        is_mask = path.parts[-3] == "masks"
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if is_mask else cv2.IMREAD_COLOR)
        pixels = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)
        target = folder / path.relative_to(source / kind).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), pixels)
    description: dict[str, Any] = {"names": NAMES[kind]}
    if kind == "ccp":
        description["classes"] = {name: labels.split() for name, labels in CCP_TEN.items()}
        description["licence"] = "Apache-2.0; trained on Clothing Co-Parsing (Yang, Luo, Lin 2014), Apache-2.0"
    (folder / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
