"""The GAN of few labels: what it does with unknown ones."""

import pytest
import torch

from gan.network import dcgan, semi
from gan.network.semi import Discriminator, Guess


def _discriminator(condition: str = "both") -> Discriminator:
    return Discriminator(size=8, channels=1, classes=3, width=4, depth=0, norm="none", condition=condition)


def test_an_unknown_label_has_no_likelihood_and_a_known_one_is_judged_as_by_dcgan() -> None:
    net, x = _discriminator(), torch.randn(4, 1, 8, 8)
    logits, likelihood = net(x, torch.tensor([0, 2, -1, -1]))
    plain = dcgan.Discriminator(8, 1, 3, 4, 0, "none", "both")
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith("guess.")})
    known = plain(x, torch.tensor([0, 2, 0, 0]))
    torch.testing.assert_close(logits[:2], known.logits[:2])
    torch.testing.assert_close(likelihood[:2], known.likelihood[:2])
    assert likelihood[2:].tolist() == [0, 0]
    torch.testing.assert_close(logits[2:], net.head.logit(net.stack(x))[2:, 0])  # of an image of any class


def test_a_guess_counts_from_the_average_confidence_of_its_class() -> None:
    guess = Guess(2)
    guess.tau.fill_(0.9)
    guess.shares.copy_(torch.tensor([0.8, 0.4]))  # class 1 is rarer: its threshold is about 0.45
    logits = torch.tensor([[0.95, 0.05], [0.85, 0.15], [0.35, 0.65]]).log()
    assert guess(logits).tolist() == [0, -1, 1]
    assert guess.tau.item() == pytest.approx(0.98 * 0.9 + 0.02 * (0.95 + 0.85 + 0.65) / 3)
    assert guess.shares[0].item() == pytest.approx(0.98 * 0.8 + 0.02 * (0.95 + 0.85 + 0.35) / 3)


def test_known_labels_stay_and_unknown_ones_are_guessed() -> None:
    net, x = _discriminator(), torch.randn(6, 1, 8, 8)
    y = torch.tensor([0, 1, 2, -1, -1, -1])
    found = net.complete(x, y)
    assert found[:3].tolist() == [0, 1, 2]
    guesses = net.classify(x).argmax(1)
    assert all(label in (-1, guess) for label, guess in zip(found[3:].tolist(), guesses[3:].tolist(), strict=True))
    assert not found.requires_grad
    other = _discriminator("projection")
    assert other.needs_labels
    assert torch.equal(other.complete(x, y), y)


def test_a_generator_draws_known_labels_and_the_classes_in_turn_for_unknown_ones() -> None:
    net = semi.Generator(size=8, channels=1, classes=3, latent=2, width=4, depth=0)
    assert net.ask(torch.tensor([-1, 2, -1, -1, 0])).tolist() == [0, 2, 2, 0, 0]
    assert semi.Generator(8, 1, 0, 2, 4, 0).ask(torch.tensor([-1, 5])).tolist() == [0, 5]
