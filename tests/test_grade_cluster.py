"""Grading on a cluster of processes: the gradebook is the one that threads make."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from staff.compare.scale import LESSON, submissions, write_ours
from staff.grade import GradeError
from staff.grade.assemble import Lesson
from staff.grade.key import make_key, write_key
from staff.grade.report import write_reports
from staff.grade.run import Settings, grade
from staff.grade.sandbox import Limits, prepare, require_bubblewrap

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Six submissions of lesson 01, and its key."""
    try:
        require_bubblewrap()
    except GradeError as error:
        pytest.fail(str(error), pytrace=False)
    folder = tmp_path_factory.mktemp("cluster")
    write_ours(folder / "in", submissions(6))
    (folder / "sandbox").mkdir()
    sandbox = prepare(folder / "sandbox", Limits())
    write_key(make_key(Lesson.read(LESSON), "a secret of the tests", sandbox), folder / "keys")
    return folder


def gradebook(folders, name, executor):
    records, odd = grade(
        folders / "in", folders / "keys", folders / name, executor, Settings(), workers=2
    )
    assert [record.status for record in records] == ["graded"] * 6
    assert odd == []
    write_reports(records, folders / name)
    return (folders / name / "gradebook.csv").read_bytes()


@pytest.fixture(scope="module")
def by_threads(folders):
    with ThreadPoolExecutor(2) as executor:
        return gradebook(folders, "threads", executor)


@pytest.fixture
def client():
    from dask.distributed import Client, LocalCluster

    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(n_workers=2, **options) as cluster, Client(cluster) as client:
        yield client


def test_a_cluster_gives_the_same_gradebook(folders, by_threads, client):
    assert gradebook(folders, "cluster", client.get_executor()) == by_threads


def test_so_it_does_when_a_worker_is_killed_in_the_middle(folders, by_threads, client):
    workers = client.run(os.getpid)
    records = folders / "killed" / "records.jsonl"
    left = []

    def kill():
        while not records.exists() or not records.read_text().strip():
            time.sleep(0.1)
        left.append(6 - len(records.read_text().splitlines()))
        os.kill(next(iter(workers.values())), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    assert gradebook(folders, "killed", client.get_executor()) == by_threads
    assert left[0] >= 3  # the killed worker was at work
    assert set(client.run(os.getpid).values()) != set(workers.values())
