"""The half of ``Toy`` in a trial's process."""

from paddle import nn

from paddle_transfer.strategies.worker.base import WorkerHalf


class ToyHalf(WorkerHalf):
    def model_built(self, model):
        for name, parameter in model.named_parameters():
            parameter.stop_gradient = not name.startswith("fc.")
        self.first = next(iter(model.parameters()))
        self.extra = nn.Linear(1, 1)
        return [self.extra]

    def epoch_started(self, engine, epoch):
        assert engine.model.training
        trained = {id(p) for p in engine.optimizer[0]._parameter_list}
        assert {id(p) for p in self.extra.parameters()} <= trained, "further layers are trained"
        self.first.stop_gradient = epoch < self.options.thaw_in
        momentum = engine.optimizer[0]._momentum
        print(f"toy: epoch {epoch}, momentum {momentum}, frozen {self.first.stop_gradient}")
