"""A cascade SVM on svmlight files. dislib's program; its import lines, and C for c, are all that changed."""

import dsarray as ds
from estimators.svm import CascadeSVM

from make_data import path_of

# 15,000 pixels of two photographs, in sparse blocks of 5,000 lines and 22 columns
x, y = ds.load_svmlight_file(path_of("pixels_train.svm"), block_size=(5000, 22), n_features=22, store_sparse=True)

csvm = CascadeSVM(
    cascade_arity=2, max_iter=3, kernel="rbf", C=10000, gamma=0.01, check_convergence=True, random_state=0
)
csvm.fit(x, y)

x_test, y_test = ds.load_svmlight_file(
    path_of("pixels_test.svm"), block_size=(5000, 22), n_features=22, store_sparse=True
)
score = csvm.score(x_test, y_test)

print(f"{len(csvm.support_)} support vectors of {x.shape[0]} pixels after {csvm.n_iter_} passes")
print(f"{score:.1%} of {x_test.shape[0]} other pixels are told right: flower or temple")
