"""A teacher: what the student learns of it, what is refused, and that the room on disk changes nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tiny_runs import TINY, parameters, train

import imexseg
from imexseg.cli.main import main
from imexseg.errors import JobError, UsageError
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.models.build import build_network, model_config
from imexseg.models.checksum import sealed
from imexseg.plan.trial import try_steps
from imexseg.training import distil
from imexseg.training.config import RunConfig, resolve
from imexseg.training.data_module import SegmentationData
from imexseg.training.distil import DistillationLoss, DistilledTask, affinity, collate_taught, divergence
from imexseg.training.distil_settings import DistillationConfig
from imexseg.training.fit import look_at_data
from imexseg.training.losses import Loss
from imexseg.training.teacher import CACHE, Teacher, check_teacher, find_teacher


@pytest.fixture(scope="module")
def teacher(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher") / "run"
    train(folder, qtips_folder, seed=7)
    return folder


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """Three images of two sizes."""
    folder = tmp_path / "unlabelled"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, size in enumerate(((64, 64), (64, 64), (48, 72))):
        Image.fromarray(random.integers(0, 256, size).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def lessons(data: Path, folder: Path, weights: Path | str, **settings) -> tuple[SegmentationData, Teacher]:
    config = RunConfig.model_validate({"data": data, "teacher": [str(weights)]} | settings)
    found = look_at_data(data)
    taught = find_teacher(config, found.description.names, found.train, folder)
    return SegmentationData(config, found.train, found.val, taught=taught), taught[0]


def test_divergence_is_the_one_of_torch_and_zero_for_equals():
    torch.manual_seed(0)
    logits, answers = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5).log_softmax(1)
    pixels = [x.permute(0, 2, 3, 1).reshape(-1, 4) for x in (logits / 2, answers / 2)]
    expected = 4 * F.kl_div(pixels[0].log_softmax(1), pixels[1].log_softmax(1), log_target=True, reduction="batchmean")
    torch.testing.assert_close(divergence(logits, answers, 2.0), expected)
    torch.testing.assert_close(divergence(answers + 3.0, answers, 2.0), torch.tensor(0.0), atol=1e-6, rtol=0)
    assert affinity(answers, answers) < 1e-12 < affinity(logits, answers)


def test_affinity_against_the_sum_over_pairs():
    torch.manual_seed(0)
    logits, answers = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2).log_softmax(1)
    p, q = (x.softmax(1)[0].flatten(1).T for x in (logits, answers))
    pairs = [
        (F.cosine_similarity(p[i], p[j], dim=0) - F.cosine_similarity(q[i], q[j], dim=0)) ** 2
        for i in range(4)
        for j in range(4)
    ]
    torch.testing.assert_close(affinity(logits, answers), torch.stack(pairs).mean())


def test_pixels_without_an_answer_teach_nothing():
    torch.manual_seed(0)
    logits, answers = torch.randn(1, 4, 4, 4, requires_grad=True), torch.randn(1, 4, 4, 4).log_softmax(1)
    answers[..., 2:, :] = distil.NO_ANSWER
    loss = divergence(logits, answers, 2.0)
    torch.testing.assert_close(loss, divergence(logits[..., :2, :], answers[..., :2, :], 2.0))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[..., 2:, :].abs().max() == 0 < logits.grad[..., :2, :].abs().max()
    answers[:] = distil.NO_ANSWER
    assert divergence(logits, answers, 2.0) == 0


def test_weights_of_masks_and_answers():
    torch.manual_seed(0)
    of_masks = Loss("cross-entropy", torch.ones(4))
    logits, mask = torch.randn(1, 4, 3, 3), torch.randint(0, 4, (1, 3, 3))
    answers = torch.randn(1, 4, 3, 3).log_softmax(1)
    loss = DistillationLoss(of_masks, DistillationConfig(weight=0.25, temperature=3.0, affinity=2.0))
    torch.testing.assert_close(loss(logits, mask), of_masks(logits, mask))  # validation: nobody teaches
    expected = 0.75 * of_masks(logits, mask) + 0.25 * divergence(logits, answers, 3.0) + 2 * affinity(logits, answers)
    with loss.taught_by(answers):
        torch.testing.assert_close(loss(logits, mask), expected)
    torch.testing.assert_close(loss(logits, mask), of_masks(logits, mask))


def test_gradient_reaches_the_student_alone(teacher, qtips_folder, tmp_path):
    data, asked = lessons(qtips_folder, tmp_path, teacher, batch_size=4)
    batch = next(iter(data.train_dataloader()))
    student = build_network(model_config("imex-lean", num_classes=4, **TINY))
    task = DistilledTask(student, ["a", "b", "c", "d"], torch.ones(4), 1e-2, 0.0).follow(DistillationConfig(weight=1.0))
    task.log = lambda *args, **kwargs: None  # type: ignore[method-assign,assignment]
    task.training_step(batch, 0).backward()
    assert set(task.parameters()) == set(student.parameters())
    assert all(p.grad is not None for p in student.parameters())
    assert any(p.grad.abs().max() > 0 for p in student.parameters())
    (predictor,) = asked._predictors
    assert all(p.grad is None for p in predictor.network.parameters())
    assert not batch[2].requires_grad


@pytest.mark.parametrize(
    "settings",
    [
        {"augmentation": "none"},
        {"augmentation": "symmetries"},
        {"augmentation": "symmetries", "crop": 24},
        {"augmentation": "none", "long_side": 48},
        {"augmentation": "none", "crop": (40, 36)},  # larger than the image
    ],
)
def test_answers_lie_where_the_image_lies(teacher, qtips_folder, tmp_path, settings):
    """The answer to a sample is that of the teacher to the whole image, moved as the mask is: where a teacher is the mask itself,
    both are equal at every pixel."""
    data, _ = lessons(qtips_folder, tmp_path, teacher, **settings)

    def knows_the_mask(number, image):
        _, mask = data.train_set.decoded(number)
        return np.where(np.arange(4) == mask[..., None], 0.0, -30.0).astype(np.float32)

    data.taught_set.teacher = knows_the_mask
    for number in range(6):
        image, mask, answer = data.taught_set[3, number]
        assert image.shape[-2:] == mask.shape == answer.shape[-2:]
        known = mask != 255
        assert known.any()
        assert torch.equal(answer.argmax(0)[known], mask[known])


def test_cached_and_fresh_answers_make_equal_students(teacher, qtips_folder, tmp_path):
    trained = {}
    for name, cache in (("kept", 1.0), ("fresh", 0.0), ("some", 100e-6)):
        settings = {"teacher": [str(teacher)], "distillation": {"cache": cache}, "augmentation": "light"}
        train(tmp_path / name, qtips_folder, epochs=2, **settings)
        trained[name] = parameters(tmp_path / name)
        assert not (tmp_path / name / CACHE).exists()  # nothing stays when the run is over
    train(tmp_path / "alone", qtips_folder, epochs=2, augmentation="light")
    for name, tensor in trained["kept"].items():
        assert torch.equal(tensor, trained["fresh"][name])
        assert torch.equal(tensor, trained["some"][name])
    assert any(not torch.equal(t, trained["kept"][n]) for n, t in parameters(tmp_path / "alone").items())


def test_loader_workers_may_ask(teacher, qtips_folder, tmp_path):
    """In processes of their own, with a runtime that must not be shared between processes; the student is the same."""
    exported = tmp_path / "teacher.onnx"
    network = imexseg.load(teacher / "best.safetensors")
    exported.write_bytes(sealed(build(network, ExportOptions((32, 32), probabilities=True)).SerializeToString()))
    for name, workers in (("alone", 0), ("workers", 2)):
        train(tmp_path / name, qtips_folder, teacher=[str(exported)], num_workers=workers)
    alone, workers = parameters(tmp_path / "alone"), parameters(tmp_path / "workers")
    assert all(torch.equal(tensor, workers[name]) for name, tensor in alone.items())


def test_the_cache_keeps_to_its_size_and_notices_changes(teacher, qtips_folder, tmp_path):
    bytes_each = 2 * 4 * 32 * 32
    data, asked = lessons(qtips_folder, tmp_path, teacher, distillation={"cache": 2.5 * bytes_each / 1e9})
    image, _ = data.train_set.decoded(0)
    first = asked(0, image)
    for number in range(5):
        asked(number, data.train_set.decoded(number)[0])
    files = sorted((tmp_path / CACHE).iterdir())
    assert [file.name[:6] for file in files] == ["000000", "000001"]
    np.save(files[0], np.full((32, 32, 4), -1, np.float16))
    assert (asked(0, image) == -1).all()  # read, not asked
    files[0].write_bytes(b"\x93NUMPY damaged")
    assert np.array_equal(asked(0, image), first)
    asked._checksums = ["another teacher"]
    asked(0, image)
    assert len(list((tmp_path / CACHE).iterdir())) == 3


def test_resumed_student_equals_an_uninterrupted_one(teacher, unlabelled, qtips_folder, tmp_path, monkeypatch):
    settings = {"teacher": [str(teacher)], "unlabelled": unlabelled, "epochs": 2, "crop": 24}
    train(tmp_path / "whole", qtips_folder, **settings)
    ask, asked = Teacher._ask, []

    def interrupted(self, number, image):
        asked.append(number)
        if len(asked) == 25:
            raise MemoryError  # what a run survives
        return ask(self, number, image)

    with monkeypatch.context() as patched:
        patched.setattr(Teacher, "_ask", interrupted)
        with pytest.raises(JobError, match="--resume"):
            train(tmp_path / "resumed", qtips_folder, distillation={"cache": 0.0}, **settings)
    assert (tmp_path / "resumed" / "last.ckpt").exists()
    train(tmp_path / "resumed", qtips_folder, resume=True, distillation={"cache": 0.0}, **settings)
    whole, resumed = parameters(tmp_path / "whole"), parameters(tmp_path / "resumed")
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_unlabelled_images_join_and_the_card_says_so(teacher, unlabelled, qtips_folder, tmp_path):
    data, _ = lessons(qtips_folder, tmp_path, teacher, unlabelled=unlabelled)
    n = len(data.train_set.pairs)
    image, mask, answer = data.taught_set[0, n + 2]
    assert len(data.taught_set) == n + 3
    assert mask.shape == (48, 72)
    assert (mask == 255).all()
    assert answer.exp().sum(0).sub(1).abs().max() < 1e-2
    mixed = collate_taught([data.taught_set[0, 0], (image, mask, answer)])
    assert mixed[2].shape == (2, 4, 48, 72)
    assert (mixed[2][0, :, 32:] > 0).all()
    train(tmp_path / "run", qtips_folder, teacher=[str(teacher)], unlabelled=unlabelled, augmentation="none")
    info = imexseg.load(tmp_path / "run" / "best.safetensors").info
    assert info.training["teacher"][0].startswith("best.safetensors (sha256 ")
    assert info.training["unlabelled"] == 3
    assert str(unlabelled) not in str(info.training)


def test_ensemble_is_the_mean_and_classes_are_matched_by_name(teacher, qtips_folder, tmp_path):
    other = tmp_path / "other"
    train(other, qtips_folder, seed=8)
    network = imexseg.load(other / "best.safetensors")
    exported = tmp_path / "other.onnx"
    exported.write_bytes(sealed(build(network, ExportOptions((32, 32), probabilities=True)).SerializeToString()))
    found = look_at_data(qtips_folder)
    names, pair = found.description.names, found.train.pairs[0]
    both = Teacher([str(teacher), str(exported)], names[::-1], [pair.image], [(32, 32)], tmp_path, 0)
    image = imexseg.data.read.images.read_image(pair.image)
    p = [imexseg.inference.open.open_predictor(str(w)).predict(image).probabilities for w in (teacher, other)]
    expected = np.log(np.mean(p, axis=0)).transpose(1, 2, 0)[..., ::-1]
    assert np.abs(both(0, image) - expected).max() < 2e-3 * np.abs(expected).max()


def test_refused_in_a_line_before_anything_is_written(teacher, unlabelled, qtips_folder, tmp_path, capsys):
    found = look_at_data(qtips_folder)
    names, facts = found.description.names, found.train

    def refused(**settings) -> str:
        with pytest.raises(UsageError) as caught:
            check_teacher(RunConfig(data=qtips_folder, **settings), settings.pop("names", names), facts)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "knows the classes" in refused(teacher=["people"])
    assert "no such weights file" in refused(teacher=["nobody"])
    exported = tmp_path / "classes.onnx"
    network = imexseg.load(teacher / "best.safetensors")
    exported.write_bytes(sealed(build(network, ExportOptions((32, 32))).SerializeToString()))
    assert "--probabilities" in refused(teacher=[str(exported)])
    colour = build_network(model_config("imex-lean", in_channels=3, num_classes=4, mean=(0.0,) * 3, std=(1.0,) * 3))
    info = network.info.model_copy(update={"network": colour.config})
    imexseg.models.artefact.save_weights(tmp_path / "colour.safetensors", colour, info)
    assert "takes images of 3 channels" in refused(teacher=[str(tmp_path / "colour.safetensors")])
    assert "no such folder" in refused(teacher=[str(teacher)], unlabelled=tmp_path / "nowhere")
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(unlabelled / "deep.png")
    assert "deep.png: is uint16" in refused(teacher=[str(teacher)], unlabelled=unlabelled)
    command = ["train", str(qtips_folder), "--teacher", "people", "--output", str(tmp_path / "run")]
    assert main(command) == 2
    assert "knows the classes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_plan_times_the_student_alone(teacher, qtips_folder, monkeypatch):
    monkeypatch.setattr(Teacher, "_ask", lambda *args: pytest.fail("asked"))
    config = RunConfig.model_validate(
        {"data": qtips_folder, "teacher": [str(teacher)], "network": TINY, "batch_size": 4}
    )
    assert try_steps(config, look_at_data(qtips_folder), 0.1).step > 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"data": Path("d"), "unlabelled": Path("u")}, "--unlabelled: unlabelled images need a teacher"),
        ({"teacher": ["w"]}, "a teacher needs a data set"),
        ({"data": Path("d"), "teacher": ["w"], "levels": 2}, "levels 2"),
        ({"data": Path("d"), "teacher": ["w"], "distillation": {"weight": 0}}, "distillation.weight"),
    ],
)
def test_settings_that_do_not_go_together(flags, said):
    with pytest.raises(UsageError, match=said):
        resolve(None, flags)
