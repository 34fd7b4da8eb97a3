# SPDX-License-Identifier: MIT
# numpy's and OpenBLAS's kernels, as the AVX2 processors' that the guest is: the
# host may have wider vectors, which sum in another order.
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1
export NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX AVX512_CLX \
AVX512_CNL AVX512_ICL"
python3 -W ignore - <<'PY'
import hashlib
import numpy as np
rng = np.random.RandomState(3)


def show(what, *arrays):
    h = hashlib.sha256()
    for a in arrays:
        h.update(np.ascontiguousarray(a).tobytes())
    print(what, h.hexdigest()[:24])


for dtype in np.float32, np.float64:
    a = rng.standard_normal((130, 130)).astype(dtype)
    b = rng.standard_normal((130, 77)).astype(dtype)
    show("blas %s" % dtype.__name__, a @ b, a[:50] @ b[:, 0], a[0] @ a[1])
    show("lapack", np.linalg.solve(a, b), np.linalg.inv(a),
         np.linalg.svd(a[:40, :40])[1], np.linalg.eigvalsh(a + a.T))
    show("loops", np.exp(a), np.log(np.abs(a)), np.sin(a), np.sqrt(np.abs(a)),
         a.sum(), a.mean(0), a.std(1), np.sort(a, 1), a.cumsum(),
         np.tanh(a), np.power(np.abs(a), 1.7), np.fmax(a, a.T))
for dtype in np.int8, np.uint16, np.int32, np.uint64:
    a = rng.randint(0, 100, 5003).astype(dtype)
    show("loops %s" % dtype.__name__, a * a, a // 7, a % 5, a << 1, a.sum(),
         a.argmax(), np.sort(a), a.cumsum(), np.bincount(a.astype(np.int64)))
show("fft", np.fft.fft(rng.standard_normal(1000)),
     np.fft.rfft2(rng.standard_normal((60, 64))))
show("random", rng.normal(size=999), rng.poisson(4, 999), rng.gamma(2, 1, 999),
     np.random.Generator(np.random.PCG64(5)).random(999))
PY
