"""Five real data sets: what their classes are called, which are merged, and copies of them at a small size.

FOLDER holds a folder for each set, with images/{train,val,test} and masks/{train,val,test} in it, masks of class numbers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import yaml

from imexseg.files import folder_appearing_whole
from imexseg.numerics.scaling import seen_size

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


SPLITS = ("train", "val", "test")


def data_yaml(name: str) -> str:
    """What stands beside images/ and masks/. The 59 labels of ccp are merged into ten."""
    description: dict[str, Any] = {"names": NAMES[name]}
    if name == "ccp":
        description["classes"] = {merged: labels.split() for merged, labels in CCP_TEN.items()}
        description["licence"] = "Apache-2.0; trained on Clothing Co-Parsing (Yang, Luo, Lin 2014), Apache-2.0"
    return yaml.safe_dump(description, sort_keys=False)


def as_it_is(name: str, source: Path, folder: Path) -> Path:
    """Links to the images and masks of source/name, with a data.yaml beside them. Returns: folder."""
    if not (folder / "data.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for half in ("images", "masks"):
            if not (folder / half).exists():
                (folder / half).symlink_to((source / name / half).resolve(), target_is_directory=True)
        (folder / "data.yaml").write_text(data_yaml(name))
    return folder


def copied(
    source: Path,
    target: Path,
    size_of: Callable[[int, int], tuple[int, int]],
    splits: Sequence[str] = SPLITS,
    grey: bool = False,
) -> None:
    """Images averaged, masks by the nearest pixel. Args: size_of: (height, width) ↦ those of the copy.  grey: read as grey."""
    for path in sorted(path for split in splits for path in source.glob(f"*/{split}/*.*")):
        is_mask = path.parts[-3] == "masks"
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey or is_mask else cv2.IMREAD_COLOR)
        height, width = size_of(*pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)
        copy = target / path.relative_to(source).with_suffix(".png")
        copy.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(copy), pixels)


def small_copy(name: str, source: Path, target: Path, long_side: int, splits: Sequence[str] = ("train", "val")) -> Path:
    """Of source/name, once, the longer side `long_side` pixels. Returns: target."""
    if not target.exists():
        with folder_appearing_whole(target) as building:
            copied(source / name, building, lambda *sides: seen_size(*sides, long_side), splits, grey=name == "tiles")
            (building / "data.yaml").write_text(data_yaml(name))
    return target
