"""A library that is not installed, or was swapped for another one of the same name: what to install."""

import types

# What the light installation leaves out.
TRAINING_LIBRARIES = frozenset(
    (
        *("torch", "torchvision", "lightning", "segmentation_models_pytorch", "albumentations", "torchmetrics", "timm"),
        *("safetensors", "tensorboard", "matplotlib", "jinja2", "onnx", "onnxscript"),
    )
)
NEEDED_LIBRARIES = {
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "PIL": "pillow",
    "tifffile": "tifffile",
    "pydantic": "pydantic",
    "yaml": "pyyaml",
    "rich": "rich",
    "fsspec": "'imexseg[remote]'",
    "s3fs": "'imexseg[remote]'",
    "gcsfs": "'imexseg[gcs]'",
    "ray": "'imexseg[distributed]'",
    "paho": "'imexseg[mqtt]'",
    "ncnn": "'imexseg[ncnn]'",
    "ai_edge_litert": "'imexseg[litert]'",
}
# All of them install the module cv2: the last one wins, and taking one away takes files of the others.
OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")


def explain_import(error: ImportError | AttributeError) -> str | None:
    """What is missing and how to get it; None if the error is about nothing that is installed."""
    if isinstance(error, AttributeError):  # of a module that lost its files
        name = error.obj.__name__ if isinstance(error.obj, types.ModuleType) else ""
    else:
        name = (error.name or "").split(".")[0]
    if name.split(".")[0] == "cv2" or (isinstance(error, ImportError) and "libGL" in str(error)):
        return f"OpenCV cannot be used ({error}); {opencv_remedy()}"
    if isinstance(error, AttributeError):
        return None
    package = NEEDED_LIBRARIES.get(name, "'imexseg[train]'" if name in TRAINING_LIBRARIES else None)
    if package is None:
        return None
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed; pip install {package}"
    return f"{name} is installed but cannot be loaded ({error}); pip install --force-reinstall {package}"


def installed_opencv() -> dict[str, str]:
    """Package → version of those that bring cv2."""
    import importlib.metadata  # a tenth of a second, for those alone who need it

    found = {}
    for package in OPENCV:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def opencv_remedy() -> str:
    others = list(installed_opencv())
    first = f"pip uninstall -y {' '.join(others)}, then " if others else ""
    return f"{first}pip install {OPENCV[0]}"
