"""The arithmetic of the strategies that train on two lists at once."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional

from paddle_transfer import dotpath
from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.domain_adaptation import (
    DomainAdaptation,
    DomainAdaptationOptions,
)
from paddle_transfer.strategies.multi_task import MultiTaskOptions
from paddle_transfer.strategies.section import check_strategy
from paddle_transfer.strategies.worker import alignment
from paddle_transfer.strategies.worker.domains import DomainAdaptationHalf
from paddle_transfer.strategies.worker.multi_task import MultiTaskHalf

CLASSES, EPOCHS, STEPS = 3, 4, 5


class Network(nn.Layer):
    """Three halvings of the resolution, features [n, 6], a classifier."""

    def __init__(self, *, norm=True):
        super().__init__()
        self.blocks = nn.Sequential(*(
            nn.Conv2D(channels, 6, 3, stride=2, padding=1) for channels in (3, 6, 6)))
        self.norm = nn.BatchNorm1D(6) if norm else nn.Identity()
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, images):
        return self.fc(self.norm(self.blocks(images).mean([2, 3])))


class Engine:
    """What the halves may use of the real one, on batches that the test gives."""

    def __init__(self, model, **streams):
        self.model, self.streams = model, streams
        self.config = {"Global": {"epochs": EPOCHS}}
        self.train_dataloader = range(STEPS)

    def further_batches(self, part):
        return iter(self.streams[part])

    whole_list = further_batches

    def forward(self, images, labels=None):
        del labels
        return self.model(images)

    def loss_of(self, images, labels):
        return functional.cross_entropy(self.model(images), labels)


def batch(seed, images=4, shift=0.0, labels=True):
    paddle.seed(seed)
    made = paddle.rand([images, 3, 16, 16]) + shift
    return [made, paddle.randint(0, CLASSES, [images, 1])] if labels else [made]


def opened(kind, options, *, source=False, norm=True):
    config = {"Arch": {"name": "Network", "class_num": CLASSES},
              "DataLoader": {"Source": {"dataset": {}}} if source else {}}
    paddle.seed(0)
    half, model = kind(options, config), Network(norm=norm)
    half.find_head = lambda: ("fc.weight", "fc.bias")
    half.count_classes = lambda _: 7
    return half, model, half.model_built(model)


def step(half, engine, of_train):
    """The losses of one step, as the training loop has them made."""
    loss = functional.cross_entropy(engine.model(of_train[0]), of_train[1])
    return float(loss), half.losses(engine, of_train, {"CELoss": loss, "loss": loss})


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, 2.5])
def test_the_reversed_gradient_is_minus_weight_times(weight):
    features = paddle.to_tensor(np.random.default_rng(0).normal(size=(4, 3)).astype("float32"))
    features.stop_gradient = False
    made = alignment.reverse_gradient(features, weight)
    assert np.array_equal(made.numpy(), features.numpy())
    (made * made).sum().backward()
    assert np.allclose(features.grad.numpy(), -weight * 2 * features.numpy(), atol=1e-6)


def test_the_ramp_is_that_of_the_paper():
    for progress in (0.0, 0.1, 0.5, 1.0):
        assert alignment.ramp(progress) == pytest.approx(2 / (1 + math.exp(-10 * progress)) - 1)
    assert alignment.ramp(0) == 0


def test_coral_is_the_distance_of_covariances():
    generator = np.random.default_rng(1)
    source, target = generator.normal(size=(8, 5)), 3 * generator.normal(size=(11, 5))
    expected = ((np.cov(source.T) - np.cov(target.T)) ** 2).sum() / (4 * 5**2)
    made = alignment.coral(*(paddle.to_tensor(one.astype("float32")) for one in (source, target)))
    assert float(made) == pytest.approx(expected, rel=1e-5)


def test_both_domains_count_half_in_the_discriminators_loss():
    source, target = paddle.to_tensor([[0.5], [-1.0]]), paddle.to_tensor([[2.0]])
    loss, right = alignment.domain_loss(source, target)
    of_source = np.log1p(np.exp([0.5, -1.0])).mean()
    assert float(loss) == pytest.approx((of_source + math.log1p(math.exp(-2.0))) / 2, rel=1e-5)
    assert float(right) == pytest.approx((0.5 + 1.0) / 2)


def test_the_loss_of_two_tasks_is_the_formula():
    half, model, (head,) = opened(MultiTaskHalf, MultiTaskOptions(weight=0.25), source=True)
    of_train, of_source = batch(1), batch(2, images=6)
    engine = Engine(model, Source=[of_source])
    half.epoch_started(engine, 1)
    target, losses = step(half, engine, of_train)
    features = model.norm(model.blocks(of_source[0]).mean([2, 3]))
    source = float(functional.cross_entropy(head(features), of_source[1]))
    assert float(losses["SourceLoss"]) == pytest.approx(source, abs=1e-6)
    assert float(losses["loss"]) == pytest.approx(source + 0.25 * target, abs=1e-6)
    assert head.weight.shape == [6, 7]


def test_the_target_alone_is_trained_in_the_last_epochs():
    half, model, _ = opened(MultiTaskHalf, MultiTaskOptions(target_epochs=1), source=True)
    engine = Engine(model, Source=[batch(2)] * 9)
    for epoch in range(1, EPOCHS + 1):
        half.epoch_started(engine, epoch)
        _, losses = step(half, engine, batch(1))
        assert ("SourceLoss" in losses) == (epoch < EPOCHS)


def test_the_second_classifier_is_trained_and_not_in_the_network():
    _, model, (head,) = opened(MultiTaskHalf, MultiTaskOptions(), source=True)
    own = {id(one) for one in model.parameters()}
    assert not own & {id(one) for one in head.parameters()}
    assert set(model.state_dict()) == set(Network().state_dict())


def adversarial(weight, *, steps=120, rate=0.04):
    """The discriminator's accuracy at the end of training on two domains that differ in brightness,
    by a network without BatchNorm (which would take that difference out).

    :param weight: of the reversed gradient, constant
    """
    half, model, (discriminator,) = opened(DomainAdaptationHalf, DomainAdaptationOptions(
        weight=weight, schedule="constant", hidden=16), norm=False)
    engine = Engine(model, Unlabeled=[batch(100 + i, 16, 1.0, labels=False) for i in range(steps)])
    half.epoch_started(engine, 1)
    optimizer = paddle.optimizer.Momentum(rate, parameters=[*model.parameters(),
                                                            *discriminator.parameters()])
    right = []
    for i in range(steps):
        _, losses = step(half, engine, batch(i, 16))
        losses["loss"].backward()
        optimizer.step()
        optimizer.clear_grad()
        right.append(float(losses["DomainAccuracy"]))
    return np.mean(right[-10:])


def test_the_discriminator_learns_without_a_reversed_gradient():
    assert adversarial(0.0) > 0.9


def test_the_discriminator_is_at_chance_at_the_end_with_one():
    assert adversarial(1.0) < 0.7


def test_the_weight_grows_with_the_steps():
    half, model, _ = opened(DomainAdaptationHalf, DomainAdaptationOptions(weight=2.0))
    engine = Engine(model, Unlabeled=[batch(i, labels=False) for i in range(STEPS)])
    half.epoch_started(engine, 1)
    for i in range(3):
        assert half._weight(engine) == pytest.approx(2 * alignment.ramp(i / (EPOCHS * STEPS)))
        step(half, engine, batch(1))


def test_coral_is_added_with_its_weight():
    half, model, extra = opened(DomainAdaptationHalf, DomainAdaptationOptions(
        method="coral", weight=0.5, schedule="constant"))
    engine = Engine(model, Unlabeled=[batch(3, labels=False)])
    assert extra == ()
    half.epoch_started(engine, 1)
    loss, losses = step(half, engine, batch(1))
    assert float(losses["CoralLoss"]) > 0
    assert float(losses["loss"]) == pytest.approx(loss + 0.5 * float(losses["CoralLoss"]), abs=1e-6)


def test_few_labelled_images_of_the_target_are_of_its_domain():
    """They are learnt beside the source's, and the discriminator has them on the target's side."""
    half, model, (discriminator,) = opened(DomainAdaptationHalf, DomainAdaptationOptions(
        schedule="constant"), source=True)
    few, of_source, unlabelled = batch(1), batch(2), batch(3, labels=False)
    engine = Engine(model, Source=[of_source], Unlabeled=[unlabelled])
    half.epoch_started(engine, 1)
    _, losses = step(half, engine, few)

    def features(images):
        return model.norm(model.blocks(images).mean([2, 3]))

    expected, _ = alignment.domain_loss(discriminator(features(of_source[0])), discriminator(
        paddle.concat([features(few[0]), features(unlabelled[0])])))
    assert float(losses["DomainLoss"]) == pytest.approx(float(expected), abs=1e-5)
    parts = [float(losses[name]) for name in ("CELoss", "SourceLoss", "DomainLoss")]
    assert float(losses["loss"]) == pytest.approx(sum(parts), abs=1e-5)


@pytest.mark.parametrize(("kind", "options", "part"), [
    (DomainAdaptationHalf, DomainAdaptationOptions(method="adabn"), "Unlabeled"),
    (DomainAdaptationHalf, DomainAdaptationOptions(method="coral"), "Unlabeled"),
    (MultiTaskHalf, MultiTaskOptions(), "Train")])
def test_batchnorm_takes_the_mean_of_the_batches_statistics(kind, options, part):
    half, model, _ = opened(kind, options)
    batches = [batch(seed, shift=1.0, labels=False) for seed in range(3)]
    engine = Engine(model, **{"Unlabeled": [], "Source": [], part: batches})
    before = {name: value.numpy().copy() for name, value in model.named_parameters()
              if not name.startswith("norm._")}
    model.train()
    half.epoch_started(engine, 1)
    half.before_evaluation(engine)
    with paddle.no_grad():
        inner = [model.blocks(one[0]).mean([2, 3]).numpy() for one in batches]
    assert np.allclose(model.norm._mean.numpy(), np.mean([one.mean(0) for one in inner], 0),
                       atol=1e-5)
    assert np.allclose(model.norm._variance.numpy(), np.mean([one.var(0) for one in inner], 0),
                       atol=1e-5)
    assert model.norm.training
    assert model.norm._momentum == nn.BatchNorm1D(6)._momentum
    assert all(np.array_equal(before[name], value.numpy())
               for name, value in model.named_parameters() if name in before)


def test_information_is_the_share_of_what_classes_can_tell():
    sure = paddle.to_tensor(np.eye(4, dtype="float32"))
    assert alignment.information(sure) == pytest.approx(1, abs=1e-6)
    assert alignment.information(paddle.ones([5, 4]) / 4) == pytest.approx(0, abs=1e-6)
    assert alignment.information(sure[:1].tile([5, 1])) == pytest.approx(0, abs=1e-6)
    answers = np.array([[0.9, 0.1], [0.4, 0.6]])
    mean = answers.mean(0)
    expected = (-(mean * np.log(mean)).sum() + (answers * np.log(answers)).sum() / 2) / math.log(2)
    made = alignment.information(paddle.to_tensor(answers.astype("float32")))
    assert made == pytest.approx(expected, abs=1e-6)


def test_it_is_chosen_without_labels_of_the_target():
    half, model, _ = opened(DomainAdaptationHalf, DomainAdaptationOptions())
    unlabelled = [batch(seed, labels=False) for seed in range(2)]
    engine = Engine(model, Unlabeled=unlabelled)
    engine.metric = "top1"
    assert half.measured(engine, 0.5) == {}
    engine.metric = "target_free"
    model.eval()
    answers = functional.softmax(paddle.concat([model(one[0]) for one in unlabelled]), -1)
    expected = (0.5 + alignment.information(answers)) / 2
    assert half.measured(engine, 0.5) == {"target_free": pytest.approx(expected, abs=1e-6)}


def test_adabn_of_a_network_without_batch_norm_is_refused():
    half = DomainAdaptationHalf(DomainAdaptationOptions(method="adabn"),
                                {"Arch": {"class_num": CLASSES}, "DataLoader": {}})
    with pytest.raises(TrialError, match="adabn needs a network with BatchNorm, and Linear has no"):
        half.model_built(nn.Linear(2, CLASSES))


def test_several_classifiers_are_refused():
    half = MultiTaskHalf(MultiTaskOptions(), {"Arch": {"class_num": CLASSES}})
    model = Network()
    model.other = nn.Linear(6, CLASSES)
    half.find_head = lambda: ("fc.weight", "fc.bias", "other.weight", "other.bias")
    with pytest.raises(TrialError, match="needs a network with one classifier, and this one has 2"):
        half.model_built(model)


@pytest.mark.parametrize(("path", "value"), [
    ("Global.use_multilabel", True), ("Global.use_dali", True), ("Global.train_mode", "metabin"),
    ("Global.checkpoints", "./latest"), ("Global.eval_mode", "retrieval"),
    ("Arch.models", [{"Student": {"name": "VGG11"}}]),
    ("DataLoader.Source.dataset.batch_transform_ops", [{"MixupOperator": {"alpha": 0.2}}]),
    ("DataLoader.Source.dataset.name", "VeriWild")])
def test_what_does_not_go_with_two_lists_is_told(path, value):
    config = {"Global": {}, "Arch": {"name": "VGG11"}, "DataLoader": {
        "Source": {"dataset": {"name": "ImageNetDataset"}, "sampler": {"name": "S"},
                   "loader": {"num_workers": 0}}},
        "Transfer": {"strategy": "multi_task", "pretrained": "none"}}
    assert check_strategy(config) == []
    for key in ("dataset", "sampler", "loader"):
        less = dotpath.clone(config)
        dotpath.delete(less, f"DataLoader.Source.{key}")
        assert [str(issue) for issue in check_strategy(less)] == [
            f"DataLoader.Source.{key}: is needed; found nothing there. Write it as "
            f"DataLoader.Train.{key}."]
    dotpath.set_(config, path, value, create=True)
    (issue,) = check_strategy(config)
    assert issue.where == path
    assert "under the strategy multi_task" in issue.rule or value == "VeriWild"


def test_options_without_an_effect_are_equal():
    strategy = DomainAdaptation()
    for method, same in (("adabn", {"weight": 3.0, "hidden": 7}), ("coral", {"hidden": 7})):
        one, other = (strategy.effective(DomainAdaptationOptions(method=method, **values))
                      for values in ({}, same))
        assert one == other
    one, other = (strategy.effective(DomainAdaptationOptions(hidden=hidden)) for hidden in (7, 8))
    assert one != other
