"""Search spaces: settings become distributions, and values become overrides."""

from omegaconf import DictConfig
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gan.cli.compose import compose
from gan.tune.space import from_sweep, to_override


def test_a_space_has_the_kinds_of_train_pys_settings() -> None:
    cfg = compose(
        "tune", ["+sweep.network.width={low: 16, high: 48, step: 16}", "+sweep.model.d_steps={choices: [1, 2]}"]
    )
    found = from_sweep(cfg.sweep, [])
    assert found["optimizer.lr"] == FloatDistribution(1e-4, 4e-3, log=True)
    assert found["optimizer.betas.0"] == FloatDistribution(0.0, 0.5)
    assert found["network.width"] == IntDistribution(16, 48, step=16)
    assert found["model.d_steps"] == CategoricalDistribution([1, 2])
    assert "batch_size" not in from_sweep(cfg.sweep, ["batch_size=64"])  # typed is fixed


def test_a_space_may_be_written_with_dots_and_choose_lists() -> None:
    found = from_sweep(
        DictConfig({"optimizer.lr": {"low": 0.001, "high": 1}, "optimizer.betas": {"choices": [[0, 0.9]]}}), []
    )
    assert found["optimizer.lr"] == FloatDistribution(0.001, 1.0)
    assert to_override("optimizer.betas", found["optimizer.betas"].choices[0]) == "optimizer.betas=[0, 0.9]"


def test_a_path_among_the_choices_is_quoted_for_hydra() -> None:
    override = to_override("data.root", "it's, mine")
    assert override == r"data.root='it\'s, mine'"
    assert compose("train", [override, "run_dir=."]).data.root == "it's, mine"
