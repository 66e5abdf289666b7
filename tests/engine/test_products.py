"""Fast products: the numbers of torch.matmul and nn.Linear, and a setting that is nobody else's."""

import copy
import io
import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from nmt_attn.attention import build_mixer
from nmt_attn.engine import products
from nmt_attn.engine.products import FAST, FastLinear, fast_matmul, fast_products_pay, fast_scope, speed_up
from nmt_attn.spec import AttentionSpec, Site, Terms

OUTER = [
    ((), ()),
    ((3,), ()),
    ((), (3,)),
    ((3, 4), (3, 4)),
    ((1, 4), (3, 4)),
    ((3, 4), (1, 4)),
    ((3, 1), (1, 4)),
    ((3, 4), (4,)),
    ((1, 1), (1, 1)),
    ((2, 3, 1), (1, 4)),
]


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "PAYS_FROM", 0)


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "fast_products_pay", lambda: True)


@pytest.fixture
def fresh_probe() -> Iterator[None]:
    fast_products_pay.cache_clear()
    yield
    fast_products_pay.cache_clear()


def _random(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _with_gradients(function: Callable[..., Tensor], *inputs: Tensor) -> list[Tensor]:
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    return [y, *torch.autograd.grad((y * _random(*y.shape, seed=9)).sum(), leaves)]


def _assert_same(found: list[Tensor], wanted: list[Tensor]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= 2e-6 * other.abs().max()


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize(("outer_a", "outer_b"), OUTER)
def test_fast_matmul_and_its_gradients_are_those_of_torch(outer_a: tuple[int, ...], outer_b: tuple[int, ...]) -> None:
    operands = _random(*outer_a, 5, 6), _random(*outer_b, 6, 7, seed=2)
    _assert_same(_with_gradients(fast_matmul, *operands), _with_gradients(torch.matmul, *operands))


@pytest.mark.usefixtures("every_size")
def test_operands_in_any_order_in_memory_give_the_same() -> None:
    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (4, 6)).transpose(1, 2)

    tokens = _random(3, 5, 24), _random(3, 7, 24, seed=2)
    values = _random(3, 4, 5, 7), _random(1, 4, 7, 6, seed=2)
    found, wanted = (
        [
            *_with_gradients(lambda q, k, matmul=matmul: matmul(heads(q), heads(k).transpose(-2, -1)), *tokens),
            *_with_gradients(lambda w, v, matmul=matmul: matmul(w, v.expand(3, -1, -1, -1)), *values),
        ]
        for matmul in (fast_matmul, torch.matmul)
    )
    _assert_same(found, wanted)


@pytest.mark.usefixtures("every_size")
def test_an_operand_of_size_one_on_an_axis_is_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    true_bmm = torch.bmm
    monkeypatch.setattr(torch, "bmm", lambda a, b: (seen.append((a.shape, b.shape)), true_bmm(a, b))[1])
    _with_gradients(fast_matmul, _random(3, 4, 5, 6), _random(1, 4, 6, 7))
    assert seen == [((4, 15, 6), (4, 6, 7)), ((4, 15, 7), (4, 7, 6)), ((4, 7, 15), (4, 15, 6))]


@pytest.mark.usefixtures("every_size")
def test_the_output_can_be_changed_in_place() -> None:
    a, linear = _random(3, 4, 5, 6).requires_grad_(), FastLinear(6, 5)
    fast_matmul(a, _random(1, 4, 6, 7)).mul_(2.0).sum().backward()
    linear(_random(3, 4, 6)).mul_(2.0).sum().backward()
    assert a.grad is not None
    assert linear.weight.grad is not None


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 6), (3, 5, 6), (2, 3, 5, 6)])
def test_a_fast_linear_layer_computes_what_an_ordinary_one_does(shape: tuple[int, ...], bias: bool) -> None:
    linear, fast = nn.Linear(6, 4, bias=bias), FastLinear(6, 4, bias=bias)
    fast.load_state_dict(linear.state_dict())

    def call(module: nn.Module) -> Callable[..., Tensor]:
        names = [name for name, _ in module.named_parameters()]
        return lambda x, *values: torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))

    x = _random(*shape)
    for rows in (x, x.transpose(0, -2).contiguous().transpose(0, -2)):
        _assert_same(
            _with_gradients(call(fast), rows, *fast.parameters()),
            _with_gradients(call(linear), rows, *linear.parameters()),
        )


@pytest.mark.usefixtures("every_size")
def test_gradients_that_nobody_needs_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    linear, counts, true_mm = FastLinear(6, 4), [], torch.mm
    linear.weight.requires_grad_(False)
    y = linear(_random(5, 6).requires_grad_())
    monkeypatch.setattr(torch, "mm", lambda *operands: (counts.append(1), true_mm(*operands))[1])
    y.sum().backward()
    assert len(counts) == 1
    assert linear.weight.grad is None


@pytest.mark.usefixtures("every_size")
def test_other_kinds_of_numbers_and_vectors_go_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "fast_scope", None)  # entering it would fail
    double = _random(3, 5, dtype=torch.float64)
    assert torch.equal(fast_matmul(double, double.t()), double @ double.t())
    vector = _random(5)
    assert torch.equal(fast_matmul(vector, vector), vector @ vector)
    linear = FastLinear(5, 4)
    assert linear(vector).shape == (4,)
    assert linear.double()(double).dtype == torch.float64
    with torch.autocast("cpu", torch.bfloat16):
        assert fast_matmul(_random(3, 5), _random(5, 3)).dtype == torch.bfloat16
        assert FastLinear(5, 4)(_random(3, 5)).dtype == torch.bfloat16
    with pytest.raises(RuntimeError):
        fast_matmul(_random(3, 5), _random(4, 3))


def test_small_products_go_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "fast_scope", None)
    assert fast_matmul(_random(3, 5), _random(5, 3)).shape == (3, 3)
    assert FastLinear(5, 4)(_random(3, 5)).shape == (3, 4)


@pytest.mark.usefixtures("every_size")
def test_without_gradients_the_numbers_are_the_same() -> None:
    with torch.no_grad():
        _assert_same([fast_matmul(_random(3, 5), _random(5, 4))], [_random(3, 5) @ _random(5, 4)])
        assert not FastLinear(5, 4)(_random(3, 5)).requires_grad


def _setting() -> str:
    return torch.backends.mkldnn.matmul.fp32_precision


def test_the_setting_is_that_of_processors_alone() -> None:
    before = torch.backends.cuda.matmul.fp32_precision
    with fast_scope():
        assert torch.backends.cuda.matmul.fp32_precision == before


@pytest.mark.usefixtures("every_size")
def test_the_setting_is_put_back_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _setting()
    inside = []
    true_bmm = torch.bmm

    def watched(a: Tensor, b: Tensor) -> Tensor:
        inside.append(_setting())
        return true_bmm(a, b)

    monkeypatch.setattr(torch, "bmm", watched)
    _with_gradients(fast_matmul, _random(2, 3, 5), _random(2, 5, 4))
    assert inside == ["bf16"] * 3
    assert before != "bf16"
    assert _setting() == before
    with pytest.raises(ZeroDivisionError), fast_scope():
        _ = 1 / 0
    assert _setting() == before


@pytest.mark.usefixtures("every_size", "paying")
def test_fused_attention_runs_outside_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    attend = nn.functional.scaled_dot_product_attention
    seen = []

    def watched(*operands: Tensor) -> Tensor:
        seen.append(_setting())
        return attend(*operands)

    class Site(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.projection = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            y = self.projection(x)[:, None]
            return watched(y, y, y)

    module = Site()
    assert speed_up(module) == 1
    module(_random(3, 5, 6)).sum().backward()
    assert seen == [_setting()] != ["bf16"]


@pytest.mark.usefixtures("paying")
def test_speeding_up_changes_classes_and_nothing_else() -> None:
    spec = AttentionSpec(Site.ENCODER_SELF, Terms.parse("1111"), dim=8, heads=2, key_dim=8)
    model = nn.Sequential(nn.Linear(8, 8), build_mixer(spec), nn.LayerNorm(8), nn.Bilinear(2, 2, 2))
    parameters = dict(model.named_parameters())
    linear_layers = sum(type(module) is nn.Linear for module in model.modules())
    assert speed_up(model) == linear_layers + 1
    assert speed_up(model) == 0
    assert all(parameters[name] is parameter for name, parameter in model.named_parameters())
    assert model[1].products is FAST
    again = copy.deepcopy(model)
    assert type(again[0]) is FastLinear
    assert again[1].products == FAST
    stored = io.BytesIO()
    torch.save(model, stored)
    stored.seek(0)
    assert type(torch.load(stored, weights_only=False)[0]) is FastLinear
    plain = nn.Linear(8, 8)
    plain.load_state_dict(model[0].state_dict())
    assert torch.equal(plain.weight, model[0].weight)


def test_a_layer_of_another_kind_keeps_it(paying: None) -> None:
    class Own(nn.Linear):
        pass

    model = nn.Sequential(Own(2, 2))
    assert speed_up(model) == 0
    assert type(model[0]) is Own


@pytest.mark.usefixtures("fresh_probe")
@pytest.mark.parametrize(
    ("error", "is_amd", "has_library", "pays"),
    [(1e-6, True, True, True), (1e-3, True, True, False), (1e-6, False, True, False), (1e-6, True, False, False)],
)
def test_products_are_fast_only_where_they_are_as_exact_and_known_to_gain_time(
    error: float,
    is_amd: bool,
    has_library: bool,
    pays: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(products, "_error", lambda product: error)
    monkeypatch.setattr(products, "_is_amd", lambda: is_amd)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: has_library)
    assert fast_products_pay() is pays
    assert fast_products_pay() is pays
    assert [record.getMessage() for record in caplog.records] == [
        f"fast products: {'on' if pays else 'off'}, relative error {error:.1e}"
        if has_library and is_amd
        else "fast products: off, they need torch with oneDNN on a CPU by AMD"
    ]
    model = nn.Sequential(nn.Linear(2, 2))
    assert speed_up(model) == int(pays)


@pytest.mark.usefixtures("fresh_probe")
def test_trying_it_out_leaves_random_numbers_and_the_setting_as_they_were() -> None:
    state, before = torch.get_rng_state(), _setting()
    fast_products_pay()
    assert torch.equal(torch.get_rng_state(), state)
    assert _setting() == before


def test_an_error_as_of_bfloat16_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = products._trial_products()[0]
    assert products._error(trial) < products.MOST_ERROR
    monkeypatch.setattr(products, "_in_scope", lambda t: (t[0].bfloat16() @ t[1].bfloat16()).float())
    assert products._error(trial) > 100 * products.MOST_ERROR
