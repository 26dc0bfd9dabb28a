"""K-means on text files: load, fit, predict. dislib's program; its import lines are all that changed."""

import dsarray as ds
from estimators.cluster import KMeans

from make_data import path_of
from sklearn.metrics import adjusted_rand_score

# 1,400 digits to learn from, in blocks of 350 lines and 64 columns
x_train = ds.load_txt_file(path_of("digits_train.csv"), block_size=(350, 64))

kmeans = KMeans(n_clusters=10, random_state=0)
kmeans.fit(x_train)

x_test = ds.load_txt_file(path_of("digits_test.csv"), block_size=(350, 64))
labels = kmeans.predict(x_test)

digits = ds.load_txt_file(path_of("digits_test_labels.csv"), block_size=(350, 1))
agreement = adjusted_rand_score(digits.collect().ravel(), labels.collect())
print(f"{x_test.shape[0]} digits in {kmeans.n_clusters} clusters after {kmeans.n_iter_} iterations")
print(f"agreement with what they are (adjusted Rand index): {agreement:.2f}")
