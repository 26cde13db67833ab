"""The game: who moves when, what follows whom, and runs that are the same run again."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import SCHEDULE, SHORT, call
from torch import Tensor, nn

from gan import checkpoint
from gan.augment import Identity
from gan.loss import NonSaturating
from gan.model import GAN, frozen
from gan.network import dcgan
from gan.penalty import R1, Critic, Penalty, Zero
from train import train

Adam = partial(torch.optim.Adam, lr=1e-3)


def _discriminator(norm: str = "none", condition: str = "projection") -> dcgan.Discriminator:
    return dcgan.Discriminator(28, 1, 10, 8, 0, norm, condition)


def _gan(penalty: Penalty | None = None, discriminator: nn.Module | None = None, **more: object) -> GAN:
    """A small game that steps without a trainer."""
    settings = SCHEDULE | {"seed": 0, "optimizer": Adam, "augment": Identity()} | more
    generator, discriminator = dcgan.Generator(28, 1, 10, 16, 8, 0), discriminator or _discriminator()
    gan = GAN(generator, discriminator, NonSaturating(), penalty or R1(1.0, 1.0), **settings)  # type: ignore[arg-type]
    optimizers = gan.configure_optimizers()
    gan.players = lambda: optimizers  # type: ignore[method-assign,assignment,return-value]
    gan.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    return gan


def _weights(net: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


def _moved(before: list[Tensor], net: nn.Module) -> bool:
    return not all(map(torch.equal, before, net.parameters()))


def test_each_step_moves_its_own_player_only() -> None:
    gan = _gan()
    real, y = torch.randn(8, 1, 28, 28).tanh(), torch.randint(0, 10, (8,))
    fake = gan.generator(torch.randn(8, 16), y)
    g, d = _weights(gan.generator), _weights(gan.discriminator)
    losses = gan.discriminator_step(real, fake.detach(), y)
    assert _moved(d, gan.discriminator)
    assert not _moved(g, gan.generator)
    assert losses["loss/penalty"] > 0
    d = _weights(gan.discriminator)
    gan.generator_step(fake, real, y)
    assert _moved(g, gan.generator)
    assert not _moved(d, gan.discriminator)
    assert all(parameter.requires_grad for parameter in gan.discriminator.parameters())


def test_the_generator_answers_the_discriminator_as_it_has_just_become() -> None:
    """Under autocast a cached bf16 copy of the old weights would be a stale opponent."""
    gan = _gan(optimizer=partial(torch.optim.Adam, lr=0.1))
    real, y = torch.randn(8, 1, 28, 28).tanh(), torch.randint(0, 10, (8,))
    with torch.autocast("cpu", torch.bfloat16):
        fake = gan.generator(torch.randn(8, 16), y)
        gan.discriminator_step(real, fake.detach(), y)
        loss = gan.generator_step(fake, real, y)["loss/generator"]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(loss, NonSaturating().generator(gan.critic(fake, y).logits, Tensor).detach())


def test_real_and_fake_meet_the_same_augment_and_so_does_the_penalty() -> None:
    seen = []

    class Watch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return x

    gan = _gan(R1(1.0, fraction=0.25), augment=Watch())
    x, y = torch.randn(8, 1, 28, 28), torch.randint(0, 10, (8,))
    gan.discriminator_step(x, x, y)
    gan.generator_step(gan.generator(torch.randn(8, 16), y), x, y)
    assert seen == [16, 2, 8]


def test_the_penalty_and_its_gradient_are_float32s_under_autocast() -> None:
    gan = _gan()
    x, y = torch.randn(4, 1, 28, 28), torch.randint(0, 10, (4,))
    found: list[tuple[Tensor, ...]] = []

    class Watch(R1):
        def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
            penalty = super().__call__(critic, real, fake)
            used = [p for name, p in gan.discriminator.named_parameters() if name.startswith("stack") and p.ndim > 1]
            found.append((penalty.detach(), *torch.autograd.grad(penalty, used, retain_graph=True)))
            return penalty

    gan.penalty = Watch(1.0, 1.0)
    gan.penalty(lambda x: gan.critic(x, y).logits, x, x)
    with torch.autocast("cpu", torch.bfloat16):
        gan.discriminator_step(x, x, y)
    for plain, autocast in zip(*found, strict=True):
        assert plain.abs().sum() > 0
        torch.testing.assert_close(autocast, plain)


def test_a_frozen_module_thaws_even_after_a_failure() -> None:
    net = nn.Linear(1, 1)

    def fail() -> None:
        with frozen(net):
            assert not net.weight.requires_grad
            raise RuntimeError("meant")

    with pytest.raises(RuntimeError, match="meant"):
        fail()
    assert net.weight.requires_grad


def test_lr_ratio_is_the_discriminators() -> None:
    d, g = _gan(lr_ratio=4.0).configure_optimizers()
    assert (d.param_groups[0]["lr"], g.param_groups[0]["lr"]) == (4e-3, 1e-3)


def test_a_lazy_penalty_comes_every_third_time_and_three_times_as_strong() -> None:
    real, y = torch.randn(8, 1, 28, 28).tanh(), torch.randint(0, 10, (8,))
    calls: list[int] = []

    class Counting(R1):
        def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
            calls.append(1)
            return super().__call__(critic, real, fake)

    gan = _gan(Counting(1.0, 1.0), penalty_every=3, optimizer=partial(torch.optim.SGD, lr=1e-9))
    steps = [(gan.discriminator_step(real, real, y, step)["loss/penalty"].item(), len(calls)) for step in range(4)]
    assert [count for _, count in steps] == [1, 1, 1, 2]
    assert len({logged for logged, _ in steps}) == 1  # the last one, as it is
    assert steps[0][0] > 0
    once = [p.grad.clone() for p in gan.discriminator.parameters()]
    gan.schedule = replace(gan.schedule, penalty_every=1)
    gan.discriminator_step(real, real, y, 0)
    plain = [p.grad.clone() for p in gan.discriminator.parameters()]
    gan.penalty = Zero()
    gan.discriminator_step(real, real, y, 0)
    for three, one, p in zip(once, plain, gan.discriminator.parameters(), strict=True):
        torch.testing.assert_close(three - p.grad, 3 * (one - p.grad), rtol=1e-3, atol=1e-6)


def test_batch_norm_under_a_penalty_of_each_image_is_refused_and_without_one_sees_real_and_fake_apart() -> None:
    mixing = dcgan.Discriminator(28, 1, 10, 8, 1, "batch", "projection")
    with pytest.raises(
        ValueError, match=r"R1 differentiates each image by itself.*choose network\.norm=none or penalty=none"
    ):
        _gan(R1(1.0, 1.0), mixing)
    seen = []
    hook = mixing.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean().round().item()))
    x, y = torch.ones(8, 1, 28, 28), torch.zeros(8, dtype=torch.long)
    _gan(Zero(), mixing).discriminator_step(x, -x, y)
    hook.remove()
    assert seen == [1, -1]


def test_an_auxiliary_classifier_teaches_both_players_the_labels() -> None:
    gan = _gan(Zero(), _discriminator(condition="auxiliary"), auxiliary=1.0)
    x, y = torch.randn(16, 1, 28, 28).tanh(), torch.arange(16) % 10
    before = gan.critic(x, y).likelihood.mean()
    for _ in range(20):
        gan.discriminator_step(x, torch.zeros_like(x), y)
    assert gan.critic(x, y).likelihood.mean() > before + 0.3
    with_labels, without = [], []
    for weight, found in ((1.0, with_labels), (0.0, without)):
        gan.schedule = replace(gan.schedule, auxiliary=weight)
        torch.manual_seed(0)
        gan.generator_step(gan.generator(torch.randn(16, 16), y), x, y)
        found += [p.grad.clone() for p in gan.generator.parameters()]
    assert any((a - b).abs().max() > 1e-6 for a, b in zip(with_labels, without, strict=True))


def test_what_follows_is_told_of_images_and_logits() -> None:
    class Follow(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

        def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
            return {"told": real.sum() * 0 + images * len(real)}

    gan = _gan(augment=Follow())
    x, y = torch.randn(8, 1, 28, 28), torch.randint(0, 10, (8,))
    assert gan.discriminator_step(x, x, y, images=16)["told"] == 16 * 8


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"lr_decay": 1.5}, r"model\.lr_decay must be a number from 0 to 1"),
        ({"d_steps": 0}, r"model\.(d_steps|penalty_every) must be a whole number from 1"),
        ({"penalty_every": -1}, r"model\.(d_steps|penalty_every) must be a whole number from 1"),
    ],
)
def test_impossible_settings_are_refused(more: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _gan(**more)


@pytest.mark.parametrize("lr", [0.0, 5.0, float("inf")])
def test_an_impossible_learning_rate_is_refused(lr: float) -> None:
    with pytest.raises(ValueError, match=r"optimizer.lr must be a number from 1e-09 to 1"):
        _gan(optimizer=partial(torch.optim.Adam, lr=lr))


def _state(path: Path) -> dict[str, Tensor]:
    contents = checkpoint.load_contents(path)
    optimizers = {
        f"{i}.{j}.{name}": value
        for i, optimizer in enumerate(contents["optimizer_states"])
        for j, state in optimizer["state"].items()
        for name, value in state.items()
    }
    return contents["state_dict"] | optimizers


def _assert_same(a: Path, b: Path) -> None:
    left, right = _state(a), _state(b)
    assert left.keys() == right.keys()
    assert [name for name in left if not torch.equal(*map(torch.as_tensor, (left[name], right[name])))] == []


def test_two_epochs_are_one_and_a_resumed_one_bit_for_bit(short_run: Path, tmp_path: Path) -> None:
    call(train, *SHORT, "trainer.max_epochs=1", f"run_dir={tmp_path / 'half'}")
    # The folder has moved since, and the words typed before come from the checkpoint.
    shutil.move(tmp_path / "half", tmp_path / "moved")
    call(train, f"ckpt={tmp_path / 'moved' / 'last.ckpt'}", "trainer.max_epochs=2")
    _assert_same(short_run / "last.ckpt", tmp_path / "moved" / "last.ckpt")


@pytest.mark.slow
def test_growth_in_mid_fade_and_an_adaptive_augment_resume_bit_for_bit(tmp_path: Path) -> None:
    words = [word for word in SHORT if not word.startswith("network.depth")]
    words += [
        "network=progan",
        "network.stable_images=64",
        "network.fade_images=100",
        "augment=adaptive",
        "augment.target=-1",
    ]
    call(train, *words, "trainer.max_epochs=2", f"run_dir={tmp_path / 'whole'}")
    call(train, *words, "trainer.max_epochs=1", f"run_dir={tmp_path / 'half'}")
    half = _state(tmp_path / "half" / "last.ckpt")
    assert half["generator.growth.images"] == half["discriminator.growth.images"] == 3 * 32  # 32 into the fade
    assert half["augment.p"] > 0
    call(train, f"ckpt={tmp_path / 'half' / 'last.ckpt'}", "trainer.max_epochs=2")
    _assert_same(tmp_path / "whole" / "last.ckpt", tmp_path / "half" / "last.ckpt")


def test_the_generator_moves_every_second_step_where_the_discriminator_takes_two(tmp_path: Path) -> None:
    call(train, *SHORT, "model.d_steps=2", f"run_dir={tmp_path}", "trainer.limit_train_batches=4")
    contents = checkpoint.load_contents(tmp_path / "last.ckpt")
    steps = [next(iter(optimizer["state"].values()))["step"].item() for optimizer in contents["optimizer_states"]]
    assert steps == [4, 2]
    assert contents["state_dict"]["ema._extra_state"] == 4 * 32


def test_the_rates_fall_to_the_end_and_do_not_depend_on_where_a_run_was_cut(tmp_path: Path) -> None:
    call(train, *SHORT, "model.lr_decay=1", "model.lr_ratio=2", f"run_dir={tmp_path}", "trainer.max_epochs=4")
    optimizers = checkpoint.load_contents(tmp_path / "last.ckpt")["optimizer_states"]
    assert [optimizer["param_groups"][0]["lr"] for optimizer in optimizers] == pytest.approx([2 * 1e-3 / 4, 1e-3 / 4])


def test_the_same_words_make_the_same_run_and_another_seed_another(short_run: Path, tmp_path: Path) -> None:
    call(train, *SHORT, "trainer.max_epochs=2", f"run_dir={tmp_path / 'again'}")
    _assert_same(short_run / "last.ckpt", tmp_path / "again" / "last.ckpt")
    call(train, *SHORT, "trainer.max_epochs=2", "seed=1", f"run_dir={tmp_path / 'other'}")
    with pytest.raises(AssertionError):
        _assert_same(short_run / "last.ckpt", tmp_path / "other" / "last.ckpt")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch about its own workings
@pytest.mark.skipif(not shutil.which("c++"), reason="torch compiles with a C++ compiler")
def test_compiled_networks_learn_what_eager_ones_do_and_the_penalty_keeps_its_gradient() -> None:
    real, y = torch.randn(8, 1, 28, 28).tanh(), torch.randint(0, 10, (8,))
    found = []
    for mode in (None, "default"):
        torch.manual_seed(0)
        gan = _gan(penalty=R1(10.0, 1.0), compile=mode)
        fake = gan.generator(torch.randn(8, 16), y)
        losses = gan.discriminator_step(real, fake.detach(), y) | gan.generator_step(fake, real, y)
        found.append([*losses.values(), *(p.grad for p in gan.parameters() if p.grad is not None)])
        assert all(not name.startswith("_orig_mod") for name in gan.state_dict())
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, eager, rtol=1e-3, atol=1e-5)


def test_an_unknown_way_to_compile_is_refused_and_one_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"model\.compile must be null or one of default, reduce-overhead, max-autotune, got fast"
    ):
        _gan(compile="fast")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="needs a C"):
        _gan(compile="default")
