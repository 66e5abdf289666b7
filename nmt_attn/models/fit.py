"""Why a checkpoint's parameters do not go into a model."""

from torch import Tensor, nn

from nmt_attn.spec import SpecError


def check_fit(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Raises SpecError for the first parameter that only one of the two has, or has in another shape."""
    own = model.state_dict()
    for name in [*own, *state]:
        if name not in state or name not in own:
            where = f"it lacks {name}" if name in own else f"the model lacks its {name}"
            raise SpecError(
                f"the checkpoint must be of a model with the same parts, but {where}: give the flags of its training"
            )
        if own[name].shape != state[name].shape:
            raise SpecError(
                f"the checkpoint must be of a model with the same sizes, but {name} is {_shape(state[name])} there and "
                f"{_shape(own[name])} here: give the flags of its training"
            )


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"
