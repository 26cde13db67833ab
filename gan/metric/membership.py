"""Membership inference: does a generator give away which images it was trained on?

An attack scores every image, higher if it looks like a member of the training images. It fails if
members and others, from one pool, score alike (Hayes et al. 2019; Hilprecht et al. 2019).
"""

from typing import NamedTuple

from torch import Tensor

from gan.metric.manifold import nearest
from gan.metric.two_sample import share_below

FALSE_ALARMS = 0.01  # the share of others that may be taken for members (Carlini et al. 2022)


class Attack(NamedTuple):
    """The scores of members [N] and of others [M]."""

    members: Tensor
    others: Tensor

    @property
    def auc(self) -> float:
        """Probability that a member scores above another image; ties count half. 0.5 is chance."""
        return share_below(self.members, self.others).mean().item()

    @property
    def error(self) -> float:
        """The standard error of the AUC (DeLong et al. 1988)."""
        of_members, of_others = share_below(self.members, self.others), share_below(self.others, self.members)
        return (of_members.var() / len(of_members) + of_others.var() / len(of_others)).sqrt().item()

    @property
    def caught(self) -> float:
        """Share of members that score above all but 1 % of the others: chance is 0.01."""
        limit = self.others.double().quantile(1 - FALSE_ALARMS)
        return (self.members.double() > limit).double().mean().item()


def by_distance(members: Tensor, others: Tensor, fakes: Tensor) -> Attack:
    """Members lie nearer to a fake: rows [N, D], [M, D] and [K, D] of pixels or features."""
    return Attack(-nearest(members, fakes)[:, 0], -nearest(others, fakes)[:, 0])


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """log p(y | x) [N] of a classifier's logits [N, classes] and the labels int64 [N]."""
    return logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
