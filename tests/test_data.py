"""The loaders: every place they look in, and every way a place can fail."""

import errno
import gzip
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from coursekit import data

NAMES = ("x_train", "y_train", "x_test", "y_test")
HANG = 60  # seconds; only a hang reaches it


def make_arrays(train=60, test=20, seed=0):
    rng = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = rng.integers(0, 10, count, dtype=np.uint8)
    return arrays


def pack_idx(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes())


def make_spec(arrays, like, url):
    """Describe `arrays` as a published set; return it with its files as a server sends them."""
    files = {data._FILES[name]: pack_idx(arrays[name]) for name in NAMES}
    spec = replace(
        like,
        url=url,
        size=sum(map(len, files.values())),
        md5=" ".join(hashlib.md5(body).hexdigest() for body in files.values()),
        digest=data.digest(**arrays),
        train=len(arrays["x_train"]),
        test=len(arrays["x_test"]),
    )
    return spec, files


class Server:
    """A host of data files on this machine; `answers` may replace a file by a misbehaviour."""

    def __init__(self):
        self.files = {}
        self.answers = {}
        self.asked = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                outer.asked.append(name)
                body = outer.files.get(name)
                if name in outer.answers:
                    outer.answers[name](self, body)
                elif body is None:
                    self.send_error(404)
                else:
                    send(self, body)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()


def send(handler, body, length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """A process that has loaded nothing yet, on a machine without data and network."""
    for name in ("COURSEKIT_DATA", "COURSEKIT_OFFLINE", "COURSEKIT_QUICK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(data, "_said", set())
    monkeypatch.setattr(data, "_trouble", None)
    monkeypatch.setattr(data, "_cache_folder", lambda: tmp_path / "cache")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setattr(data, "_MNIST", replace(data._MNIST, url=closed))
    monkeypatch.setattr(data, "_FASHION", replace(data._FASHION, url=closed))


@pytest.fixture
def server():
    host = Server()
    yield host
    host.close()


@pytest.fixture
def arrays():
    return make_arrays()


@pytest.fixture
def online(monkeypatch, server, arrays):
    """MNIST is the small set `arrays`, and `server` has it."""
    spec, server.files = make_spec(arrays, data._MNIST, server.url)
    monkeypatch.setattr(data, "_MNIST", spec)
    return server


@pytest.fixture
def folder(monkeypatch, tmp_path, arrays):
    """MNIST is the small set `arrays`, and COURSEKIT_DATA a folder without it."""
    spec, _ = make_spec(arrays, data._MNIST, data._MNIST.url)
    monkeypatch.setattr(data, "_MNIST", spec)
    path = tmp_path / "own"
    path.mkdir()
    monkeypatch.setenv("COURSEKIT_DATA", str(path))
    return path


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").glob("*"))


def assert_holds(dataset, arrays, source):
    assert dataset.source == source
    for name in NAMES:
        loaded = getattr(dataset, name)
        assert loaded.dtype == np.uint8
        np.testing.assert_array_equal(loaded, arrays[name])


def load_without_hanging(load=data.load_mnist):
    results = []
    thread = threading.Thread(target=lambda: results.append(load()), daemon=True)
    thread.start()
    thread.join(HANG)
    assert results, "the loader hangs, or raised"
    return results[0]


def lines(capsys, tmp_path):
    """Return what was printed, after checking that nothing private is in it."""
    out, err = capsys.readouterr()
    for private in (str(tmp_path), str(Path.home()), "127.0.0.1", "googleapis", "Traceback"):
        assert private not in out + err
    return out.splitlines()


# What a data set is


def test_unpacks_as_keras_datasets_do(folder, arrays):
    np.savez(folder / "mnist.npz", **arrays)
    (x_train, y_train), (x_test, y_test) = data.load_mnist()
    for name, loaded in zip(NAMES, (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(loaded, arrays[name])


def test_repr_is_short_and_tells_sizes_and_source(folder, arrays, tmp_path):
    np.savez(folder / "mnist.npz", **arrays)
    text = repr(data.load_mnist())
    assert text == "<MNIST: 60 training and 20 test images, from COURSEKIT_DATA>"


def test_data_sets_can_be_compared_and_hashed(folder, arrays):
    np.savez(folder / "mnist.npz", **arrays)
    first, second = data.load_mnist(), data.load_mnist()
    assert first == first
    assert first != second
    assert len({first, second}) == 2


def test_a_change_in_place_does_not_reach_the_next_load(folder, arrays):
    np.savez(folder / "mnist.npz", **arrays)
    first = data.load_mnist()
    for name in NAMES:
        getattr(first, name)[:] = 0
    assert_holds(data.load_mnist(), arrays, "COURSEKIT_DATA")


def test_the_published_sets_are_described_fully():
    for spec in (data._MNIST, data._FASHION):
        assert (spec.train, spec.test, len(spec.class_names)) == (60_000, 10_000, 10)
        assert [len(md5) for md5 in spec.md5.split()] == [32] * 4
        assert len(spec.digest) == 64
    assert data._FASHION.class_names[9] == "Ankle boot"


# The digest


def test_digest_sees_values_shape_dtype_and_place(arrays):
    x_train, y_train, x_test, y_test = (arrays[name] for name in NAMES)
    changed = x_train.copy()
    changed[-1, -1, -1] ^= 1
    variants = [
        (x_train, y_train, x_test, y_test),
        (changed, y_train, x_test, y_test),
        (x_train.reshape(60, 784), y_train, x_test, y_test),
        (x_train, y_train.view(np.int8), x_test, y_test),
        (x_test, y_test, x_train, y_train),
        (x_train.transpose(0, 2, 1), y_train, x_test, y_test),
    ]
    assert len({data.digest(*variant) for variant in variants}) == len(variants)


def test_digest_does_not_see_the_memory_layout(arrays):
    fortran = {name: np.asfortranarray(array) for name, array in arrays.items()}
    assert data.digest(**fortran) == data.digest(**arrays)


# COURSEKIT_DATA


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_any_packing_is_welcome(folder, arrays, save, capsys):
    order = reversed(NAMES)
    save(folder / "mnist.npz", **{name: np.asfortranarray(arrays[name]) for name in order}, more=1)
    assert_holds(data.load_mnist(), arrays, "COURSEKIT_DATA")
    assert capsys.readouterr() == ("", "")


def test_the_home_sign_is_understood(folder, arrays, monkeypatch):
    np.savez(folder / "mnist.npz", **arrays)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    monkeypatch.setenv("COURSEKIT_DATA", "~/own")
    assert data.load_mnist().source == "COURSEKIT_DATA"


def test_each_set_has_its_own_file(folder, arrays, monkeypatch):
    other = make_arrays(seed=1)
    monkeypatch.setattr(data, "_FASHION", make_spec(other, data._FASHION, "")[0])
    np.savez(folder / "mnist.npz", **arrays)
    np.savez(folder / "fashion_mnist.npz", **other)
    assert_holds(data.load_mnist(), arrays, "COURSEKIT_DATA")
    fashion = data.load_fashion_mnist()
    assert_holds(fashion, other, "COURSEKIT_DATA")
    assert (fashion.name, fashion.class_names[0]) == ("Fashion-MNIST", "T-shirt/top")


@pytest.mark.parametrize("value", ["{tmp}/missing", "{tmp}/file", "~nobody-of-this-name/data"])
def test_no_such_folder(value, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSEKIT_DATA", value.format(tmp=tmp_path))
    with pytest.raises(data.DataError) as caught:
        data.load_mnist()
    named = value.format(tmp=tmp_path)
    assert str(caught.value) == (
        f"COURSEKIT_DATA is {named!r}, which is no folder; "
        "set it to the folder with mnist.npz or unset it"
    )


def test_an_empty_setting_counts_as_unset(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATA", "")
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
    assert data.load_mnist().source == "embedded digits"


def test_a_folder_without_the_file_is_said_once_and_passed_over(folder, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
    assert data.load_mnist().source == "embedded digits"
    data.load_mnist()
    said = [line for line in lines(capsys, folder) if "elsewhere" in line]
    assert said == [
        "[data] no mnist.npz can be opened in the folder of COURSEKIT_DATA: looking elsewhere."
    ]


def without_a_test_label(arrays):
    return {name: array for name, array in arrays.items() if name != "y_test"}


WRONG_ARRAYS = {
    "x_train has shape (59, 28, 28), not (60, 28, 28)": lambda a: a | {"x_train": a["x_train"][1:]},
    "y_test has shape (20, 1), not (20,)": lambda a: a | {"y_test": a["y_test"][:, None]},
    "x_test has dtype float32, not uint8": lambda a: a | {"x_test": np.float32(a["x_test"])},
    "y_test is missing": without_a_test_label,
    "its arrays are not those of MNIST": lambda a: a | {"x_test": a["x_test"] ^ np.uint8(1)},
    "it cannot be read as an npz archive": lambda a: a | {"y_train": a["y_train"].astype(object)},
}
UNREADABLE = {
    "empty": lambda raw: b"",
    "truncated": lambda raw: raw[: len(raw) // 2],
    "a web page": lambda raw: b"<html>Sign in to the network</html>",
    "one flipped byte": lambda raw: raw[:900] + bytes([raw[900] ^ 1]) + raw[901:],
    "no archive but an array": lambda raw: raw[raw.index(b"\x93NUMPY") :][: 128 + 60 * 784],
}


@pytest.mark.parametrize("reason", WRONG_ARRAYS)
def test_a_wrong_file_of_the_users_own(folder, arrays, reason):
    path = folder / "mnist.npz"
    np.savez(path, **WRONG_ARRAYS[reason](arrays))
    before = path.read_bytes()
    with pytest.raises(data.DataError) as caught:
        data.load_mnist()
    assert str(caught.value) == (
        f"mnist.npz in COURSEKIT_DATA is damaged ({reason}); remove it or unset COURSEKIT_DATA"
    )
    assert path.read_bytes() == before
    assert [found.name for found in folder.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("damage", UNREADABLE)
def test_an_unreadable_file_of_the_users_own(folder, arrays, damage):
    path = folder / "mnist.npz"
    np.savez(path, **arrays)
    broken = UNREADABLE[damage](path.read_bytes())
    path.write_bytes(broken)
    with pytest.raises(data.DataError, match=r"^mnist.npz in COURSEKIT_DATA is damaged \(.*\); r"):
        data.load_mnist()
    assert path.read_bytes() == broken


def test_ipython_shows_a_data_error_as_one_line(tmp_path):
    code = "from coursekit import data; data.load_mnist()"
    shown = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        env=child_environment(tmp_path) | {"COURSEKIT_DATA": "missing"},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    told = [line for line in (shown.stdout + shown.stderr).splitlines() if line.strip()]
    assert told == [
        "DataError: COURSEKIT_DATA is 'missing', which is no folder; "
        "set it to the folder with mnist.npz or unset it"
    ]


# The network and the cache


def test_a_download_is_shown_and_kept(online, arrays, tmp_path, capsys):
    assert_holds(data.load_mnist(), arrays, "network")
    assert cached(tmp_path) == ["mnist.npz"]
    assert_holds(data.load_mnist(), arrays, "cache")
    assert online.asked == list(data._FILES.values())
    assert lines(capsys, tmp_path) == []


def test_a_slow_download_shows_its_progress(online, arrays, capsys, monkeypatch):
    def in_two_parts(handler, body):
        send(handler, body[:40_000], length=len(body))
        online.closing.wait(0.5)
        handler.wfile.write(body[40_000:])

    online.answers["train-images-idx3-ubyte.gz"] = in_two_parts
    assert_holds(data.load_mnist(), arrays, "network")
    err = capsys.readouterr().err
    assert "MNIST" in err
    assert "%" in err
    assert err.endswith("\r") and err.split("\r")[-2].strip() == ""  # nothing stays


def test_arrays_from_the_network_are_writable(online):
    mnist = data.load_mnist()
    mnist.x_train[:] = 0
    mnist.y_test[:] = 0


def test_the_folder_comes_before_the_cache_and_the_cache_before_the_network(
    online, folder, arrays, monkeypatch
):
    monkeypatch.setattr(data, "_MNIST", replace(data._MNIST, url=online.url))
    assert data.load_mnist().source == "network"
    assert data.load_mnist().source == "cache"
    np.savez(folder / "mnist.npz", **arrays)
    assert data.load_mnist().source == "COURSEKIT_DATA"


@pytest.mark.parametrize("reason", WRONG_ARRAYS)
def test_a_wrong_file_in_the_cache_is_replaced(online, arrays, reason, tmp_path, capsys):
    path = tmp_path / "cache" / "mnist.npz"
    path.parent.mkdir()
    np.savez(path, **WRONG_ARRAYS[reason](arrays))
    broken = path.read_bytes()
    assert_holds(data.load_mnist(), arrays, "network")
    assert_holds(data.load_mnist(), arrays, "cache")
    assert cached(tmp_path) == ["mnist.npz", "mnist.npz.damaged"]
    assert (tmp_path / "cache" / "mnist.npz.damaged").read_bytes() == broken
    assert lines(capsys, tmp_path) == [
        f"[data] mnist.npz in the cache is damaged ({reason}): it is set aside."
    ]


@pytest.mark.parametrize("damage", UNREADABLE)
def test_an_unreadable_file_in_the_cache_is_replaced(online, arrays, damage, tmp_path, capsys):
    data.load_mnist()
    path = tmp_path / "cache" / "mnist.npz"
    np.savez(path, **arrays)
    path.write_bytes(UNREADABLE[damage](path.read_bytes()))
    assert_holds(data.load_mnist(), arrays, "network")
    assert cached(tmp_path) == ["mnist.npz", "mnist.npz.damaged"]
    assert len(lines(capsys, tmp_path)) == 1


def raise_(error):
    def read(*_, **__):
        raise error

    return read


def test_trouble_of_the_machine_is_no_damage_to_the_file(
    folder, arrays, tmp_path, monkeypatch, capsys
):
    cache = tmp_path / "cache"
    cache.mkdir()
    for place in (cache, folder):
        np.savez(place / "mnist.npz", **arrays)
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
    for number in (errno.EMFILE, errno.EIO):
        monkeypatch.setattr(np, "load", raise_(OSError(number, os.strerror(number))))
        assert data.load_mnist().source == "embedded digits"
    assert cached(tmp_path) == ["mnist.npz"]
    monkeypatch.setattr(np, "load", raise_(MemoryError()))
    for _ in ("folder", "cache"):
        with pytest.raises(MemoryError):
            data.load_mnist()
        monkeypatch.delenv("COURSEKIT_DATA", raising=False)
    assert cached(tmp_path) == ["mnist.npz"]
    assert "damaged" not in capsys.readouterr().out


def test_another_process_may_set_the_damaged_file_aside_first(
    online, arrays, tmp_path, monkeypatch
):
    path = tmp_path / "cache" / "mnist.npz"
    path.parent.mkdir()
    path.write_bytes(b"")
    verify = data._read

    def read_and_lose(*args):
        try:
            return verify(*args)
        finally:
            path.unlink(missing_ok=True)

    monkeypatch.setattr(data, "_read", read_and_lose)
    assert_holds(data.load_mnist(), arrays, "network")


def test_a_cache_that_cannot_be_written_costs_only_the_keeping(online, arrays, tmp_path, capsys):
    (tmp_path / "cache").touch()
    assert_holds(data.load_mnist(), arrays, "network")
    assert_holds(data.load_mnist(), arrays, "network")
    assert lines(capsys, tmp_path) == []


def test_a_full_disk_leaves_nothing_behind(online, arrays, tmp_path, monkeypatch):
    def run_full(path, **_):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", run_full)
    assert_holds(data.load_mnist(), arrays, "network")
    assert cached(tmp_path) == []


def not_found(handler, body):
    handler.send_error(404)


def another_file(handler, body):
    send(handler, body[:-1] + bytes([body[-1] ^ 1]))


def sign_in_page(handler, body):
    send(handler, b"<html>Sign in to the network</html>")


def cut_off(handler, body):
    send(handler, body[: len(body) // 2], length=len(body))


FAILURES = {
    not_found: "HTTPError",
    another_file: "what came is not the published file",
    sign_in_page: "what came is not the published file",
    cut_off: "",
}


@pytest.mark.parametrize("answer", FAILURES)
@pytest.mark.parametrize("name", NAMES)
def test_a_failed_download_ends_with_the_embedded_digits(online, answer, name, tmp_path, capsys):
    online.answers[data._FILES[name]] = answer
    assert load_without_hanging().source == "embedded digits"
    asked = len(online.asked)
    assert cached(tmp_path) == []
    assert load_without_hanging().source == "embedded digits"
    assert load_without_hanging(data.load_fashion_mnist).source == "embedded digits"
    assert len(online.asked) == asked
    first, again, other = lines(capsys, tmp_path)
    assert first.startswith("[data] MNIST is not here and the network is not either (")
    assert FAILURES[answer] in first
    assert first.endswith("to use the real set; restart the kernel to try the network again.")
    assert again == "[data] MNIST is still scikit-learn's digits."
    assert other.startswith("[data] Fashion-MNIST is not here")


def test_the_right_files_of_another_set_are_refused(online, monkeypatch, capsys):
    monkeypatch.setattr(data, "_MNIST", replace(data._MNIST, digest="0" * 64))
    assert data.load_mnist().source == "embedded digits"
    assert "its arrays are not those of MNIST" in capsys.readouterr().out


@pytest.mark.parametrize("sent", ["nothing", "half", "drops"])
def test_a_stalling_host_is_given_up(online, sent, monkeypatch, tmp_path, capsys):
    def stall(handler, body):
        if sent != "nothing":
            send(handler, body[: len(body) // 2], length=len(body))
        while not online.closing.wait(0.05):
            if sent == "drops":
                handler.wfile.write(b"\0")

    online.answers["train-images-idx3-ubyte.gz"] = stall
    monkeypatch.setattr(data, "_PATIENCE", 0.3)
    assert load_without_hanging().source == "embedded digits"
    assert load_without_hanging().source == "embedded digits"
    assert len(online.asked) == 1
    assert cached(tmp_path) == []
    assert len(lines(capsys, tmp_path)) == 2


def test_a_refused_connection(capsys, tmp_path):
    assert load_without_hanging().source == "embedded digits"
    assert "(ConnectionError)" in lines(capsys, tmp_path)[0]
    assert capsys.readouterr().err == ""


def test_a_name_server_that_does_not_answer_is_given_up(monkeypatch, capsys):
    over = threading.Event()
    asked = []

    def ask(*args, **kwargs):
        asked.append(args)
        over.wait(2 * HANG)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    monkeypatch.setattr(data, "_PATIENCE", 0.3)
    monkeypatch.setattr(data, "_MNIST", replace(data._MNIST, url="http://data.invalid/"))
    try:
        assert load_without_hanging().source == "embedded digits"
        assert load_without_hanging().source == "embedded digits"
    finally:
        over.set()
    assert len(asked) == 1
    out, err = capsys.readouterr()
    assert "(no answer for 0.3 s)" in out
    assert err == ""


def test_a_name_server_that_does_not_answer_does_not_hold_up_the_end_of_python(tmp_path):
    code = (
        "import socket, sys, time, pathlib; from coursekit import data; "
        f"socket.getaddrinfo = lambda *args, **kwargs: time.sleep({10 * HANG}); "
        "data._PATIENCE = 0.3; data._cache_folder = lambda: pathlib.Path(sys.argv[1]); "
        "print(data.load_mnist().source)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "cache")],
        env=child_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == "embedded digits"


@pytest.mark.parametrize("variable", ["COURSEKIT_DATA", None])
def test_offline_never_opens_a_socket(variable, folder, arrays, monkeypatch, capsys, tmp_path):
    np.savez(folder / "mnist.npz", **arrays)
    if variable is None:
        monkeypatch.delenv("COURSEKIT_DATA")
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
    touched = []
    for name in ("create_connection", "getaddrinfo", "socket"):
        monkeypatch.setattr(socket, name, lambda *args, **kwargs: touched.append(args))
    assert data.load_mnist().source == (variable or "embedded digits")
    assert touched == []
    if variable is None:
        assert "COURSEKIT_OFFLINE is set" in lines(capsys, tmp_path)[0]


def test_offline_still_uses_the_cache(online, arrays, monkeypatch):
    data.load_mnist()
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
    assert_holds(data.load_mnist(), arrays, "cache")


@pytest.mark.parametrize("value", ["0", ""])
def test_offline_can_be_switched_off(online, value, monkeypatch):
    monkeypatch.setenv("COURSEKIT_OFFLINE", value)
    assert not data.is_offline()
    assert data.load_mnist().source == "network"


# Other processes

CHILD = """
import json, sys
from pathlib import Path
from coursekit import data

data._MNIST = data._Spec(**json.loads(sys.argv[1]))
data._cache_folder = lambda: Path(sys.argv[2])
mnist = data.load_mnist()
print(mnist.source, data.digest(mnist.x_train, mnist.y_train, mnist.x_test, mnist.y_test))
"""


def child_environment(tmp_path):
    root = str(Path(data.__file__).parents[1])
    unset = {name: "" for name in ("COURSEKIT_DATA", "COURSEKIT_OFFLINE", "COURSEKIT_QUICK")}
    return os.environ | unset | {"PYTHONPATH": root, "IPYTHONDIR": str(tmp_path / "ipython")}


def start_child(tmp_path):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(asdict(data._MNIST)), str(tmp_path / "cache")],
        env=child_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once(online, arrays, tmp_path):
    both = threading.Barrier(2)

    def together(handler, body):
        both.wait(HANG)
        send(handler, body)

    online.answers["t10k-labels-idx1-ubyte.gz"] = together
    children = [start_child(tmp_path) for _ in range(2)]
    told = [child.communicate(timeout=HANG)[0] for child in children]
    assert told == [f"network {data.digest(**arrays)}\n"] * 2
    assert cached(tmp_path) == ["mnist.npz"]
    assert_holds(data.load_mnist(), arrays, "cache")


def test_a_killed_download_leaves_nothing_half_loaded(online, arrays, tmp_path):
    half = threading.Event()

    def stop_half_way(handler, body):
        send(handler, body[: len(body) // 2], length=len(body))
        half.set()
        online.closing.wait(HANG)

    online.answers["t10k-images-idx3-ubyte.gz"] = stop_half_way
    child = start_child(tmp_path)
    try:
        assert half.wait(HANG)
    finally:
        child.kill()
        child.communicate(timeout=HANG)
    assert cached(tmp_path) == []
    del online.answers["t10k-images-idx3-ubyte.gz"]
    assert_holds(data.load_mnist(), arrays, "network")


def test_importing_the_module_imports_nothing_heavy(tmp_path):
    heavy = ("sklearn", "scipy", "pooch", "requests", "tqdm", "PIL", "matplotlib", "tensorflow")
    code = f"import sys, coursekit.data; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    )
    assert told.stdout == "[]\n"


# The embedded digits


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("COURSEKIT_OFFLINE", "1")


def test_embedded_digits_look_like_mnist(offline):
    mnist = data.load_mnist()
    assert (mnist.x_train.shape, mnist.x_test.shape) == ((1297, 28, 28), (500, 28, 28))
    assert (mnist.y_train.shape, mnist.y_test.shape) == ((1297,), (500,))
    for x, y in mnist:
        assert x.dtype == y.dtype == np.uint8
        assert (x.min(), x.max()) == (0, 255)
        assert sorted(set(y.tolist())) == list(range(10))
        assert np.ptp(np.bincount(y)) <= 0.02 * len(y)
        framed = x.copy()
        framed[:, 4:24, 4:24] = 0
        assert not framed.any()


def test_embedded_digits_are_the_digits_that_their_labels_say(offline):
    from sklearn.neighbors import KNeighborsClassifier

    (x_train, y_train), (x_test, y_test) = data.load_mnist()
    model = KNeighborsClassifier(3).fit(x_train.reshape(-1, 784), y_train)
    assert model.score(x_test.reshape(-1, 784), y_test) > 0.95


def test_embedded_digits_stand_upright(offline):
    from sklearn.datasets import load_digits

    (x_train, y_train), _ = data.load_mnist()
    small = load_digits()
    for digit in range(10):
        enlarged = np.kron(small.images[small.target == digit].mean(0), np.ones((5, 5)))
        mean = np.kron(x_train[y_train == digit].mean(0)[4:24, 4:24], np.ones((2, 2)))
        assert np.corrcoef(enlarged.ravel(), mean.ravel())[0, 1] > 0.9


def test_embedded_training_and_test_images_do_not_overlap(offline):
    (x_train, _), (x_test, _) = data.load_mnist()
    seen = {image.tobytes() for image in x_train}
    assert not any(image.tobytes() in seen for image in x_test)


def test_embedded_digits_are_the_same_each_time(offline):
    first = data.load_mnist()
    expected = {name: getattr(first, name).copy() for name in NAMES}
    first.x_train[:] = 0
    assert_holds(data.load_mnist(), expected, "embedded digits")


def test_embedded_digits_stand_in_honestly(offline, capsys, tmp_path):
    for _ in range(2):
        fashion = data.load_fashion_mnist()
    assert fashion.class_names == tuple("0123456789")
    assert "from embedded digits" in repr(fashion)
    assert lines(capsys, tmp_path) == [
        "[data] Fashion-MNIST is not here and COURSEKIT_OFFLINE is set: using scikit-learn's "
        "1,797 handwritten digits instead (1,297 for training, 500 for testing). "
        "Set COURSEKIT_DATA to a folder with fashion_mnist.npz to use the real set.",
        "[data] Fashion-MNIST is still scikit-learn's digits.",
    ]
    data.load_mnist()
    assert lines(capsys, tmp_path)[0].startswith("[data] MNIST is not here")


# Quick mode


@pytest.fixture
def numbered(folder, monkeypatch):
    """A set larger than quick mode's, with unequal classes and its row number in each image."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 3_001), ("test", 1_503)):
        x = np.zeros((count, 28, 28), np.uint8)
        x[:, 0, 0], x[:, 0, 1] = np.divmod(np.arange(count), 256)
        arrays[f"x_{part}"] = x
        arrays[f"y_{part}"] = rng.choice(10, count, p=np.arange(1, 11) / 55).astype(np.uint8)
    monkeypatch.setattr(data, "_MNIST", make_spec(arrays, data._MNIST, "")[0])
    np.savez(folder / "mnist.npz", **arrays)
    return arrays


def test_quick_mode_is_a_stratified_part_in_the_old_order(numbered, monkeypatch):
    monkeypatch.setenv("COURSEKIT_QUICK", "1")
    mnist = data.load_mnist()
    for part, (x, y), size in zip(("train", "test"), mnist, (2_000, 1_000), strict=True):
        assert x.shape == (size, 28, 28)
        rows = x[:, 0, 0].astype(int) * 256 + x[:, 0, 1]
        assert (np.diff(rows) > 0).all()
        everything = numbered[f"y_{part}"]
        np.testing.assert_array_equal(y, everything[rows])
        share = np.bincount(everything) * size / len(everything)
        assert np.abs(np.bincount(y) - share).max() <= 1


def test_quick_mode_chooses_the_same_images_each_time(numbered, monkeypatch):
    monkeypatch.setenv("COURSEKIT_QUICK", "1")
    first = data.load_mnist()
    assert_holds(data.load_mnist(), {name: getattr(first, name) for name in NAMES}, first.source)


@pytest.mark.parametrize("value", ["0", ""])
def test_quick_mode_can_be_switched_off(numbered, value, monkeypatch):
    monkeypatch.setenv("COURSEKIT_QUICK", value)
    assert not data.is_quick()
    assert_holds(data.load_mnist(), numbered, "COURSEKIT_DATA")


def test_quick_mode_leaves_a_small_set_alone(offline, monkeypatch):
    monkeypatch.setenv("COURSEKIT_QUICK", "1")
    assert len(data.load_mnist().x_train) == 1297


def test_quick_mode_still_verifies_the_whole_file(numbered, folder, monkeypatch):
    monkeypatch.setenv("COURSEKIT_QUICK", "1")
    np.savez(folder / "mnist.npz", **numbered | {"x_test": numbered["x_test"][:1_000]})
    with pytest.raises(data.DataError, match=r"x_test has shape \(1000, 28, 28\)"):
        data.load_mnist()
