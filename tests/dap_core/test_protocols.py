"""Protocols: every rule has a consequence, a perfect prediction is perfect, a known error scores its closed form."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.datasets.sample import Dataset, Entry, Sample
from dap_core.evaluation.protocols import (
    DA2,
    DAP,
    PAGER,
    PROTOCOLS,
    UNIFUSE,
    alignment_of,
    prepare,
    protocol_named,
    rules,
    score,
)
from dap_core.evaluation.published import PUBLISHED, published_figures
from dap_core.evaluation.regions import region_sums
from dap_core.evaluation.resampling import resize_linear, resize_nearest
from dap_core.evaluation.run import evaluate

H = 32
EVERY = [(p, a) for p in PROTOCOLS.values() for a in p.alignments]
IDS = [f"{p.name}-{a}" for p, a in EVERY]


def smooth(low=0.6, high=4.5, height=H):
    """A range without steps, whose values lie inside every protocol's limits."""
    rows = np.linspace(0, np.pi, height)[:, None]
    columns = np.linspace(0, 2 * np.pi, 2 * height, endpoint=False)[None]
    return (low + (high - low) * (0.5 + 0.5 * np.sin(rows) * np.cos(columns))).astype(np.float32)


def data(ranges, name="folder", scanned=True, images=None):
    """A data set in memory."""
    ranges = list(ranges)
    images = images or [np.full((*r.shape, 3), 100, np.uint8) for r in ranges]
    entries = tuple(Entry(str(i), Path(str(i)), Path(str(i))) for i in range(len(ranges)))
    dataset = Dataset(name, "memory", entries, lambda p: ranges[int(p.name)], lambda p: images[int(p.name)], scanned)
    object.__setattr__(dataset, "load", lambda e: Sample(e.name, images[int(e.name)], ranges[int(e.name)]))
    return dataset


def answers(ranges, max_range_m=100.0):
    """A predictor that knows the next answer."""
    queue = iter(ranges)
    return lambda image: PanoramaDepth.from_range(next(queue), max_range_m)


def run(protocol, alignment, truths, predictions, **kwargs):
    return evaluate(data(truths, **kwargs), answers(predictions), protocol, alignment, 100.0, seam=False)


@pytest.mark.parametrize(("protocol", "alignment"), EVERY, ids=IDS)
def test_a_perfect_prediction_is_perfect(protocol, alignment):
    truths = [smooth(), smooth(1.0, 4.0)]
    # At the truth's size before and after the protocol's own resizing.
    for kwargs in ({}, {"name": "stanford2d3d"}):
        found = run(replace(protocol, height=H), alignment, truths, truths, **kwargs)
        for region in ("all", "band", "0 to 2 m", "-30 to 0 deg"):
            for weighting in ("plain", "sphere"):
                m = found.mean(region, weighting)
                assert m.absrel == pytest.approx(0.0, abs=1e-5) and m.rmse == pytest.approx(0.0, abs=1e-4)
                # A share is a quotient of two sums, which processors round differently.
                assert [m.delta1, m.delta2, m.delta3] == pytest.approx([1.0] * 3, abs=1e-12)
        assert found.images[0].coverage == 1.0 and not found.faults


@pytest.mark.parametrize(("protocol", "alignment"), EVERY, ids=IDS)
@pytest.mark.parametrize("factor", [1.1, 0.7])
def test_a_scaled_prediction_scores_its_closed_form(protocol, alignment, factor):
    truth = smooth()
    m = run(replace(protocol, height=H), alignment, [truth], [factor * truth]).mean()
    left = 0.0 if alignment != "none" else abs(factor - 1)
    assert m.absrel == pytest.approx(left, abs=1e-5)
    assert m.rmse == pytest.approx(left * float(np.sqrt((truth**2).mean())), rel=1e-4, abs=1e-4)
    assert m.mae == pytest.approx(left * float(truth.mean()), rel=1e-4, abs=1e-4)
    assert m.delta1 == float(left == 0.0 or factor == 1.1)
    assert m.silog == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(("protocol", "alignment"), EVERY, ids=IDS)
def test_an_offset_scores_its_closed_form(protocol, alignment):
    truth = smooth().astype(np.float64)
    predicted = truth + 0.2
    if alignment == "median":
        predicted = predicted * np.median(truth) / np.median(predicted)
    elif alignment == "scale":
        predicted = predicted * (predicted * truth).sum() / (predicted**2).sum()
    elif alignment == "scale-and-shift":
        predicted = truth
    m = run(
        replace(protocol, height=H), alignment, [truth.astype(np.float32)], [(truth + 0.2).astype(np.float32)]
    ).mean()
    assert m.absrel == pytest.approx(float((np.abs(predicted - truth) / truth).mean()), rel=1e-3, abs=1e-5)
    assert m.rmse == pytest.approx(float(np.sqrt(((predicted - truth) ** 2).mean())), rel=1e-3, abs=1e-5)


def test_the_mean_is_over_images_or_over_pixels():
    full, part = smooth(), smooth()
    part[:24] = np.nan
    found = run(replace(DAP, height=H), "none", [full, part], [1.1 * full, 1.5 * part])
    assert found.mean().absrel == pytest.approx((0.1 + 0.5) / 2, rel=1e-5)
    pooled = (0.1 * full.size + 0.5 * part.size / 4) / (1.25 * full.size)
    assert found.mean(average="pixel").absrel == pytest.approx(pooled, rel=1e-5)
    by_pixel = run(replace(DAP, height=H, average="pixel"), "none", [full, part], [1.1 * full, 1.5 * part])
    assert by_pixel.mean().absrel == pytest.approx(pooled, rel=1e-5)


def test_dap_clamps_rendered_truth_and_leaves_scanned_out():
    truth = smooth()
    truth[:4], truth[4, 0], truth[5, 0] = np.inf, 250.0, 0.02
    predicted = np.where(truth > 100, np.inf, truth)
    dap = replace(DAP, height=H)
    rendered = prepare(dap, data([truth], scanned=False), Sample("x", np.zeros((H, 2 * H, 3), np.uint8), truth))
    assert rendered.mask.all() and rendered.truth.max() == 100.0 and rendered.truth[5, 0] == np.float32(0.1)
    # A prediction of far is 100 m, so it is right about the sky; a missed sky of 4 m is 96 % short.
    assert run(dap, "none", [truth], [predicted], scanned=False).mean().delta1 == pytest.approx(1 - 1 / truth.size)
    missed = run(dap, "none", [truth], [np.where(truth > 100, 4.0, truth)], scanned=False)
    assert missed.mean().absrel == pytest.approx(((4 * 64 + 1) * 0.96 + 0.8) / truth.size, rel=1e-3)
    scanned = prepare(dap, data([truth]), Sample("x", np.zeros((H, 2 * H, 3), np.uint8), truth))
    assert not scanned.mask[:4].any() and not scanned.mask[4, 0] and scanned.mask.sum() == truth.size - 4 * 64 - 1


def test_dap_resizes_truth_to_512_rows():
    truth = smooth(height=256)
    prepared = prepare(DAP, data([truth]), Sample("x", np.zeros((256, 512, 3), np.uint8), truth))
    assert prepared.truth.shape == (512, 1024)
    np.testing.assert_array_equal(prepared.truth[::2, ::2], truth)


def test_unifuse_stops_at_ten_metres():
    truth = smooth(1.0, 18.0)
    predicted = np.full_like(truth, 50.0)
    m = run(replace(UNIFUSE, height=H), "none", [truth], [predicted]).mean()
    inside = truth[truth <= 10]
    assert m.mae == pytest.approx(float((10 - inside).mean()), rel=1e-5)  # 50 m is clipped to 10
    tiny = run(replace(UNIFUSE, height=H), "none", [np.full_like(truth, 1.0)], [np.full_like(truth, 0.02)]).mean()
    assert tiny.absrel == pytest.approx(0.9)


def test_da2_clips_after_the_median_and_skips_black_pixels():
    truth = smooth(1.0, 9.0)
    counted = truth[truth <= 5]
    predicted = 0.5 * truth
    predicted[truth > 4.5] = 40.0
    found = run(DA2, "median", [truth], [predicted])
    scale = np.median(counted) / np.median(predicted[truth <= 5])
    expected = np.clip(predicted[truth <= 5] * scale, 1e-3, 5.0)
    assert found.mean().absrel == pytest.approx(float((np.abs(expected - counted) / counted).mean()), rel=1e-5)
    assert found.images[0].scale == pytest.approx(scale, rel=1e-6)
    image = np.full((H, 2 * H, 3), 90, np.uint8)
    image[:8] = 0
    mask = prepare(DA2, data([smooth()]), Sample("x", image, smooth())).mask
    assert not mask[:8].any() and mask[8:].all()


def test_pager_crops_the_poles():
    truth = smooth(height=64)
    image = np.full((64, 128, 3), 90, np.uint8)
    pager = replace(PAGER, height=None)
    for name, share, black in (("matterport3d", 0.14, True), ("stanford2d3d", 0.15, False), ("folder", 0.0, False)):
        prepared = prepare(pager, data([truth], name), Sample("x", image, truth))
        crop = int(share * 64)
        assert prepared.mask.sum() == (64 - 2 * crop) * 128
        assert (prepared.image == 0).any() == black and (image == 90).all()
    assert PAGER.rows("stanford2d3d") == 2048 and PAGER.rows("folder") is None
    far = prepare(pager, data([truth]), Sample("x", image, np.where(truth > 4, 74.5, truth)))
    assert not far.mask[truth > 4].any()


def test_pager_shift_cannot_make_good_of_negative():
    truth = smooth(1.0, 2.0)
    rng = np.random.default_rng(0)
    predicted = (truth + rng.choice([0.0, 30.0], truth.shape, p=[0.98, 0.02])).astype(np.float32)
    prepared = prepare(replace(PAGER, height=None), data([truth]), Sample("x", np.ones((H, 2 * H, 3), np.uint8), truth))
    scored = score(PAGER, prepared, PanoramaDepth.from_range(predicted), "scale-and-shift")
    assert (scored.prediction > 0).all()


def test_coverage_says_what_has_no_prediction():
    truth, predicted = smooth(), smooth()
    predicted[:8] = np.nan
    found = run(replace(DAP, height=H), "none", [truth], [predicted])
    assert found.images[0].coverage == 0.75 and found.mean().absrel == 0.0
    assert found.sums[0, 0, 0] == 0.75 * truth.size


def test_no_prediction_is_a_fault():
    blind = np.full((H, 2 * H), np.nan, np.float32)
    for alignment in ("none", "median"):
        found = run(replace(DAP, height=H), alignment, [smooth(), smooth()], [blind, smooth()])
        assert found.faults == [("0", "0: not one counted pixel has a prediction")] and len(found.images) == 1


def test_nothing_to_count_is_a_fault():
    truth = np.full((H, 2 * H), 300.0, np.float32)
    ok = smooth()
    found = run(replace(DAP, height=H), "none", [ok, truth], [ok])
    assert found.faults == [("1", "1: no pixel of the truth counts under the protocol dap")]
    with pytest.raises(InputError, match="none of the 1 panoramas of folder could be measured; the first: 0: no pixel"):
        run(replace(DAP, height=H), "none", [truth], [])


def test_names_and_alignments():
    assert protocol_named("dap") is DAP
    with pytest.raises(InputError, match="no protocol 'kitti': choose dap, unifuse, da2, pager"):
        protocol_named("kitti")
    assert alignment_of(DA2, None) == "median" and alignment_of(DA2, "none") == "none"
    with pytest.raises(InputError, match="choose none, median, scale, scale-and-shift, disparity"):
        alignment_of(DAP, "affine")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda p: p.name)
def test_rules_in_words(protocol):
    found = rules(protocol, data([smooth()], "stanford2d3d"), protocol.alignments[0])
    assert f"up to {protocol.farthest:g} m" in found["truth counts"] and "arXiv" in found["source"]
    assert "not the protocol's own" in rules(protocol, data([smooth()]), "disparity")["alignment"]
    assert "counts as 100 m" in rules(DAP, data([smooth()], scanned=False), "none")["truth counts"]


def test_published_figures_stay_with_their_protocol():
    assert all(p.protocol in PROTOCOLS and p.alignment in PROTOCOLS[p.protocol].alignments for p in PUBLISHED)
    found = published_figures("dap", "none", "deep360")
    assert [(p.method, p.metrics["absrel"]) for p in found] == [("DAP", 0.0659), ("UniK3D", 0.0885), ("DAC", 0.2611)]
    assert not published_figures("dap", "median", "deep360") and not published_figures("da2", "none", "deep360")


def test_resampling():
    values = np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(resize_nearest(values, 4)[::2, ::2], values)
    np.testing.assert_array_equal(resize_nearest(resize_nearest(values, 4), 2), values)
    row = np.repeat(np.array([[0.0, 1.0, 2.0, 3.0]], np.float32), 2, 0)
    # Between the last and the first column the way goes around: 3, 2.25, 0.75, 0.
    np.testing.assert_allclose(resize_linear(row, 4)[0], [0.75, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 2.25], atol=0.02)
    np.testing.assert_allclose(resize_linear(row, 2), row, atol=1e-6)


def test_worst_and_best_are_kept():
    truths = [smooth()] * 6
    factors = (1.2, 1.0, 1.6, 1.1, 1.4, 1.3)
    found = evaluate(
        data(truths),
        answers([f * smooth() for f in factors]),
        replace(DAP, height=H),
        "none",
        100.0,
        seam=False,
        cases=2,
    )
    assert [c.result.name for c in found.worst] == ["2", "4"] and [c.result.name for c in found.best] == ["1", "3"]
    assert found.worst[0].image.shape == (H, 2 * H, 3)
    assert [i.headline.absrel for i in found.images] == pytest.approx(np.array(factors) - 1, abs=1e-5)
    assert region_sums(truths[0], truths[0])[0, 0, 0] == truths[0].size
