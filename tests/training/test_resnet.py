"""helpers.training.resnet against paddle.vision.models, and its arguments."""
from helpers import runtime
from helpers.training import parallel, resnet
from tests.tools.small_training import fit, small_network

import numpy as np
import paddle
import pytest
from paddle import nn


def test_resnet18_gives_the_same_numbers_as_paddles_with_the_same_weights():
    runtime.seed(0)
    ours, theirs = (module.resnet18(num_classes=2) for module in (resnet, paddle.vision.models))
    # Both list their tensors in the order of the layers.
    source = list(theirs.state_dict().values())
    target = list(ours.state_dict().values())
    assert [tuple(t.shape) for t in target] == [tuple(t.shape) for t in source]
    for to, value in zip(target, source, strict=True):
        to.set_value(value)
    x = paddle.randn([2, 3, 64, 64])
    for mode in ("train", "eval"):  # training first: the moving statistics must come out equal, too
        getattr(ours, mode)()
        getattr(theirs, mode)()
        np.testing.assert_allclose(ours(x).numpy(), theirs(x).numpy(), rtol=1e-4, atol=1e-4)
    assert sum(p.size for p in ours.parameters()) == sum(p.size for p in theirs.parameters())


@pytest.mark.parametrize(("stem", "size"), [("imagenet", 2), ("small-kernel", 2), ("small", 8)])
def test_stem_sets_the_size_of_the_feature_map(stem, size):
    model = resnet.resnet18(width=4, stem=stem)
    assert model.stages(model.stem(paddle.zeros([1, 3, 64, 64]))).shape == [1, 32, size, size]


def test_width_scales_every_layer():
    model = resnet.resnet18(width=4, num_classes=5, in_channels=1)
    assert model.fc.weight.shape == [4 * 8, 5]
    assert model(paddle.zeros([3, 1, 32, 32])).shape == [3, 5]


@pytest.mark.parametrize("norm", [resnet.group_norm, resnet.no_norm])
def test_no_batch_norm_is_left_when_another_norm_is_asked_for(norm):
    model = resnet.resnet18(width=8, norm=norm)
    kinds = {type(layer) for layer in model.sublayers()}
    assert nn.BatchNorm2D not in kinds
    assert (nn.GroupNorm in kinds) == (norm is resnet.group_norm)
    has_bias = {layer.bias is not None for layer in model.sublayers() if isinstance(layer, nn.Conv2D)}
    assert has_bias == {norm is resnet.no_norm}
    model.train()
    x = paddle.randn([4, 3, 32, 32])
    np.testing.assert_allclose(model(x)[:1].numpy(), model(x[:1]).numpy(), rtol=1e-3, atol=1e-4)  # no batch statistics


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (8, 1), (16, 2), (64, 8)])
def test_group_norm_has_eight_channels_in_a_group(channels, groups):
    assert resnet.group_norm(channels)._num_groups == groups


@pytest.mark.parametrize("norm", [nn.BatchNorm2D, nn.BatchNorm])
def test_frozen_features_stay_and_the_last_layer_learns(norm):
    model = small_network(num_classes=2, norm=norm)
    before = {name: value.numpy() for name, value in model.state_dict().items()}
    model.freeze_features()
    fit(model, epochs=1)
    changed = {name for name, value in model.state_dict().items() if not np.array_equal(value.numpy(), before[name])}
    assert changed == {"fc.weight", "fc.bias"}


def test_frozen_features_have_no_batch_norm_that_gathers():
    """SyncBatchNorm, which the CPU cannot compute, and layers that were in evaluation mode meanwhile."""
    model = small_network(norm=nn.SyncBatchNorm)
    model.stages.eval()
    model.freeze_features()
    model.train()
    gathering, frozen = parallel.batch_norms(model)
    assert not gathering and len(frozen) == 20


def test_dropout_acts_in_training_only():
    runtime.seed(0)
    model = resnet.resnet18(width=4, dropout=0.5, norm=resnet.no_norm)
    x = paddle.randn([2, 3, 32, 32])
    assert not np.array_equal(model(x).numpy(), model(x).numpy())
    model.eval()
    np.testing.assert_array_equal(model(x).numpy(), model(x).numpy())


@pytest.mark.parametrize(("arguments", "said"), [({"stem": "big"}, "stem must be"), ({"width": 0}, "width must be")])
def test_bad_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        resnet.resnet18(**arguments)
