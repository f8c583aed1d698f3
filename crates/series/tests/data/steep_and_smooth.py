"""Makes steep_and_smooth.json.gz: series near a line or without noise, and what statsmodels 0.15.0 says of them.

statsmodels solves them to eight digits once it gets them less their line (less their mean where no trend is among the
regressors) and in units of their own deviation; neither changes a statistic.
"""

import gzip
import json
import warnings

import numpy as np
from statsmodels.tsa.stattools import adfuller

warnings.filterwarnings("ignore")
random = np.random.default_rng(7)
normal = random.standard_normal
t = np.arange(720.0)
sine = 100 * np.sin(2 * np.pi * t / 240)
SERIES = {
    "line_with_uniform_noise": 15 * t + 0.02 * random.uniform(-0.5, 0.5, t.size),
    "line_with_noise": t + 0.1 * normal(t.size),
    "line_on_a_great_offset": 1e11 + 1e6 * t + 4096 * np.round(normal(t.size)),
    "counter": np.cumsum(1e6 + 100 * normal(t.size)),
    "counter_of_whole_bytes": np.cumsum(np.round(3e9 + 1e4 * normal(t.size))),
    "sine_with_noise_of_1e-3": sine + 1e-3 * normal(t.size),
    "sine_with_noise_of_1e-4": sine + 1e-4 * normal(t.size),
    "sine_with_noise_of_1e-5": sine + 1e-5 * normal(t.size),
}


def answer(x, regression, autolag):
    line = np.polynomial.Polynomial.fit(t, x, 1 if regression == "ct" else 0)
    rest = x - line(t)
    found = adfuller(rest / rest.std(), regression=regression, autolag=autolag)
    return {"stat": found[0], "pvalue": found[1], "usedlag": int(found[2]), "nobs": int(found[3])}


cases = [(regression, autolag) for regression in ("c", "ct") for autolag in ("AIC", "BIC", "t-stat", None)]
series = {
    name: {"x": x.tolist(), "adf": {f"{regression}/{autolag}": answer(x, regression, autolag) for regression, autolag in cases}}
    for name, x in SERIES.items()
}
with gzip.GzipFile("steep_and_smooth.json.gz", "w", mtime=0) as file:
    file.write(json.dumps({"statsmodels": "0.15.0", "series": series}).encode())
