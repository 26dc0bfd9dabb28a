"""NumPy's functions on Arrays. Each file registers what NumPy calls in place of its own; see `dsarray._registry`."""

from dsarray.functions import _convolution as _convolution
from dsarray.functions import _coordinates as _coordinates
from dsarray.functions import _diagonals as _diagonals
from dsarray.functions import _differences as _differences
from dsarray.functions import _fourier as _fourier
from dsarray.functions import _histogram as _histogram
from dsarray.functions import _insertion as _insertion
from dsarray.functions import _joint_histogram as _joint_histogram
from dsarray.functions import _layout as _layout
from dsarray.functions import _like as _like
from dsarray.functions import _mathematics as _mathematics
from dsarray.functions import _nan as _nan
from dsarray.functions import _pad as _pad
from dsarray.functions import _placement as _placement
from dsarray.functions import _polynomials as _polynomials
from dsarray.functions import _quantile as _quantile
from dsarray.functions import _running as _running
from dsarray.functions import _selection as _selection
from dsarray.functions import _sets as _sets
from dsarray.functions import _sort as _sort
from dsarray.functions import _spans as _spans
from dsarray.functions import _statistics as _statistics
from dsarray.functions import _types as _types
from dsarray.functions import _unique as _unique
from dsarray.functions._coordinates import fromfunction, indices

__all__ = ["fromfunction", "indices"]
