"""Exercise capstone.embed."""

import torch
import torch.nn.functional as F

from cozad_book.checking.cases import Case, Exercise
from cozad_book.given import small_values


def _cases():
    def case(label, seed, *shape, hidden=False):
        n = shape[-1]
        head = small_values(seed + 50, n, n, scale=0.4)
        return Case(label, (small_values(seed, *shape, scale=2.0), head), hidden)

    return (
        case("2 images of 5 patches with 3 channels", 1, 2, 5, 3),
        case("7 patches with 4 channels", 2, 7, 4),
        case("3 images of 4 patches with 6 channels", 3, 3, 4, 6, hidden=True),
        Case("a head of zeros", (small_values(4, 5, 2), torch.zeros(2, 2).double()), hidden=True),
    )


EXERCISE = Exercise("capstone.embed", cases=_cases())


def _sphere(turned):
    return turned.shape[-1] ** 0.5 * F.normalize(turned, dim=-1)


@EXERCISE.right
def embed(z, A):
    """Turn features (..., D) by I + A and scale each to the length √D."""
    return _sphere(z + z @ A.mT)


@EXERCISE.wrong
def without_the_identity(z, A):
    """You turn by A alone. The head is I + A: with A = 0 directions stay as they are."""
    return _sphere(z @ A.mT)


@EXERCISE.wrong
def transposed(z, A):
    """You turn by the transposed matrix. A patch is a row of z, and A stands to the left of a
    column: z @ A.mT."""
    return _sphere(z + z @ A)


@EXERCISE.wrong
def keeps_the_length(z, A):
    """The embeddings keep the length that they happen to have. Each has the length √D."""
    return z + z @ A.mT


@EXERCISE.wrong
def unit_length(z, A):
    """The embeddings have the length 1. It is √D, so that a channel has the size 1 on average."""
    return F.normalize(z + z @ A.mT, dim=-1)


@EXERCISE.wrong
def length_of_d(z, A):
    """The embeddings have the length D. It is √D."""
    return z.shape[-1] * F.normalize(z + z @ A.mT, dim=-1)


@EXERCISE.wrong
def along_the_patches(z, A):
    """You scale each channel over the patches. Scale each patch over its channels: dim=-1."""
    turned = z + z @ A.mT
    return turned.shape[-1] ** 0.5 * F.normalize(turned, dim=-2)


@EXERCISE.wrong
def scales_before_turning(z, A):
    """You scale before you turn. What I + A makes longer stays longer then: turn first."""
    u = F.normalize(z, dim=-1)
    return z.shape[-1] ** 0.5 * (u + u @ A.mT)


@EXERCISE.wrong
def turns_the_other_way(z, A):
    """You subtract what A gives. It is added: z + A z."""
    return _sphere(z - z @ A.mT)


@EXERCISE.wrong
def ignores_the_head(z, A):
    """The head has no effect on your embeddings."""
    return _sphere(z)


@EXERCISE.wrong
def one_length_for_all(z, A):
    """You scale all patches by one number, and lengths stay different. Scale each by its own."""
    turned = z + z @ A.mT
    return turned.shape[-1] ** 0.5 * turned / turned.norm()


@EXERCISE.wrong
def along_dim_1(z, A):
    """You scale along `dim=1`, as `normalize` does by default. Each patch has its length along
    the last axis: `dim=-1`."""
    turned = z + z @ A.mT
    return z.shape[-1] ** 0.5 * F.normalize(turned, dim=1 if z.ndim > 1 else 0)


@EXERCISE.wrong
def identity_twice(z, A):
    """The identity is in your head twice. With A = 0 nothing is turned: z + A z."""
    return embed(2 * z, A / 2)


@EXERCISE.wrong
def sum_of_squares(z, A):
    """You divide by the sum of squares. The length is its root."""
    turned = z + z @ A.mT
    return z.shape[-1] ** 0.5 * turned / turned.square().sum(-1, keepdim=True)


@EXERCISE.wrong
def sum_of_sizes(z, A):
    """You divide by the sum of the sizes. The length is the root of the sum of squares."""
    return z.shape[-1] ** 0.5 * F.normalize(z + z @ A.mT, p=1, dim=-1)


@EXERCISE.wrong
def along_the_images(z, A):
    """You scale along `dim=0`. Each patch has its length along the last axis: `dim=-1`."""
    return z.shape[-1] ** 0.5 * F.normalize(z + z @ A.mT, dim=0)


@EXERCISE.wrong
def standard_deviation(z, A):
    """You divide by the standard deviation of each patch. Divide by its length, without
    subtracting a mean."""
    turned = z + z @ A.mT
    return turned / turned.std(-1, correction=0, keepdim=True)
