"""What the page's programs draw, read and lean, in Chromium."""

from pathlib import Path

import numpy as np
import torch
from browser import drawn, needs_chromium, opened
from playwright.sync_api import Browser

from gan import sample
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
