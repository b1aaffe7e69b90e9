"""Load MNIST and Fashion-MNIST: from your folder, the cache or the network, or a stand-in."""

import gzip
import hashlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coursekit import progress

_PATIENCE = 5.0  # seconds without a byte after which the network is given up
_QUICK = {"train": 2_000, "test": 1_000}
_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Spec:
    """A published set: where it is and how to recognise it."""

    name: str
    file: str
    class_names: tuple[str, ...]
    url: str
    size: int  # bytes to download, for the progress bar
    md5: str  # of the downloaded files, in the order of _FILES
    digest: str  # of the arrays
    train: int = 60_000
    test: int = 10_000


_MNIST = _Spec(
    name="MNIST",
    file="mnist.npz",
    class_names=_DIGITS,
    url="https://storage.googleapis.com/cvdf-datasets/mnist/",
    size=11_594_722,
    md5="f68b3c2dcbeaaa9fbdd348bbdeb94873 d53e105ee54ea40749a09fcbcd1e9432 "
    "9fb629c4189551a2d022fa330f9573f3 ec29112dd5afa0611ce80d1b7f02629c",
    digest="e5ea4841dd6fde90b155843179ce5756a4864227194eec7fb09d7cfc4cf702a5",
)
_FASHION = _Spec(
    name="Fashion-MNIST",
    file="fashion_mnist.npz",
    class_names=_CLOTHES,
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    size=30_878_645,
    md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d 25c81989df183df01b3e8a0aad5dffbe "
    "bef4ecab320f06d8554ea6380940ec79 bb300cfdad3c16e7a12a480ee83cd310",
    digest="8294d2ca571ee42977a0b2dbf2f2f22ac6655a869e4497e2cd010da5acf40c92",
)

_said: set[str] = set()
_trouble: str | None = None  # why the network failed: a process tries it only once


class DataError(Exception):
    """A folder or file named by COURSEKIT_DATA that cannot be used."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks the exception for this. The mistake is in a setting, so a page about
        # the inside of this package would only hide the line that helps.
        return [f"DataError: {self}"]


class _UnusableError(Exception):
    """What is wrong with a file or a download, in words that name no path and no host."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels; unpacks into ``(x_train, y_train), (x_test, y_test)``.

    Attributes
    ----------
    name : str
        The set that was asked for: "MNIST", "Fashion-MNIST" or "digits".
    x_train, x_test : ndarray of shape (N, 28, 28), uint8
        Grey values from 0, the background, to 255.
    y_train, y_test : ndarray of shape (N,), uint8
        Labels, 0 to 9.
    class_names : tuple of str
        What each label means.
    source : str
        "COURSEKIT_DATA", "cache", "network" or "embedded digits".
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield self.x_train, self.y_train
        yield self.x_test, self.y_test

    def __repr__(self) -> str:
        train, test = len(self.x_train), len(self.x_test)
        return f"<{self.name}: {train:,} training and {test:,} test images, from {self.source}>"


def load_mnist() -> Dataset:
    """Load MNIST, handwritten digits (LeCun, Cortes and Burges, 1998).

    Returns
    -------
    Dataset
        60,000 training and 10,000 test images of 28x28 pixels, uint8. In quick mode at
        most 2,000 and 1,000; of the embedded digits 1,297 and 500.

    Raises
    ------
    DataError
        COURSEKIT_DATA names no folder, or the file in it is damaged.
    """
    return _load(_MNIST)


def load_fashion_mnist() -> Dataset:
    """Load Fashion-MNIST, pictures of clothing (Xiao, Rasul and Vollgraf, 2017).

    Returns
    -------
    Dataset
        As many images, of the same shape and dtype, as `load_mnist` returns.

    Raises
    ------
    DataError
        COURSEKIT_DATA names no folder, or the file in it is damaged.
    """
    return _load(_FASHION)


def load_digits() -> Dataset:
    """Load the digits that come with scikit-learn, enlarged to MNIST's size.

    Other writers and another source than MNIST's: bitmaps of 32x32 pixels, of which each block
    of 4x4 became one grey value, the count of its black pixels (E. Alpaydin and C. Kaynak,
    1998). They need neither a file nor the network.

    Returns
    -------
    Dataset
        1,297 training and 500 test images of 28x28 pixels, uint8.
    """
    return Dataset("digits", **_digits(), class_names=_DIGITS, source="embedded digits")


def is_quick() -> bool:
    """Tell whether COURSEKIT_QUICK asks for small subsets."""
    return _is_set("COURSEKIT_QUICK")


def is_offline() -> bool:
    """Tell whether COURSEKIT_OFFLINE forbids the network."""
    return _is_set("COURSEKIT_OFFLINE")


def _is_set(flag: str) -> bool:
    return os.environ.get(flag, "") not in ("", "0")


def digest(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> str:
    """Fingerprint the arrays of a set, however their file is packed.

    Parameters
    ----------
    x_train, x_test : ndarray of shape (N, 28, 28), uint8
    y_train, y_test : ndarray of shape (N,), uint8

    Returns
    -------
    str
        SHA-256, in hexadecimal, over the name, dtype, shape and values of each array.
    """
    sha = hashlib.sha256()
    for name, array in zip(_FILES, (x_train, y_train, x_test, y_test), strict=True):
        sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _load(spec: _Spec) -> Dataset:
    # A generator, so that a place is asked only when those before it have nothing.
    found = ((source, place(spec)) for source, place in _PLACES.items())
    source, arrays = next((source, arrays) for source, arrays in found if arrays is not None)
    if is_quick():
        arrays = _subset(arrays)
    names = _DIGITS if source == "embedded digits" else spec.class_names
    return Dataset(spec.name, **arrays, class_names=names, source=source)


def _from_folder(spec: _Spec) -> Arrays | None:
    value = os.environ.get("COURSEKIT_DATA", "")
    if not value:
        return None
    is_folder = False
    with suppress(OSError, RuntimeError):  # no permission on the way, or an unknown ~name
        folder = Path(value).expanduser()
        is_folder = folder.is_dir()
    if not is_folder:
        raise DataError(
            f"COURSEKIT_DATA is {value!r}, which is no folder; "
            f"set it to the folder with {spec.file} or unset it"
        )
    try:
        arrays = _read(folder / spec.file, spec)
    except _UnusableError as error:
        raise DataError(
            f"{spec.file} in COURSEKIT_DATA is damaged ({error}); remove it or unset COURSEKIT_DATA"
        ) from None
    if arrays is None:
        _say(f"no {spec.file} can be opened in the folder of COURSEKIT_DATA: looking elsewhere.")
    return arrays


def _from_cache(spec: _Spec) -> Arrays | None:
    path = _cache_folder() / spec.file
    try:
        return _read(path, spec)
    except _UnusableError as error:
        _say(f"{spec.file} in the cache is damaged ({error}): it is set aside.")
        with suppress(OSError):  # another process was faster, or the cache is read-only
            path.replace(path.with_name(f"{spec.file}.damaged"))
        return None


def _from_network(spec: _Spec) -> Arrays | None:
    global _trouble
    if is_offline() or _trouble:
        return None
    try:
        arrays = _download(spec)
        _verify(arrays, spec)
    except Exception as error:
        # Whatever went wrong out there, the lesson goes on. Of a foreign error only the
        # kind is told, since its text may hold a path or a host.
        _trouble = str(error) if isinstance(error, _UnusableError) else type(error).__name__
        return None
    _store(arrays, _cache_folder() / spec.file)
    return arrays


def _embedded(spec: _Spec) -> Arrays:
    why = "COURSEKIT_OFFLINE is set" if is_offline() else f"the network is not either ({_trouble})"
    way_out = "" if is_offline() else "; restart the kernel to try the network again"
    is_new = _say(
        f"{spec.name} is not here and {why}: using scikit-learn's 1,797 handwritten digits "
        "instead (1,297 for training, 500 for testing). "
        f"Set COURSEKIT_DATA to a folder with {spec.file} to use the real set{way_out}."
    )
    if not is_new:
        print(f"[data] {spec.name} is still scikit-learn's digits.")
    return _digits()


def _digits() -> Arrays:
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    small = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    # As in MNIST, the digit fills 20x20 pixels in the middle of an empty frame.
    large = [Image.fromarray(image).resize((20, 20), Image.Resampling.BICUBIC) for image in small]
    images = np.pad(np.stack(large), ((0, 0), (4, 4), (4, 4)))
    labels = digits.target.astype(np.uint8)
    parts = train_test_split(images, labels, test_size=500, stratify=labels, random_state=0)
    return dict(zip(("x_train", "x_test", "y_train", "y_test"), parts, strict=True))


_PLACES = {
    "COURSEKIT_DATA": _from_folder,
    "cache": _from_cache,
    "network": _from_network,
    "embedded digits": _embedded,
}


def _subset(arrays: Arrays) -> Arrays:
    """Choose the images of quick mode: stratified, always the same, in their old order."""
    from sklearn.model_selection import train_test_split

    chosen = dict(arrays)
    for part, limit in _QUICK.items():
        y = arrays[f"y_{part}"]
        if len(y) > limit:
            rows = np.arange(len(y))
            rows, _ = train_test_split(rows, train_size=limit, stratify=y, random_state=0)
            rows.sort()
            chosen |= {name: arrays[name][rows] for name in (f"x_{part}", f"y_{part}")}
    return chosen


def _read(path: Path, spec: _Spec) -> Arrays | None:
    """Read and verify an npz file; None where there is none, or none that can be opened."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _FILES if name in archive.files}
    except MemoryError:
        raise
    except Exception as error:
        # Trouble of the system's, with a number, says nothing of the file.
        if getattr(error, "errno", None) is not None:
            return None
        # A damaged archive fails in a dozen ways inside zipfile, zlib and NumPy.
        raise _UnusableError("it cannot be read as an npz archive") from error
    _verify(arrays, spec)
    return arrays


def _verify(arrays: Arrays, spec: _Spec) -> None:
    for name in _FILES:
        count = spec.train if name.endswith("train") else spec.test
        shape = (count, 28, 28) if name.startswith("x") else (count,)
        if name not in arrays:
            raise _UnusableError(f"{name} is missing")
        if arrays[name].dtype != np.uint8:
            raise _UnusableError(f"{name} has dtype {arrays[name].dtype}, not uint8")
        if arrays[name].shape != shape:
            raise _UnusableError(f"{name} has shape {arrays[name].shape}, not {shape}")
    if digest(**arrays) != spec.digest:
        raise _UnusableError(f"its arrays are not those of {spec.name}")


def _download(spec: _Spec) -> Arrays:
    """Fetch the four original files into memory, so that a killed download leaves nothing."""
    import pooch

    fetch = pooch.HTTPDownloader(timeout=_PATIENCE, chunk_size=2**14)
    buffers = [io.BytesIO() for _ in _FILES]
    errors = []

    def work() -> None:
        try:
            for file, buffer in zip(_FILES.values(), buffers, strict=True):
                fetch(spec.url + file, buffer, None)
        except Exception as error:
            errors.append(error)

    # In a thread, because no time limit reaches the look-up of a host name, which can block
    # for a minute; a daemon, because Python should not wait for it at its end either.
    thread = threading.Thread(target=work, daemon=True)
    received, last, done = 0, time.monotonic(), False
    bar = progress.over_bytes(spec.name, spec.size)
    try:
        thread.start()
        while not done:
            thread.join(0.05)
            done = not thread.is_alive()
            new = sum(buffer.tell() for buffer in buffers) - received
            if new:
                bar.update(new)
                received, last = received + new, time.monotonic()
            elif time.monotonic() - last > _PATIENCE:
                raise _UnusableError(f"no answer for {_PATIENCE:g} s")
        if errors:
            raise errors[0]
        packed = zip(_FILES, buffers, spec.md5.split(), strict=True)
        return {name: _unpack(buffer.getvalue(), md5) for name, buffer, md5 in packed}
    finally:
        bar.close()
        for buffer in buffers:
            buffer.close()  # makes a thread that was given up fail at its next byte


def _unpack(packed: bytes, md5: str) -> np.ndarray:
    """Check a downloaded file and read the array in it (IDX: yann.lecun.com/exdb/mnist)."""
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
        raise _UnusableError("what came is not the published file")
    raw = gzip.decompress(packed)
    start = 4 + 4 * raw[3]  # type and rank, then the length of each axis, four bytes each
    shape = np.frombuffer(raw[4:start], ">u4")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def _store(arrays: Arrays, path: Path) -> None:
    """Put a file into the cache at one stroke: other processes see all of it or nothing."""
    with suppress(OSError):  # read-only or full: nothing is kept for the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True) as folder:
            whole = Path(folder) / path.name
            np.savez_compressed(whole, **arrays)
            whole.replace(path)


def _cache_folder() -> Path:
    import pooch

    return pooch.os_cache("coursekit")


def _say(line: str) -> bool:
    """Print a line once a process, however often a lesson loads its data; tell whether now."""
    is_new = line not in _said
    if is_new:
        _said.add(line)
        print(f"[data] {line}")
    return is_new
