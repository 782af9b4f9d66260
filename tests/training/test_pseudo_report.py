"""The report: one page and its pictures, with the figures that the selection and the acceptance test have."""

import re

import numpy as np
import pytest
from pseudo_sets import HEIGHT, make_set

from dap_core.errors import InputError
from dap_core.io.images import read_image
from dap_core.picture import auto_limits, colourise
from training.data.labels import LabelledSet
from training.pseudo.acceptance import Acceptance, DomainAcceptance
from training.pseudo.report import write_report
from training.pseudo.selection import SelectionConfig, select

LABELER, JUDGE = "a1" * 32, "c3" * 32
SCORES = [0.9, 0.1, 0.5, 0.7, 0.5, 0.3, -2.0, 0.8, 0.6]


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    images = make_set(tmp_path_factory.mktemp("places") / "set", "places <b>", labelled=False)
    labels = LabelledSet(images, LABELER, discriminator=JUDGE)
    for number, shard in enumerate(images.shards):
        first = int(images.ends[number])
        numbers = range(first, first + len(shard))
        ranges = [np.geomspace(1, 2 + k, HEIGHT)[:, None].repeat(2 * HEIGHT, 1) for k in numbers]
        labels.write(number, ranges, SCORES[first : first + len(shard)])
    return labels


def cells(html):
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def test_the_page_says_what_was_kept(labels, tmp_path):
    selection = select([labels], SelectionConfig(indoor=2, outdoor=0.5, per_group=1))
    page = write_report([labels], selection, tmp_path / "report", cases=2)
    html = page.read_text()
    assert page == tmp_path / "report" / "index.html" and "4 of 9 kept" in html and LABELER[:16] in html
    rows = cells(html)
    assert ["indoor", "4", "2", "50.0 %", "0.700", "0"] in rows
    assert ["outdoor", "5", "2", "40.0 %", "0.600", "0"] in rows
    assert ["places &lt;b&gt;", "9", "4", "44.4 %"] in rows
    assert ["places &lt;b&gt;: walk 2", "3", "2", "66.7 %"] in rows and "3 of 3 groups" in html
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert captions == [
        "0.800, kept: places &lt;b&gt;, place 7",
        "0.700, kept: places &lt;b&gt;, place 3",
        "0.100, left out: places &lt;b&gt;, place 1",
        "0.300, left out: places &lt;b&gt;, place 5",
        "0.900, kept: places &lt;b&gt;, place 0",
        "0.600, kept: places &lt;b&gt;, place 8",
        "-2.000, left out: places &lt;b&gt;, place 6",
        "0.500, left out: places &lt;b&gt;, place 4",
    ]
    assert "http" not in html.replace("http-equiv", "") and "<script" not in html
    names = {path.name for path in page.parent.iterdir()}
    assert names == {"index.html", "scores.png"} | {
        f"{which}-{domain}-{k}.png" for which in ("best", "worst") for domain in ("indoor", "outdoor") for k in (1, 2)
    }
    best = read_image(page.parent / "best-outdoor-1.png")
    sample = labels[0]
    colours = colourise(sample.range_m, auto_limits(sample.range_m))
    assert best.shape == (256, 1024, 3) and np.array_equal(best[4::8, 516::8], colours)
    assert len(np.unique(read_image(page.parent / "scores.png"))) > 20


def test_all_are_shown_once_where_there_are_few(labels, tmp_path):
    page = write_report([labels], select([labels], SelectionConfig()), tmp_path, cases=3)
    captions = re.findall(r"<figcaption>[^<]*(place \d)</figcaption>", page.read_text())
    assert sorted(captions) == [f"place {k}" for k in range(9)]


def test_with_the_acceptance_test(labels, tmp_path):
    domains = {
        "indoor": DomainAcceptance(3, 0.625, (0.1, 0.625), 0.71, 0.8),
        "outdoor": DomainAcceptance(3, 0.25, (0.2, 0.25), 0.72, 0.9),
    }
    rng = np.random.default_rng(0)
    table = tuple(map(tuple, rng.random((2, 6)).tolist()))
    acceptance = Acceptance(JUDGE, (LABELER, LABELER), domains, ("indoor", "outdoor") * 3, table, table)
    selection = select([labels], SelectionConfig())
    page = write_report([labels], selection, tmp_path, acceptance, cases=1)
    html = page.read_text()
    assert ["indoor", "3", "0.625", "0.710", "0.800"] in cells(html) and "<b>not passed</b>" in html
    assert (tmp_path / "acceptance.png").exists()


def test_of_another_selection(labels, tmp_path):
    selection = select([labels], SelectionConfig())
    other = make_set(tmp_path / "other", "other", (2,), labelled=False)
    labelled = LabelledSet(other, LABELER, discriminator=JUDGE)
    labelled.write(0, [np.ones((HEIGHT, 2 * HEIGHT))] * 2, [0.0, 1.0])
    with pytest.raises(InputError, match="has no set 'other'"):
        write_report([labelled], selection, tmp_path / "report")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot make .*file/report: Not a directory"):
        write_report([labels], selection, tmp_path / "file" / "report")
