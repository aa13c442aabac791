"""What PaddleClas, above all the 2.4.2 wheel of 2022, needs on top of today's libraries. Each with its reason."""

from __future__ import annotations

import inspect


def before_paddle() -> None:
    """Call before the first ``import paddle`` of the process; calling it again does nothing."""
    # Paddle 2.6.2 brings a zlib of its own, and what Python's zlib module first calls after `import paddle` is found
    # in Paddle's copy: importing scikit-learn (ppcls.metric does) then ended in a segmentation fault in inflateReset2
    # or in "inconsistent stream state". Calling it once before binds it to the right copy.
    import zlib
    zlib.decompressobj().decompress(zlib.compress(b"bound"))
    import numpy as np
    # numpy 1.24 removed the aliases of Python's own types. ppcls.data.preprocess uses np.int (2.4's autoaugment)
    # and np.bool (2.6's MixupCutmixHybrid; numpy 2 has an np.bool of its own again).
    for name, kind in (("int", int), ("bool", bool), ("float", float)):
        if name not in np.__dict__:
            setattr(np, name, kind)


def after_ppcls() -> None:
    """Call after ``ppcls.engine.engine`` was imported."""
    from ppcls.utils.misc import AverageMeter
    # 2.4 renders averages with ``self.avg.numpy()[0]``; since Paddle 2.6 a mean is a 0-D tensor, which has no [0].
    # float() is what 2.5 and newer do, and takes both.
    AverageMeter.avg_info = property(_average_info)

    from ppcls.data.preprocess.batch_ops.batch_operators import BatchOperator
    # cutmix hands over a numpy float64; numpy 2 then makes the labels float64 (numpy 1 kept float32), and the loss
    # refuses them. A Python float leaves them float32 on both.
    if not hasattr(BatchOperator._mix_target, "shimmed"):
        BatchOperator._mix_target = _with_plain_lambda(BatchOperator._mix_target)

    # develop's Cutout forgets its fill_value: with any but 'none' the first picture raises AttributeError
    from ppcls.data.preprocess.ops.cutout import Cutout
    if "fill_value" in inspect.signature(
            Cutout.__init__).parameters and not hasattr(Cutout(), "fill_value"):
        Cutout.__call__ = _cutout

    # gone since Python 3.11; 2.4's SGD asks it for the names of a constructor's arguments
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = inspect.getfullargspec

    from paddle.io.dataloader import dataloader_iter
    iterator = dataloader_iter._DataLoaderIterSingleProcess
    # Without data workers (num_workers: 0) a thread reads; when it raises anything, Paddle leaves the training waiting
    # for ever. PaddleClas replaces an unreadable image by another one, so that happens when none can be read.
    if not hasattr(iterator._thread_loop, "shimmed"):
        iterator._thread_loop = _with_audible_failure(iterator._thread_loop)


def _with_plain_lambda(mix_target):
    def shimmed(self, labels0, labels1, lam):
        return mix_target(self, labels0, labels1, float(lam))
    shimmed.shimmed = True
    return shimmed


def _cutout(self, img):
    """As in 2.4 to 2.6: squares become 0, which is the mean where pictures are normalized before."""
    import numpy as np

    height, width = img.shape[:2]
    half = self.length // 2
    for _ in range(self.n_holes):
        y, x = np.random.randint(height), np.random.randint(width)
        img[max(y - half, 0):y + half, max(x - half, 0):x + half] = 0
    return img


def _with_audible_failure(thread_loop):
    def shimmed(self, *args, **kwargs):
        try:
            thread_loop(self, *args, **kwargs)
        except BaseException as error:
            self.failure = error
            self._exit_thread_unexpectedly()
    shimmed.shimmed = True
    return shimmed


def _average_info(meter) -> str:
    meter.avg = float(meter.avg)
    return f"{meter.name}: {meter.avg:.5f}"
