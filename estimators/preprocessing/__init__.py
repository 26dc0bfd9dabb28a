"""Preparing data: scaling, encoding, products of features."""

from estimators.preprocessing._min_max_scaler import MinMaxScaler
from estimators.preprocessing._normalizer import Normalizer
from estimators.preprocessing._one_hot_encoder import OneHotEncoder
from estimators.preprocessing._ordinal_encoder import OrdinalEncoder
from estimators.preprocessing._polynomial import PolynomialFeatures
from estimators.preprocessing._standard_scaler import StandardScaler

__all__ = ["MinMaxScaler", "Normalizer", "OneHotEncoder", "OrdinalEncoder", "PolynomialFeatures", "StandardScaler"]
