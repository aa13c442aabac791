"""The page in a browser: it asks for nothing, says nothing, fits every screen, and can be used by
everybody."""

import json
import math
import random

import numpy as np
import pytest
from PIL import Image

from paddle_transfer.predictions import FILE, Predictions
from paddle_transfer.report.html.page import write_report
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.browser import Visit, open_browser
from tests.helpers.configs import base_config
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

WIDTHS = (390, 1280, 1920)
CLASSES, IMAGES = 5, 40
#: Whether nothing is wider than the screen, once the plots have followed it.
FITS = """() => new Promise((done) => {
  const fits = () => document.documentElement.scrollWidth <= innerWidth;
  const look = (now) => fits() || now > end ? done(fits()) : requestAnimationFrame(look);
  const end = performance.now() + 5000;
  requestAnimationFrame(look);
})"""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


def with_data(folder):
    """A finished search with images, answers on them, and a bit of everything."""
    labels = [i % CLASSES for i in range(IMAGES)]
    folder.mkdir()
    for i in range(IMAGES):
        Image.new("RGB", (32, 32), (6 * i, 40 * labels[i], 90)).save(folder / f"{i}.png")
    for part in ("train", "val"):
        (folder / f"{part}_list.txt").write_text(
            "".join(f"{i}.png {label}\n" for i, label in enumerate(labels)))
    records = [record(i, lr, mixup, value=0.5 + 0.1 * (lr == 0.01) + 0.02 * mixup,
                      state="pruned" if i == 5 else "complete")
               for i, (lr, mixup) in enumerate((lr, mixup) for lr in (0.01, 0.1, 0.001)
                                               for mixup in (False, True))]
    root = write_study(shown_settings(folder / "out", base_config=base_config(folder)), records)
    logits = np.random.default_rng(0).normal(size=(IMAGES, CLASSES))
    Predictions.of(logits, np.array(labels)).write(root / FILE)
    return root


def large(folder):
    """200 trials of a conditional space with a continuous range."""
    draw = random.Random(0)
    keys = (SearchKey(Choice("strategy", ("full", "head", "partial"))),
            SearchKey(Range("lr", 1e-4, 1e-1, log=True)),
            SearchKey(Choice("trained_stages", (1, 2, 3), condition=(("strategy", ("partial",)),))))
    settings = shown_settings(folder, keys=keys, fixed=None)
    records = []
    for i in range(200):
        point = settings.search_space.space.sample(draw)
        value = 0.8 - 0.05 * (math.log10(point["lr"]) + 2) ** 2 + draw.gauss(0, 0.01)
        records.append(record(i, 0.1, value=value, point=point, state=(
            "pruned" if i % 3 == 2 else "complete")))
    return write_study(settings, records, reason="time_budget (2 h) is spent")


def failing(folder):
    states = ("complete", "failed", "diverged", "failed")
    return write_study(shown_settings(folder), [
        record(i, 0.01, bool(i % 2), value=0.5 if state == "complete" else None, state=state,
               info={"reason": "crashed again after a retry: <script>alert(1)</script>"})
        for i, state in enumerate(states)], reason="interrupted")


def running(folder):
    return write_study(shown_settings(folder), [
        record(0, 0.01, value=0.5), record(1, 0.1, state="running")], reason=None)


@pytest.fixture(scope="module", params=[with_data, large, failing, running],
                ids=lambda make: make.__name__)
def page(request, tmp_path_factory):
    folder = request.param(tmp_path_factory.mktemp("search") / "it")
    return write_report(folder, folder / "page.html")


def only(make):
    """Of the pages, that of ``make``."""
    return pytest.mark.parametrize("page", [make], indirect=True, ids=[make.__name__])


def test_it_asks_for_nothing_fits_every_screen_and_can_be_used_by_everybody(browser, page):
    with Visit(browser, page, locale="en-US") as visit:
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 900})
            assert visit.page.evaluate(FITS)
        plots = visit.page.locator("[data-plot]").count()
        assert visit.page.locator("[data-plot] svg.main-svg").count() >= plots > 0
        assert visit.told == []
        assert [one for one in visit.requests if not one.startswith("data:")] == [page.as_uri()]
        assert serious_faults(visit.page) == []
    assert page.stat().st_size < 6_000_000


def serious_faults(page):
    """What axe-core finds against accessibility; [] where it is not installed."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        return []
    found = Axe().run(page).response
    assert len(found["passes"]) > 20, "it has looked at the page"
    return [(one["id"], [node["html"][:200] for node in one["nodes"]][:3])
            for one in found["violations"] if one["impact"] in ("serious", "critical")]


@only(with_data)
def test_the_figures_read_from_the_page_are_those_of_search_results_json(browser, page):
    told = json.loads((page.parent / "search_results.json").read_text())
    with Visit(browser, page) as visit:
        def number(name):
            return visit.page.locator(f'[data-figure="{name}"]').first.inner_text()

        assert float(number("winner.value")) == round(told["winner"]["value"], 4)
        assert float(number("fixed.value")) == round(told["fixed"]["value"], 4)
        assert float(number("winner.estimate")) == round(told["winner"]["estimate"], 4)
        assert number("winner.images").startswith(f"on {told['winner']['images']} images")
        gain = 100 * (told["winner"]["value"] - told["fixed"]["value"])
        assert float(number("gain").split("±")[0]) == pytest.approx(gain, abs=0.005)


@only(running)
def test_language_and_colours_are_switched_and_remembered(browser, page):
    with Visit(browser, page, locale="zh-CN", color_scheme="dark") as visit:
        page, title = visit.page, visit.page.locator("#answer-title")
        assert title.inner_text() == "结论", "the language of the browser"
        assert page.locator("#curves .xtitle").inner_html() == "轮次", "of the plots, too"
        assert serious_faults(page) == [], "in the dark"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.select_option("#language", "en")
        page.select_option("#theme", "light")
        assert title.inner_text() == "Answer"
        assert page.locator("#curves .xtitle").inner_html() == "epoch"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        page.reload()
        page.wait_for_selector("html[data-drawn]")
        assert title.inner_text() == "Answer"
        assert page.evaluate("document.documentElement.dataset.theme") == "light"


@only(large)
def test_the_leaderboard_is_sorted_by_the_keyboard(browser, page):
    with Visit(browser, page) as visit:
        heading = visit.page.locator("#leaderboard th", has_text="lr")
        rates = visit.page.locator("#leaderboard tbody tr:visible td:nth-child(5)")
        for direction, order in (("ascending", sorted), ("descending", reversed)):
            heading.locator("button").press("Enter")
            assert heading.get_attribute("aria-sort") == direction
            shown = [float(text) for text in rates.all_inner_texts()]
            assert shown == (order(shown) if order is sorted else sorted(shown, reverse=True))
        visit.page.locator("#leaderboard .more").click()
        assert rates.count() > 100
        visit.page.emulate_media(media="print")
        assert not visit.page.locator("nav").is_visible()
