"""Every decision in words, with its reason in one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imexseg.models.recipes import recipe_of
from imexseg.plan import rules, schedule
from imexseg.plan.choose import Choice
from imexseg.plan.plan import Decision, Limits
from imexseg.plan.seen import Seen
from imexseg.training.config import RunConfig
from imexseg.units import in_bytes, in_time

SET = "you set it"
SHOWN = 60  # characters of an augmentation


@dataclass(frozen=True)
class Reasons:
    """What planner.make_plan has settled. given: settings that were not for it to decide."""

    seen: Seen
    choice: Choice
    config: RunConfig
    run: schedule.Schedule | None
    given: dict[str, Any]
    limits: Limits
    why_not_pretrained: str
    why_scale: str
    augmentation: Any
    threads: int | None
    folds: int | None  # that were decided

    def all(self) -> list[Decision]:
        return list(self._lines())

    def _lines(self) -> Iterator[Decision]:
        yield self._line("network", self._network(), self._why_network(), "model")
        yield Decision("pretrained", *self._pretrained())
        yield self._line("input", self.choice.scale.words, self._why_scale(), "long_side", "crop")
        yield Decision("stride", *self._stride())
        yield from self._of_the_recipe()
        yield self._line("augmentation", *self._augmentation(), "augmentation")
        yield self._line("loss", self.config.loss, "every pixel counts, and the score follows it closely", "loss")
        yield self._line("class weights", *self._class_weights(), "class_weights")
        yield Decision("rare classes", *self._rare())
        if self.run is not None:
            yield self._line("epochs", *self._epochs(self.run), "epochs")
        if self.folds is not None or self.given.get("folds"):
            yield self._line("folds", str(self.folds or self.given["folds"]), self._why_folds(), "folds")
        yield self._line(
            "precision", self.config.precision, "the solves and the loss are in 32 bits anyway", "precision"
        )
        yield self._line("workers", *self._workers(), "num_workers")
        if self.threads is not None:
            yield self._line(
                "threads", str(self.threads), "the fastest on this machine, as busy as it is now", "cpu_threads"
            )
        if self.limits.of_the_device and self.choice.weighed is not None:
            yield Decision("export", f"--precision {self.choice.precision}", self._why_precision())

    def _line(self, what: str, value: str, why: str, *settings: str) -> Decision:
        return Decision(what, value, SET if any(name in self.given for name in settings) else why)

    def _network(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.config.network.items())
        return f"{self.config.model} with {settings}" if settings else self.config.model

    def _why_network(self) -> str:
        why = self.choice.candidate.why
        by = self.choice.by
        if by.startswith("--") and self.choice.weighed is not None:
            w = self.choice.weighed
            return f"the first of the order that keeps {self.limits.in_words()} ({in_bytes(w.bytes)}, {w.ms:.1f} ms); {why}"
        return why

    def _pretrained(self) -> tuple[str, str]:
        if self.choice.candidate.pretrained and self.config.network.get("pretrained", True):
            return "yes", "weights of ImageNet, from a package that is installed"
        if self.why_not_pretrained:
            return "no", self.why_not_pretrained
        if self.given.get("model"):
            return "no", "this network begins with random weights"
        return "no", "the network that begins with ImageNet does not fit these images, this time or this device"

    def _why_scale(self) -> str:
        scale, own = self.choice.scale, self.seen.long_side
        if scale.crop is not None:
            return f"{self.why_scale}: whole images at that scale would take too long, and pieces show as much detail"
        if scale.long_side is None:
            return f"all are of one scale, and {own} px are few enough"
        if scale.seen_side < own and self.choice.by == "--max-ms":
            return f"the largest that keeps {self.limits.in_words()}; {self.why_scale}"
        if scale.seen_side < own:
            return f"the largest that leaves {self.choice.candidate.passes} passes over the images in the time; {self.why_scale}"
        return f"images of different sizes are seen at one scale; {self.why_scale}"

    def _stride(self) -> tuple[str, str]:
        from imexseg.models.build import build_network, model_config

        network = build_network(model_config(self.config.model, **self.config.network))
        strides = sorted({placed.stride for placed in network.flows()}) or [network.total_stride]
        return ", ".join(map(str, strides)), "pixels between the points of its grids; part of the network"

    def _of_the_recipe(self) -> Iterator[Decision]:
        recipe = vars(recipe_of(self.config.model, self.config.network))
        of_network = f"recipe of {self.config.model}: docs/recipes.md"
        for name in recipe:
            if name in ("epochs", "augmentation"):
                continue
            value = getattr(self.config, name)
            if not value and name not in self.given:  # a knob that is off
                continue
            why = of_network
            if name == "batch_size" and value != recipe[name]:
                fewer = "as many images as there are" if value == self.seen.n_train else "all that fits into memory"
                why = fewer
            yield self._line(
                name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value), why, name
            )

    def _augmentation(self) -> tuple[str, str]:
        objects = self.seen.objects
        halves = f"upper and lower halves differ in {objects.up_and_down:.0%} of their pixels, left and right ones in "
        halves += f"{objects.left_and_right:.0%}"
        if isinstance(self.augmentation, list):
            names = ", ".join(name for step in self.augmentation for name in step)
            turned = f"no up and down ({halves}): turned upside down too"
            few = f"fewer than {rules.FEW_PASSES} passes over the images: no more than mirrored"
            whys = [few] * (self.augmentation in (rules.MIRRORED, rules.MIRRORED_BOTH_WAYS))
            return names[:SHOWN], "; ".join([*whys, *([turned] if self.augmentation != rules.MIRRORED else [])])
        why = f"an up and a down ({halves}): mirrored, not turned" if self.augmentation in ("light", "strong") else ""
        if self.augmentation == "symmetries":
            why = f"no up and down ({halves}): mirrored and turned"
        return str(self.augmentation), why or f"recipe of {self.config.model}"

    def _class_weights(self) -> tuple[str, str]:
        pixels = self.seen.data.train.class_pixels
        present = pixels[pixels > 0]
        ratio = present.max() / present.min()
        what = "1/√frequency" if self.config.class_weights == "auto" else "none"
        return what, f"the most frequent class has {ratio:,.0f} times as many pixels as the rarest".replace(",", " ")

    def _rare(self) -> tuple[str, str]:
        if self.choice.scale.crop is None:
            return "not sought out", "whole images are seen, with all that is in them"
        return (
            "half of the pieces lie round a pixel of a class drawn by 1/√pixels",
            "pieces drawn blindly would miss them",
        )

    def _epochs(self, run: schedule.Schedule) -> tuple[str, str]:
        n = self.seen.n_train
        of_images = f" of {run.images} images" if run.images != n else ""
        budget = in_time(self.limits.budget or rules.SECONDS)
        epochs = f"{run.epochs}{of_images}"
        if not run.full:
            enough = (
                "enough without a --budget" if self.limits.budget is None else "what more are worth was not measured"
            )
            return epochs, f"{run.passes(n):.0f} passes over the images: {enough}"
        source = "" if self.limits.budget else ", the most without a --budget"
        return epochs, f"{run.passes(n):.1f} passes over the images fit into {budget}{source}"

    def _why_folds(self) -> str:
        return f"{self.seen.n_val} validation images say little, and there is time that training has no use for"

    def _workers(self) -> tuple[str, str]:
        said = "chosen when the run begins: processes for it pay where there are four cores or more"
        if self.choice.speed is None:
            return str(self.config.num_workers), said
        share = self.choice.speed.augment / max(self.choice.speed.image, 1e-9)
        return str(self.config.num_workers), f"loading and augmenting take {share:.0%} of the time of a step; {said}"

    def _why_precision(self) -> str:
        if self.choice.precision == "fp16":
            return "half as many bytes: in 32 bits the file would be too large"
        return "the file fits as it is"
