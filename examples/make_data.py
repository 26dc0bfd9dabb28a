"""Make the files that the examples load, of real data that scikit-learn ships: `path_of` gives the path of one.

digits_*.csv   1,797 scanned handwritten digits of 8 x 8 grey levels, one a line (UCI, E. Alpaydin and C. Kaynak).
pixels_*.svm   Pixels of two photographs, in svmlight's format: +1 for those of a flower, -1 for those of a Chinese
               temple. Their 22 features are numbers of the photograph itself: the grey level of the pixel and of 8
               around it, the three colours of 4 around it, and the difference from the next pixel. They have as many
               features as the set "ijcnn1", which cannot be shipped.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import dump_svmlight_file, load_digits, load_sample_image

FOLDER = Path(__file__).parent / "data"


def path_of(name):
    """Return the path of a file of data, which is made if it is not there."""
    path = FOLDER / name
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        {"digits": make_digits, "pixels": make_pixels}[name.partition("_")[0]]()
    return str(path)


def make_digits():
    images, labels = load_digits(return_X_y=True)
    for name, part in (("train", slice(0, 1400)), ("test", slice(1400, None))):
        np.savetxt(FOLDER / f"digits_{name}.csv", images[part], fmt="%d", delimiter=",")
        np.savetxt(FOLDER / f"digits_{name}_labels.csv", labels[part], fmt="%d")


def make_pixels():
    rng = np.random.default_rng(0)
    samples = np.vstack([features(load_sample_image(name), rng, 10_000) for name in ("flower.jpg", "china.jpg")])
    labels = np.repeat([1, -1], 10_000)
    order = rng.permutation(len(labels))
    for name, part in (("train", order[:15_000]), ("test", order[15_000:])):
        dump_svmlight_file(samples[part].round(4), labels[part], str(FOLDER / f"pixels_{name}.svm"), zero_based=False)


def features(photograph, rng, n_pixels):
    """Return 22 numbers for each of some pixels drawn at random."""
    colours = photograph / 255
    grey = colours.mean(axis=2)
    row, column = (rng.integers(2, length - 2, n_pixels) for length in grey.shape)
    around = [grey[row + i, column + j] for i in (-2, 0, 2) for j in (-2, 0, 2)]
    coloured = [colours[row + i, column + j, c] for i, j in ((0, 2), (2, 0), (0, -2), (-2, 0)) for c in range(3)]
    return np.column_stack([*around, *coloured, grey[row, column] - grey[row, column + 1]])


if __name__ == "__main__":
    make_digits()
    make_pixels()
