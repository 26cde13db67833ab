"""What the page's programs draw, read and lean, in Chromium."""

from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from browser import drawn, needs_chromium, opened, same_as_torch
from playwright.sync_api import Browser

from gan import checkpoint, sample
from gan.digits.layout import Layout, to_cells
from gan.image import to_uint8
from gan.lab import Lab

pytest_plugins = ["studio_page"]


@needs_chromium
def test_its_digits_in_a_hand_are_those_that_a_pen_draws(chromium: Browser, page: Path) -> None:
    lab, y, seeds = Lab(), torch.tensor([2, 0, 7, 7]), torch.arange(4) + 5
    hand, wish = sample.latents(torch.tensor([3]), 64).expand(4, -1), {"slant": 1.5, "height": -1.0}
    expected, attempts, _ = lab.pen(style=wish).draw_digits(y, hand, seeds)
    assert attempts.tolist() == [1, 1, 1, 1]
    mix = "latent(seed, 64).map((value, i) => Math.sqrt(1 - 0.09) * hand[i] + 0.3 * value)"
    asked = f"{{ z: {mix}, shares: {y.tolist()}[at], hand, style: at === 3 ? {{}} : {wish} }}"
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        found = shown.evaluate(f"""(async (hand) => {{
            const {{ ms, ...drawn }} = await draw({seeds.tolist()}.map((seed, at) => ({asked})), {{ read: true }});
            const leant = await lean(drawn.images, [0, 10, -20, 45]);
            const again = (await read(drawn.images)).features;
            return Object.fromEntries(Object.entries({{ ...drawn, leant, again, hand: handStyle(hand) }})
                .map(([name, values]) => [name, [...values]]));
        }})(latent(3, 64))""")
    images = torch.tensor(found["images"]).view(4, 1, 28, 28)
    plain, *_ = lab.pen().draw_digits(y, hand, seeds)
    torch.testing.assert_close(images, torch.cat([expected[:3], plain[3:]]), rtol=0, atol=1e-3)
    style = lab.axes.hand_style(hand)
    torch.testing.assert_close(torch.tensor(found["hand"]), style[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(torch.tensor(found["own"]).view(4, 4)[:, :2], style[:, :2], rtol=0, atol=1e-4)
    assert lab.reader is not None
    features, logits = lab.reader(images)
    torch.testing.assert_close(torch.tensor(found["chances"]).view(4, -1), logits.softmax(1), rtol=0, atol=1e-4)
    torch.testing.assert_close(torch.tensor(found["features"]).view(4, -1), features, rtol=0, atol=1e-3)
    assert found["again"] == found["features"]
    leant = torch.tensor(found["leant"]).view(4, 28, 56)
    for one, image, slant in zip(leant, images, (0.0, 10.0, -20.0, 45.0), strict=True):
        [cell] = to_cells(image[None], Layout(slant=slant))
        off = (56 - cell.shape[1]) // 2
        assert np.abs(to_uint8(one).numpy()[:, off : off + cell.shape[1]].astype(int) - cell.astype(int)).max() <= 1


NONE = "window.Worker = class { constructor() { throw new Error('none is allowed'); } };"
SECOND = """window.Worker = ((Real, count) => class extends Real {
    constructor(url) { super(count++ ? 'blob:nowhere' : url); }
})(Worker, 0);"""


@needs_chromium
@pytest.mark.parametrize("lacking", [NONE, SECOND], ids=["none", "one of two"])
def test_it_draws_without_a_worker_that_does_not_start(chromium: Browser, page: Path, lacking: str) -> None:
    with opened(chromium, "about:blank") as shown:
        shown.add_init_script(lacking)
        shown.goto((page / "index.html").as_uri())
        drawn(shown)
        assert same_as_torch(shown, checkpoint.generator(None), [1, 2, 3], [4, 5, 6])
        assert shown.evaluate("threads.length") == 1
        assert shown.evaluate("threads[0].port instanceof MessagePort") == (lacking == NONE)


@needs_chromium
def test_what_a_lost_worker_was_asked_the_other_draws(chromium: Browser, page: Path) -> None:
    draws = "draw(alike([1, 2, 3].map((seed) => latent(seed, 64)), [4, 5, 6])).then(({ images }) => [...images])"
    lose = "threads.at(-1).port.dispatchEvent(new ErrorEvent('error', { message: 'no memory' }))"
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        shown.wait_for_function("threads.length === 2")
        expected = shown.evaluate(draws)
        torch.testing.assert_close(
            torch.tensor(shown.evaluate(f"(() => {{ const asked = {draws}; {lose}; return asked; }})()")),
            torch.tensor(expected), rtol=0, atol=1e-5,
        )  # fmt: skip
        assert shown.evaluate("threads.length") == 1
        assert shown.evaluate(f"{lose}, {draws}.catch((error) => error.message)") == "its workers ended"


SLIDER = """async ([style, times]) => {
    const hand = latent(7, MODEL.latent), found = [];
    const wanted = Array.from({ length: 10 }, (_, i) => ({ z: latent(i, MODEL.latent), shares: i, hand, style }));
    for (let i = 0; i < times; i++) found.push((await draw(wanted)).ms);
    return found;
}"""


@pytest.mark.slow
@needs_chromium
def test_ten_digits_follow_a_slider(chromium: Browser, page: Path) -> None:
    with opened(chromium, (page / "index.html").as_uri()) as shown:
        drawn(shown)
        loaded = shown.evaluate("performance.now()")
        shown.wait_for_function("threads.length === 2")
        shown.evaluate(SLIDER, [{"slant": 1}, 50])
        steered, finished = ([], [])
        for _ in range(3):
            steered += shown.evaluate(SLIDER, [{"thickness": 1}, 50])
            finished += shown.evaluate(SLIDER, [{"slant": 1}, 50])
    for name, times in (("thickness", steered), ("slant", finished)):
        print(f"{name}: {median(times):.1f} ms, 95th percentile {np.percentile(times, 95):.1f}, least {min(times):.1f}")
    print(f"first picture after {loaded:.0f} ms")
    assert min(finished) < 16
    assert loaded < 10_000
