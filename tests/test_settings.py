"""YAML of strangers, and whose value it was."""

from pathlib import Path

import pytest

from imexseg.errors import UsageError, printable
from imexseg.settings import read_yaml_mapping
from imexseg.training.config import resolve

BOMB = "\n".join(["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)])
REFUSED = {
    "an alias bomb": (BOMB.encode(), "line 1: has an anchor or alias"),
    "a key twice": (b"epochs: 3\nseed: 1\nepochs: 4\n", "line 3: 'epochs' appears twice"),
    "a key twice below": (b"network: {width: 3, width: 4}", "line 1: 'width' appears twice"),
    "too large": (b"# " + b"x" * (1 << 20), "more than the 1048576 allowed for settings"),
    "a long value": (b"a: " + b"1" * 20_000, "a value of 20000 characters"),
    "deep": (b"a: " + b"[" * 100_000, "nested too deeply"),
    "not UTF-8": ("names: [é]".encode("utf-16"), "save it as UTF-8"),
    "a list": (b"- 1", "expected `key: value` lines"),
    "no YAML": (b"a: [", "not valid YAML"),
    "a list for a key": (b"{[1]: 2}", "not valid YAML"),
    "code": (b"a: !!python/object/apply:os.system [ls]", "not valid YAML"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_yaml_that_settings_do_without_is_refused_by_line(name: str, tmp_path: Path):
    content, said = REFUSED[name]
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_yaml_mapping(tmp_path / "c.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/c.yaml: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        ("epochs: -1", {}, "{file}: epochs: "),
        ("epochs: -1", {"epochs": 3}, None),
        ("seed: 1", {"model": "imex-leen"}, "--model: unknown model 'imex-leen'; did you mean 'imex-lean'?"),
        ("batch_size: 3", {"devices": 2}, "{file} with --devices: batch size 3 cannot be shared by 2 devices"),
        ("network: {pretrained: true}", {}, "{file}: network: unknown key 'pretrained'; known: "),
        (
            "network: {pretrained: true}",
            {"model": "imex-dense"},
            "{file} with --model: network: unknown key 'pretrained'",
        ),
        ("network: {pretrained: true}", {"model": "smp:Unet:tu-tf_efficientnet_lite0"}, None),
        ("loss: qqqqq", {}, "unknown loss 'qqqqq'. Known: "),
    ],
)
def test_file_and_flags_are_one_set_of_settings(text: str, flags: dict, said: str | None, tmp_path: Path):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    if said is None:
        resolve(file, flags)
        return
    with pytest.raises(UsageError) as caught:
        resolve(file, flags)
    assert said.format(file=file) in str(caught.value)


def test_text_of_strangers_cannot_steer_a_terminal():
    assert printable("a\x1b[31mb\x07\x9b\u202ec\udcff") == "a\\x1b[31mb\\x07\\x9b\\u202ec\\udcff"
    assert printable("räumlich, 名前\n\tx") == "räumlich, 名前\n\tx"
