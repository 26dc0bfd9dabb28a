"""Tasks where other libraries want an executor, an awaitable, or a joblib backend."""

import asyncio

import joblib  # noqa: TID251 - as a program of a user would
from dsflow import Executor, register_joblib_backend, task
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

X, y = load_digits(return_X_y=True)


@task
def pixels_used(images):
    return int((images.sum(axis=0) > 0).sum())


async def describe():
    """Await a task, and a plain function in an executor of tasks, side by side."""
    with Executor() as executor:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(pixels_used(X), loop.run_in_executor(executor, len, X))


used, n_images = asyncio.run(describe())
print(f"{n_images} images, {used} of {X.shape[1]} pixels are ever used")

register_joblib_backend()
with joblib.parallel_config(backend="dsflow"):  # what scikit-learn runs in parallel becomes tasks
    scores = cross_val_score(RandomForestClassifier(20, random_state=0), X, y, cv=4)
print(f"cross-validated on tasks: {scores.mean():.0%} of the digits are told right")
