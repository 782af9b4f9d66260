"""The report's page: checked as a document everywhere, and looked at in a real browser where there is one."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.compare import compare
from dap_core.evaluation.datasets.folder import open_folder
from dap_core.evaluation.protocols import DAP
from dap_core.evaluation.report.comparison_page import comparison_page
from dap_core.evaluation.report.pictures import error_colours
from dap_core.evaluation.report.record import ModelFacts, read_report, report_of, write_json
from dap_core.evaluation.report.run_page import report_page
from dap_core.evaluation.run import evaluate
from dap_core.picture import UNKNOWN_RGB

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
VOID = {"meta", "img", "br", "link", "input", "hr"}

#: Asks the browser itself: did every picture decode, does every link lead somewhere, does anything stick out?
PROBE = """<script>
const images = [...document.images];
document.body.dataset.found = JSON.stringify({
  images: images.length, broken: images.filter(i => !i.complete || !i.naturalWidth).length,
  links: [...document.querySelectorAll('a')].filter(a => !document.querySelector(a.getAttribute('href'))).length,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  requests: performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length,
  headings: [...document.querySelectorAll('h2')].map(h => h.innerText),
  cell: document.querySelector('tr.ours td:nth-child(2)')?.innerText,
});
</script>"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Six scenes, a model that is wrong in known ways, a name that must be escaped, and one fault."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    truths = {}
    for i, name in enumerate(["a & b <i>", "b", "c", "d", "e" * 120, "f"]):
        image = cv2.resize(rng.integers(0, 255, (8, 16, 3), np.uint8), (128, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{name}_rgb.png"), image)
        truth = cv2.resize(rng.uniform(1, 30, (8, 16)).astype(np.float32), (128, 64), interpolation=cv2.INTER_CUBIC)
        truth = np.maximum(truth, 0.5)
        truth[:10] = np.inf
        np.save(folder / f"{name}_depth.npy", truth)
        truths[i] = truth
    (folder / "g_rgb.png").write_bytes((folder / "f_rgb.png").read_bytes())
    (folder / "g_depth.npy").write_bytes(b"")
    dataset = open_folder(folder)
    order = iter(sorted(truths, key=lambda i: dataset.entries[i].name))

    def predict(image):
        i = next(order)
        wrong = truths[i] * np.float32(1.0 + 0.1 * i)
        wrong[50:, :20] = 500.0
        depth = PanoramaDepth.from_range(wrong)
        return replace(depth, far_probability=np.where(depth.far, np.float32(0.93), np.float32(0.07)))

    found = evaluate(dataset, predict, DAP, "none", 100.0, seam=False, cases=2)
    facts = ModelFacts("known <model>", "0123456789abcdef", 64, 128, 100.0, "by hand", "0")
    return found, report_of(found, facts, folder)


@pytest.fixture(scope="module")
def page(run):
    found, report = run
    return report_page(report, found.worst, found.best)


class Document(HTMLParser):
    """Tags that open and close as they should, ids, links and sources."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.sources, self.faults = [], [], [], [], []
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.sources += [found["src"]] if "src" in found else []
        if tag == "img" and not found.get("alt"):
            self.faults.append("img without alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"/{tag}")


def test_the_document_is_sound(page, run):
    document = Document(page)
    assert not document.faults and len(set(document.ids)) == len(document.ids)
    assert document.links and all(link[1:] in document.ids for link in document.links)
    assert len(document.sources) == 4 + 4 * 4  # four diagrams; four pictures of each of two worst and two best cases
    for source in document.sources:
        kind, data = re.fullmatch(r"data:image/(png|jpeg|svg\+xml);base64,(.+)", source).groups()
        raw = base64.b64decode(data, validate=True)
        if kind == "svg+xml":
            assert b"</svg>" in raw and b"<script" not in raw
        else:
            assert cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR).shape == (256, 512, 3)


def test_nothing_is_fetched_and_nothing_runs(page):
    assert "default-src 'none'" in page and "<script" not in page and "@import" not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page) and "url(" not in page


def test_what_it_says(page, run):
    found, report = run
    assert "known &lt;model&gt;" in page and "<model>" not in page and "a &amp; b &lt;i&gt;" in page
    assert f"{report['summary']['all']['plain']['image']['absrel']:.4f}" in page
    assert "1 could not be measured" in page and "not a sound npy file" in page
    assert page.index("Worst cases") < page.index("Best cases")
    worst = max(report["images"], key=lambda image: image["metrics"]["all"]["absrel"])
    assert found.worst[0].result.name == worst["name"] and np.isposinf(found.worst[0].truth[:10]).all()


def test_the_same_run_gives_the_same_page(page, run):
    found, report = run
    assert report_page(report, found.worst, found.best) == page


def test_error_colours():
    truth = np.array([[2.0, 2.0, 2.0, np.inf, np.nan, 2.0, 2.0]])
    colours = error_colours(np.array([[2.0, 1.0, 3.0, 2.0, 2.0, np.inf, np.nan]]), truth)[0]
    right, near, far, sky, unknown, infinite, nothing = colours.tolist()
    assert min(right) > 240 and near[2] > 2 * near[0] and far[0] > 2 * far[2]
    assert infinite == far and sky == unknown == nothing == list(UNKNOWN_RGB)


def looked_at(page, tmp_path, width, picture=True):
    """What the browser found in the page at a window's width, and its picture of it if that is wanted."""
    probed = page.replace("</body>", PROBE + "</body>")
    probed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", probed)
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "probed.html").write_text(probed)
    common = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    common += ["--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars", f"--window-size={width},3000"]
    shot = tmp_path / f"shot{width}.png"
    calls = [["--dump-dom", str(tmp_path / "probed.html")], [f"--screenshot={shot}", str(tmp_path / "page.html")]]
    for extra in calls if picture else calls[:1]:
        done = subprocess.run([*common, *extra], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        if "--dump-dom" in extra:
            encoded = re.search(r'data-found="([^"]*)"', done.stdout).group(1)
    return json.loads(encoded.replace("&quot;", '"').replace("&amp;", "&")), cv2.imread(str(shot)) if picture else None


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH; the document itself is checked without one")
@pytest.mark.parametrize("width", [1280, 600])
def test_in_a_browser(page, run, tmp_path, width):
    found, picture = looked_at(page, tmp_path, width, picture=width > 1000)
    assert found["images"] == 20 and found["broken"] == 0 and found["links"] == 0
    assert found["requests"] == 0 and found["wide"] <= 0
    assert found["headings"][0] == "Figures" and found["headings"][-1] == "Not measured"
    assert found["cell"] == f"{run[1]['summary']['all']['plain']['image']['absrel']:.4f}"
    if picture is None:
        return
    assert picture.shape == (3000, width, 3)
    # Something is drawn all the way down: no row band of the page is empty, and the diagrams' blue is there.
    bands = picture.reshape(10, 300, width, 3).std(axis=(1, 2, 3))
    assert (bands > 3).all()
    blue = np.abs(picture.astype(int) - np.array([0xA6, 0x65, 0x35])).max(-1) < 12
    assert blue.mean() > 0.005


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH; the document itself is checked without one")
def test_a_comparison_in_a_browser(run, tmp_path):
    write_json(tmp_path / "a.json", run[1])
    a, b = read_report(tmp_path / "a.json"), read_report(tmp_path / "a.json")
    for image in b["images"]:
        image["metrics"]["all"]["absrel"] *= 0.8
    text = comparison_page(compare(a, b))
    assert not Document(text).faults
    found, _ = looked_at(text, tmp_path, 1280, picture=False)
    assert found["broken"] == found["links"] == found["requests"] == 0 and found["wide"] <= 0
    assert found["headings"] == ["Figures", "Panorama by panorama"]
