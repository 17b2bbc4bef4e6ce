"""Every setting of a run, from the command line or a YAML file; the copy in the run folder reproduces the run."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from imexseg.data.load.augmentation_file import read_steps
from imexseg.data.load.augmentation_names import AUGMENTATIONS
from imexseg.data_gen import PRESETS
from imexseg.errors import UsageError
from imexseg.models.build import config_kind, full_name, model_config
from imexseg.models.catalogue import DEFAULT_MODEL
from imexseg.models.recipes import QTIPS, recipe_of
from imexseg.settings import explain_validation, explained, one_of, read_yaml_mapping
from imexseg.training.distil_settings import DistillationConfig, contradiction
from imexseg.training.losses import parse_loss
from imexseg.units import n_bytes, seconds

PositiveInt = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class QTipsConfig(BaseModel):
    """What to generate when a run is given no data."""

    model_config = ConfigDict(extra="forbid")

    preset: str = "authors"
    size: Annotated[int, Field(ge=32, le=1024)] | None = None
    train: PositiveInt = 1024
    val: PositiveInt = 64
    test: PositiveInt = 64
    seed: Seed = 0

    @field_validator("preset")
    @classmethod
    def _known(cls, preset: str) -> str:
        return one_of("preset", preset, PRESETS)


class RunConfig(BaseModel):
    """All settings of `imexseg train`. Raises: pydantic.ValidationError naming the setting.

    With data, the settings of a recipe that are left out are those of the network (models/recipes.py).
    """

    model_config = ConfigDict(extra="forbid")

    data: Path | None = None  # None: generate Q-tips into the run folder
    qtips: QTipsConfig = QTipsConfig()
    model: str = DEFAULT_MODEL
    network: dict[str, Any] = {}  # settings of NetworkConfig that replace those of the model
    epochs: PositiveInt = QTIPS.epochs
    images_per_epoch: PositiveInt | None = None  # drawn in one epoch, however many there are; None: each of them once
    budget: float | None = Field(None, gt=0, allow_inf_nan=False)  # seconds of the clock, see training/pace.py
    fill_budget: bool = False  # epochs are added, too, where the budget allows
    paces: list[tuple[PositiveInt, PositiveInt]] = []  # [after so many epochs, so many in all], to be repeated
    restarts: list[PositiveInt] = []  # after so many epochs the learning rate begins a new cycle (training/cycles.py)
    folds: Annotated[int, Field(ge=2)] | None = (
        None  # training/folds.py: shares of all images, for a score that rests on them
    )
    early_stopping: PositiveInt | None = None  # epochs in a row without a higher val mIoU, then stop; None: never
    batch_size: PositiveInt = QTIPS.batch_size  # over all devices of all nodes together
    accumulate: PositiveInt = 1  # batches whose gradients are added up for one step of the optimiser
    init_weights: str | None = None  # a file, a run folder or a shipped name: training/transfer.py takes what fits
    learning_rate: float = Field(QTIPS.learning_rate, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(QTIPS.weight_decay, ge=0, allow_inf_nan=False)
    loss: str = "cross-entropy"  # training/losses.py: a name, or a sum such as cross-entropy+0.5*dice
    class_weights: Literal["auto", "none"] = "auto"  # of cross-entropy; the other losses balance by themselves
    # A name, an albumentations YAML, or its content.
    augmentation: str | list[dict[str, dict[str, Any]]] = QTIPS.augmentation
    crop: PositiveInt | tuple[PositiveInt, PositiveInt] | None = None  # pixels, height and width; None: whole images
    long_side: Annotated[int, Field(ge=32, le=4096)] | None = (
        None  # pixels: scale every image, here and when predicting
    )
    seed: Seed = 0
    devices: PositiveInt = 1  # of each node
    num_nodes: PositiveInt = 1  # machines
    precision: Literal["32", "16-mixed", "bf16-mixed"] = "32"
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    num_workers: Annotated[int, Field(ge=0)] | Literal["auto"] = (
        "auto"  # processes that prepare images: training/workers.py
    )
    cache_memory: str = "1GiB"  # decoded images are kept in so much memory of each process that trains
    cpu_threads: PositiveInt | None = None  # of torch in each process; None: one a core
    store_states: bool = False  # reversible networks: ordinary autograd, faster, memory grows with the number of steps
    time_smoothness: float = Field(0.0, ge=0, allow_inf_nan=False)  # weight of training/smoothness.py
    levels: Annotated[int, Field(ge=1, le=6)] = 1  # training/multilevel.py: how many image sizes, each half of the next
    level_epochs: PositiveInt | None = None  # on each of the coarser ones; None: as many as on the finest
    level_steps: bool = False  # each coarser one has half the time steps too
    teacher: list[str] = []  # weights files, run folders, shipped names or .onnx with probabilities: training/distil.py
    unlabelled: Path | None = None  # a folder of images without masks, of which the teacher says what is in them
    distillation: DistillationConfig = DistillationConfig()
    accept_licence: bool = False  # of encoders that ask for it
    output: Path | None = None  # None: a fresh runs/<model>-<date>
    plan: dict[str, Any] | None = None  # what was planned, and why, for whoever reads it; it changes nothing

    @field_validator("precision", mode="before")
    @classmethod
    def _as_text(cls, precision: Any) -> Any:
        return str(precision) if isinstance(precision, int) else precision  # YAML reads 32 as a number

    @field_validator("budget", mode="before")
    @classmethod
    def _in_seconds(cls, budget: Any) -> Any:
        return seconds(budget) if isinstance(budget, str) else budget

    @field_validator("cache_memory")
    @classmethod
    def _size_of_memory(cls, cache_memory: str) -> str:
        n_bytes(cache_memory)
        return cache_memory

    @property
    def cache_bytes(self) -> int:
        return n_bytes(self.cache_memory)

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        """Under its full name. Networks are asked for theirs below, together with their settings."""
        return full_name(model)

    @field_validator("loss")
    @classmethod
    def _known_loss(cls, loss: str) -> str:
        parse_loss(loss)
        return loss

    @field_validator("augmentation")
    @classmethod
    def _known_augmentation(cls, augmentation: str | list) -> str | list:
        """A file is replaced by its content, so that config.yaml repeats the run by itself."""
        if isinstance(augmentation, str) and augmentation.endswith((".yaml", ".yml")):
            return read_steps(Path(augmentation))
        if isinstance(augmentation, list):
            from imexseg.data.load.augmentation import check_steps

            check_steps(augmentation)
            return augmentation
        return one_of("augmentation", augmentation, AUGMENTATIONS)

    @property
    def crop_size(self) -> tuple[int, int] | None:
        """(height, width) in pixels of the pieces that are trained on."""
        return (self.crop, self.crop) if isinstance(self.crop, int) else self.crop

    @property
    def n_processes(self) -> int:
        return self.devices * self.num_nodes

    @property
    def from_recipe(self) -> dict[str, Any]:
        """The settings that neither a flag nor a file set, with the values of the recipe that fills them in."""
        recipe = QTIPS if self.data is None else recipe_of(self.model, self.network)
        return {name: value for name, value in asdict(recipe).items() if name not in self.model_fields_set}

    @model_validator(mode="after")
    def _of_the_recipe(self) -> "RunConfig":
        self.__dict__.update(self.from_recipe)  # not by assignment: model_fields_set goes on saying what was set
        return self

    @model_validator(mode="after")
    def _settings_that_go_together(self) -> "RunConfig":
        n = self.n_processes
        if self.batch_size % n:
            raise _together(
                f"batch size {self.batch_size} cannot be shared by {n} devices; use a multiple of {n}",
                *("batch_size", "devices", "num_nodes"),
            )
        if self.restarts != sorted({*self.restarts} - {self.epochs}) or max([0, *self.restarts]) > self.epochs:
            raise _together(
                f"restarts {self.restarts} should be rising numbers of epochs below {self.epochs}", "restarts", "epochs"
            )
        if self.init_weights is not None and self.levels > 1:
            raise _together(
                f"init_weights cannot be combined with levels {self.levels}: trained weights are those of the finest level; "
                "use levels 1",
                *("init_weights", "levels"),
            )
        if self.budget is not None and (self.levels > 1 or self.restarts):
            raise _together(
                f"budget {self.budget:g} s cannot be combined with levels or restarts, whose cycles are not fitted to it; "
                "give epochs instead",
                *("budget", "levels", "restarts"),
            )
        if self.folds is not None and (self.data is None or self.n_processes > 1):
            why = "need a data set; give DATA" if self.data is None else "are trained on one device of one machine"
            raise _together(f"folds {self.folds}: {why}", "folds", "devices", "num_nodes")
        if (wrong := contradiction(self)) is not None:
            raise _together(wrong[0], *wrong[1])
        of_the_data = sorted(self.network.keys() & {"in_channels", "num_classes", "mean", "std"})
        if of_the_data:
            raise _together(f"network: {', '.join(of_the_data)} is determined by the data; remove it", "network")
        if "long_side" in self.network:
            raise _together("network: long_side is a setting of the whole run; write it outside `network`", "network")
        try:
            config = model_config(self.model, **self.network)
        except ValidationError as error:
            said = explain_validation(error, config_kind(self.model))
            raise _together(f"network: {said} (model {self.model})", "network", "model") from None
        except UsageError as error:
            raise _together(str(error), "model") from None
        licence = config.licence_to_accept
        if licence and not self.accept_licence:
            raise _together(f"model {self.model}: {licence}; --accept-licence says that you accept it", "model")
        return self


def _together(said: str, *settings: str) -> PydanticCustomError:
    """What is wrong with several settings at once, and which ones they are."""
    return PydanticCustomError("settings", "{said}", {"said": said, "settings": settings})


def resolve(config_file: Path | None, flags: dict[str, Any]) -> RunConfig:
    """The settings of a run: defaults, then the file, then the flags that were given; judged when they are complete.

    Raises: UsageError naming where each value came from, file or flag, and the remedy.
    """
    in_file = read_yaml_mapping(config_file) if config_file is not None else {}
    given = {name: value for name, value in flags.items() if value is not None}
    if isinstance(given.get("network"), dict) and isinstance(in_file.get("network"), dict):
        given["network"] = in_file["network"] | given["network"]  # flags win, setting by setting
    try:
        return RunConfig.model_validate(in_file | given)
    except ValidationError as error:
        said: dict[str, list[str]] = {}
        for names, text in explained(error, RunConfig):
            sources = [flag(name) for name in names if name in given]
            if config_file is not None and (
                not sources or any(name in in_file and name not in given for name in names)
            ):
                sources = [str(config_file), *sources]
            said.setdefault(" with ".join(sources) or "train", []).append(text)
        raise UsageError("; ".join(f"{source}: {'; '.join(texts)}" for source, texts in said.items())) from None


def flag(name: str) -> str:
    """How a setting is written on the command line."""
    return "DATA" if name == "data" else f"--{name.replace('_', '-')}"


def dump(config: RunConfig) -> str:
    """The settings as YAML that resolve() reads back to the same."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
