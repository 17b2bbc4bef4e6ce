"""Every network has a recipe, and a run takes of it what nobody set."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from imexseg.models.catalogue import NETWORKS
from imexseg.models.lite0 import LITE0
from imexseg.models.recipes import OF_FORM, QTIPS, recipe_of
from imexseg.models.registry import FORMS, short_forms
from imexseg.training.config import RunConfig, dump, resolve


def test_every_form_has_a_recipe_and_every_short_form_finds_it():
    assert OF_FORM.keys() == FORMS.keys()
    for form, recipe in OF_FORM.items():
        assert recipe_of(f"imex-residual-lean-{form}".rstrip("-")) is recipe
        assert recipe_of(f"imex_residual_lean_{form}".rstrip("_")) is recipe
    assert {recipe_of(name) for name in short_forms()} == set(OF_FORM.values())


def test_a_pretrained_encoder_begins_with_a_lower_rate():
    for name in [*LITE0, "smp:Unet:tu-tf_efficientnet_lite0"]:
        pretrained, scratch = (recipe_of(name, {"pretrained": begins}) for begins in (True, False))
        assert pretrained.learning_rate < scratch.learning_rate
    assert recipe_of("imex-lite0") == recipe_of("imex-lite0", {"pretrained": True})
    assert recipe_of("smp:Unet:resnet18") == recipe_of("smp:Unet:resnet18", {"pretrained": False})


def test_recipes_are_of_settings_that_a_run_has():
    for name in [*NETWORKS, "smp:Unet:resnet18"]:
        RunConfig.model_validate(vars(recipe_of(name)))


@pytest.mark.parametrize("model", ["imex-residual-lean-photo-s", "imex-lite0"])
def test_without_data_the_recipe_is_that_of_q_tips(model: str):
    assert (QTIPS.learning_rate, QTIPS.weight_decay, QTIPS.batch_size) == (
        2e-2,
        1e-2,
        8,
    )  # what their weights were made with
    assert (QTIPS.augmentation, QTIPS.epochs) == ("symmetries", 12)
    config = RunConfig(model=model)
    assert {name: getattr(config, name) for name in vars(QTIPS)} == vars(QTIPS)


def test_what_is_set_wins_and_config_yaml_holds_all_of_it(tmp_path: Path):
    (tmp_path / "set.yaml").write_text("weight_decay: 0.5\nmodel: imex-residual-lean-photo-s\n")
    config = resolve(tmp_path / "set.yaml", {"data": tmp_path, "epochs": 3, "batch_size": None})
    recipe = recipe_of(config.model)
    assert (config.weight_decay, config.epochs) == (0.5, 3)
    assert (config.learning_rate, config.batch_size) == (recipe.learning_rate, recipe.batch_size)
    assert config.from_recipe.keys() == vars(recipe).keys() - {"weight_decay", "epochs"}

    (tmp_path / "config.yaml").write_text(dump(config))
    again = resolve(tmp_path / "config.yaml", {})
    assert again == config
    assert again.from_recipe == {}
    assert yaml.safe_load(dump(config))["learning_rate"] == recipe.learning_rate


def test_recipes_are_found_without_torch():
    code = "import sys, imexseg.models.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_says_in_one_line_what_it_took(tmp_path: Path, qtips_folder: Path, imexseg_cli):
    model, run = "imex-residual-lean-photo-s", tmp_path / "run"
    done = imexseg_cli("train", qtips_folder, "--model", model, "--epochs", 1, "--batch-size", 4, "--output", run)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("recipe of")]
    recipe = recipe_of(model)
    assert f"{model}: learning rate {recipe.learning_rate:g}, " in line
    assert "epochs" not in line
    stored = yaml.safe_load((run / "config.yaml").read_text())
    assert {name: stored[name] for name in vars(recipe)} == vars(recipe) | {"epochs": 1, "batch_size": 4}
