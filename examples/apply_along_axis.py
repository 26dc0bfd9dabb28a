"""A NumPy function along an axis of a blocked array. dislib's program; its import line is all that changed."""

import dsarray as ds
import numpy as np

x = ds.random_array((100, 100), block_size=(25, 25))
mean = ds.apply_along_axis(np.mean, 0, x)

print(f"means of {mean.shape[0]} columns, from {mean.collect().min():.2f} to {mean.collect().max():.2f}")
