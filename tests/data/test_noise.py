"""Building blocks of the embedded materials."""

import numpy as np
import pytest

from cozad_teach.data.drawn.noise import (
    LAMP,
    band_noise,
    bent_grid,
    cloud_noise,
    mix,
    relief,
    smooth_step,
    stream,
    to_rgb,
)

SIZE = (48, 70)


def test_stream_depends_on_label_and_seed_only():
    first = stream("a", 3).random(4)
    np.testing.assert_array_equal(first, stream("a", np.int64(3)).random(4))
    assert not np.array_equal(first, stream("a", 4).random(4))
    assert not np.array_equal(first, stream("b", 3).random(4))


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.0, TypeError), ("1", TypeError)])
def test_stream_refuses_bad_seeds(seed, error):
    with pytest.raises(error):
        stream("a", seed)


@pytest.mark.parametrize("size", [SIZE, (33, 32), (32, 101), (3, 2)])
@pytest.mark.parametrize("noise", [cloud_noise, band_noise])
def test_noise_is_standardised(noise, size):
    field = noise(stream("n", 0), size, 9.0)
    assert field.shape == size
    assert field.mean() == pytest.approx(0, abs=1e-12)
    assert field.std() == pytest.approx(1)


def test_larger_wavelengths_and_steeper_slopes_are_smoother():
    def roughness(*shape):
        return np.abs(np.diff(cloud_noise(stream("n", 1), (128, 96), *shape), axis=1)).mean()

    assert roughness(40, 2) < 0.6 * roughness(8, 2)
    assert roughness(40, 3) < 0.6 * roughness(40, 2)


@pytest.mark.parametrize(("angle", "along", "across"), [(0, 1, 0), (90, 0, 1)])
def test_stretch_makes_lumps_longer_along_the_angle(angle, along, across):
    field = band_noise(stream("n", 2), (90, 120), 8, stretch=6, angle=angle)
    assert (
        np.abs(np.diff(field, axis=along)).mean() < 0.4 * np.abs(np.diff(field, axis=across)).mean()
    )


def test_oblique_stretch_points_down_to_the_right():
    field = band_noise(stream("n", 2), (90, 120), 8, stretch=6, angle=45)
    down_right = np.abs(field[1:, 1:] - field[:-1, :-1]).mean()
    down_left = np.abs(field[1:, :-1] - field[:-1, 1:]).mean()
    assert down_right < 0.4 * down_left


def test_unbent_grid_is_a_scaled_rotation():
    u, v = bent_grid(stream("g", 0), SIZE, angle=30, bend=0)
    assert u.shape == v.shape == SIZE
    assert min(u.min(), v.min()) > 0
    du, dv = np.diff(u, axis=1), np.diff(v, axis=1)
    np.testing.assert_allclose(np.degrees(np.arctan2(-dv, du)), 30)
    np.testing.assert_allclose(np.hypot(du, dv), np.hypot(du, dv)[0, 0])
    assert np.hypot(du, dv)[0, 0] == pytest.approx(1, abs=0.03)


def test_bent_grid_strays_about_as_far_as_asked():
    straight, bent = (bent_grid(stream("g", 1), (300, 200), 0, bend)[1] for bend in (0, 2))
    assert 1 < np.abs(bent - straight).max() < 2 * 1.05 * 1.03


def test_smooth_step():
    np.testing.assert_allclose(
        smooth_step(np.array([-1, 0, 0.25, 0.5, 1, 7])), [0, 0, 5 / 32, 0.5, 1, 1]
    )


def test_mix_blends_colours_and_pictures():
    share = np.array([[0.0, 0.5, 1.0]])
    blend = mix(share, "000000", "ff3300")
    assert blend.shape == (3, 1, 3)
    np.testing.assert_allclose(blend[:, 0].T, [[0, 0, 0], [0.5, 0.1, 0], [1, 0.2, 0]])
    np.testing.assert_allclose(mix(share, blend, to_rgb("ffffff"))[:, 0, 2], 1)


def test_relief_equals_its_loop():
    height = stream("r", 0).random((7, 11))
    shade = relief(height, 0.3)
    for y in range(1, 6):
        for x in range(1, 10):
            slope_x = (height[y, x + 1] - height[y, x - 1]) / 2
            slope_y = (height[y + 1, x] - height[y - 1, x]) / 2
            toward_lamp = slope_x * np.cos(LAMP) + slope_y * np.sin(LAMP)
            assert shade[y, x] == pytest.approx(np.clip(1 - 0.3 * toward_lamp, 0.3, 1.8))
    np.testing.assert_array_equal(shade[0], shade[1])
    np.testing.assert_array_equal(shade[:, -1], shade[:, -2])
    np.testing.assert_array_equal(relief(np.full((4, 5), 2.0), 1), 1)


def test_the_side_towards_the_upper_left_is_lit():
    y, x = np.ogrid[-10:11, -10:11]
    shade = relief(-np.hypot(y, x), 0.5)
    assert shade[5, 5] > 1.2 > 0.8 > shade[-6, -6]
