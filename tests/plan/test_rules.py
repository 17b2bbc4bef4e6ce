"""The arithmetic of a plan, without files and without a clock."""

import pytest

from imexseg.plan import rules, schedule
from imexseg.plan.schedule import Costs
from imexseg.units import in_bytes, in_time, n_bytes, seconds


@pytest.mark.parametrize("whole", [1, 7, 40, 400, 20_000])
@pytest.mark.parametrize("budget", [60, 1200, 20_000])
def test_a_schedule_keeps_the_budget_and_uses_it(whole: int, budget: float):
    costs = Costs(image=0.05, validation=0.5, first=3.0, whole=whole, batch=min(8, whole))
    run = schedule.fit(costs, budget, most_passes=200)
    assert costs.run(run.epochs, run.images) <= budget
    if run.full:
        assert costs.run(run.epochs + 1, run.images) > budget
        assert run.epochs >= rules.FEWEST_EPOCHS - 1
    else:
        assert run.passes(whole) == pytest.approx(200, rel=0.35)
    assert run.epochs <= rules.MOST_EPOCHS + 1


def test_validation_takes_a_small_part_of_the_time():
    costs = Costs(image=0.01, validation=20.0, first=0.0, whole=100, batch=8)
    run = schedule.fit(costs, 3600, most_passes=10_000)
    assert costs.validation <= 1.1 * rules.VALIDATION_SHARE * run.images * costs.image


def test_a_budget_that_is_too_short_leaves_no_epoch():
    assert schedule.fit(Costs(1.0, 1.0, 3.0, 100, 8), 5, 200).epochs == 0
    costs = Costs(1.0, 1.0, 3.0, 100, 8)
    enough = schedule.least_seconds(costs)
    run = schedule.fit(costs, 1.3 * enough, 200)
    assert costs.steps(run.epochs, run.images) >= 0.7 * rules.LEAST_STEPS


def test_a_scale_keeps_most_classes_thick_enough():
    assert rules.scale_for([2.0, 2.0], 1024) == 1024  # vessels
    assert rules.scale_for([2.0, 20.0, 30.0, 40.0, 50.0], 480) < 480  # one thin class of many, as poles in CamVid
    side = rules.scale_for([9.0, 12.0, None], 480)
    assert rules.too_thin([9.0, 12.0], side / 480) <= rules.MAY_BE_THINNER * 2


def test_order_of_networks():
    first = rules.candidates(320, pretrained=True, own_family=False)[0]
    assert first.pretrained
    assert not any(c.pretrained for c in rules.candidates(320, pretrained=False, own_family=False))
    assert not any(c.pretrained for c in rules.candidates(320, pretrained=True, own_family=True))
    assert rules.candidates(5, pretrained=True, own_family=False) == [rules.SMALL_IMAGES]


def test_a_score_on_more_images_is_more_certain():
    assert rules.interval(10) == pytest.approx(2 * rules.interval(40))


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("2 min", 120)]
)
def test_times_are_read_as_people_write_them(text: str, value: float):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "tomorrow", "-5m", "5x", "m", "1e9"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a time above 0"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"), [("100kB", 100_000), ("2.5MB", 2_500_000), ("64KiB", 65_536), ("512B", 512)]
)
def test_sizes_are_read_as_people_write_them(text: str, value: int):
    assert n_bytes(text) == value
    assert n_bytes(in_bytes(value).replace("bytes", "B")) == pytest.approx(value, rel=0.005)


def test_times_in_words():
    assert [in_time(value) for value in (4.2, 45, 720, 7500, 7200)] == ["4.2 s", "45 s", "12 min", "2 h 5 min", "2 h"]
