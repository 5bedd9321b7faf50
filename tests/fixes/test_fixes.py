# SPDX-License-Identifier: LGPL-2.1-or-later
"""script/fixes on small inputs: which fixes are chosen, what counts as a failure, and the page."""
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import builder  # noqa: E402
import changes  # noqa: E402
import exercises  # noqa: E402
import judge  # noqa: E402
import main  # noqa: E402
import pairs  # noqa: E402
import report  # noqa: E402
from ahead import ahead  # noqa: E402
from results import Results, Unknown  # noqa: E402

PAIR = pairs.Pair("6.1.0-1-cloud-amd64", "6.1.1-1", "6.1.2-1")


def trees(folder, **files):
    """files: path with _ for / to (old, new) text; None where there is no such file."""
    for side, name in enumerate(("old", "new")):
        for path, texts in files.items():
            target = folder / name / path.replace("_", "/").replace("/c", ".c").replace("/h", ".h")
            if texts[side] is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(texts[side])
    (folder / "changes").mkdir()
    pairs.make_changes(folder / "old", folder / "new", folder / "changes")
    return changes.Changes(folder / "changes")


def test_changes_are_split_by_file(tmp_path):
    found = trees(tmp_path, net_x_c=("one\n", "two\n"), net_y_c=("same\n", "same\n"), net_new_c=(None, "new\n"),
                  tools_z_c=("one\n", "two\n"), net_x_h=("one\n", "two\n"))
    assert sorted(found.texts) == ["net/x.c", "net/x.h"]
    assert found.sources() == ["net/x.c"]
    assert found.texts["net/x.c"] == b"--- a/net/x.c\n+++ b/net/x.c\n@@ -1 +1 @@\n-one\n+two\n"


def test_joined_with_what_has_the_missing_names(tmp_path):
    found = trees(tmp_path, net_x_c=("", "use(1, 2);\n"), net_x_h=("", "void use(int, int);\n"), net_y_c=("", "void use(int a, int b)\n"),
                  fs_x_c=("", "use(3, 4);\n"), net_z_c=("", "reuse();\n"))
    fix = changes.joined(found, found.fix(["net/x.c"]), "net/x.c:1: error: too many arguments to function 'use'")
    assert fix.paths == ("net/x.c", "net/x.h", "net/y.c")
    assert fix.text.count(b"--- a/") == 3


@pytest.mark.parametrize("said", ["net/x.c:1: error: expected ';'", "net/x.c:1: error: 'nobody' undeclared", ""])
def test_nothing_to_join_with(tmp_path, said):
    found = trees(tmp_path, net_x_c=("", "use(1);\n"), net_y_c=("", "void use(int);\n"))
    assert changes.joined(found, found.fix(["net/x.c"]), said) is None


def test_never_joined_with_more_than_two(tmp_path):
    found = trees(tmp_path, **{f"net_{name}_c": ("", "use();\n") for name in "xyzw"})
    assert changes.joined(found, found.fix(["net/x.c"]), "error: implicit declaration of function 'use'") is None


def test_names_that_a_compiler_misses():
    assert changes.missing_names("error: 'struct one' has no member named 'two'; did you mean 'to'?\nerror: ‘three’ undeclared") == [
        "two", "three"]


def test_order_is_that_of_hashes_and_areas():
    paths = [f"net/ipv4/{name}.c" for name in "abcdefgh"] + ["net/socket.c", "lib/x.c"]
    ordered = changes.order(reversed(paths))
    assert ordered == changes.order(paths)
    assert sorted(ordered["net/ipv4"]) == paths[:8] and ordered["net/ipv4"] != paths[:8]
    assert ordered["net"] == ["net/socket.c"] and ordered[""] == ["lib/x.c"]


def test_at_least_sixty_are_wanted():
    assert len(pairs.WANTED) * sum(count for _, count in changes.AREAS) >= 60


def test_pairs_that_have_gone_give_way_to_the_oldest():
    kernels = {"6.1.1-1": "k1", "6.1.2-1": "k2", "6.1.3-1": "k3"}
    wanted = (pairs.Pair("k2", "6.1.2-1", "6.1.3-1"), pairs.Pair("k0", "6.1.0-1", "6.1.1-1"))
    versions = ["6.1.1-1", "6.1.2-1", "6.1.3-1", "6.1.4-1"]
    assert pairs.choose(versions, kernels, wanted) == [wanted[0], pairs.Pair("k1", "6.1.1-1", "6.1.2-1")]


@pytest.mark.parametrize("status, said, reason", [
    (0, "", ""),
    (3, "suture-vendor build: fs/x.c: y changed [diff-init]\n", "diff-init"),
    (12, "suture-vendor build: x: the fix changes nothing of kernel k: its objects come out the same [fix-nothing]", "fix-nothing"),
    (12, "x: the fix changes nothing of kernel k: no object of it is made of the changed files [fix-nothing]", "fix-not-built"),
    (139, "", "exit-139"),
])
def test_outcome_of_a_build(status, said, reason):
    assert builder.read(status, said, {}, 1.0, "m.ko").reason == reason


def test_words_of_the_compiler_are_kept():
    said = "x.c:1: error: 'name' undeclared\nsuture-vendor build: x.c does not compile [fix-compile]"
    assert changes.missing_names(builder.read(3, said, {}, 1.0, "").words) == ["name"]


def test_patch_names_differ():
    names = {builder.patch_name(path) for path in ("net/ipv4/a.c", "net/ipv4_a.c", "net/ipv6/a.c")}
    assert len(names) == 3 and all(len(name) < 40 for name in names)


@pytest.mark.parametrize("name, reason, result", [
    ("fs/known.c", "diff-init", report.REFUSED), ("fs/known.c", "diff-layout", report.FAILED), ("fs/new.c", "diff-init", report.FAILED)])
def test_refusals_have_to_be_known(name, reason, result):
    known = {"k": {"fs/known.c": {"reason": "diff-init", "why": "it is so"}}}
    said, note = report.judge_refusal(known, "k", name, reason, "words")
    assert said == result
    assert ("it is so" in note) == (result == report.REFUSED)
    assert report.judge_refusal(known, "other", name, reason, "words")[0] == report.FAILED


def test_every_known_refusal_says_why():
    for fixes in report.refusals().values():
        for entry in fixes.values():
            assert {"reason", "why"} <= set(entry) <= {"reason", "why", "needless"} and entry["why"].endswith(".")


def result(output, log="", status=0):
    return SimpleNamespace(output=output, script_log=log, status=status)


FINE = "suture: held 33\nsuture: patched 1\nsuture: held 33\nsuture: exercised\nsuture: reverted\nsuture: taint 45056\nsuture: done\n"


@pytest.mark.parametrize("output, log, found", [
    (FINE, "livepatch: enabling patch 'x'\nlivepatch: 'x': starting patching transition\nlivepatch: 'x': patching complete\n", ""),
    (FINE, "BUG: kernel NULL pointer dereference, address: 0\n", "the kernel says: BUG"),
    (FINE, "livepatch: failed to register ftrace handler\n", "the kernel says: livepatch"),
    (FINE.replace("45056", "45568"), "", "taint 45568"),
    (FINE.replace("suture: taint 45056\n", ""), "", "taint unknown"),
    (FINE.replace("patched 1\nsuture: held 33", "patched 1\nsuture: held 32"), "",
     "kinds of objects that could be made before the patch, and while it was live: 33, 32"),
    ("suture: failed not patched: vmlinux:f,1\n", "", "not patched"),
    (FINE.replace("suture: done\n", ""), "", "ended with"),
])
def test_verdict(output, log, found):
    trouble = judge.trouble(result(output, log))
    assert trouble.startswith(found) and bool(trouble) == bool(found)


def test_functions_as_the_kernel_shows_them(tmp_path):
    functions = [{"object": "vmlinux", "name": "f", "sympos": 0}, {"object": "ext4", "name": "g", "sympos": 2}]
    (tmp_path / "manifest.json").write_text(json.dumps({"modules": [{"functions": functions}]}))
    assert judge.functions_of(tmp_path / "manifest.json") == [("ext4", "g", 2), ("vmlinux", "f", 1)]


def test_lines_with_a_minus_may_fail():
    assert judge.exercise_lines("\n  one\n  -two || x\n") == "one\n{ two || x; } || :"


def test_the_longest_prefix_has_the_exercise():
    assert exercises.exercise_of("net/sched/act_ct.c") is exercises.TABLE["net/sched/act_ct"]
    assert exercises.exercise_of("fs/open.c") is exercises.TABLE["fs"]
    assert exercises.exercise_of("certs/x.c") is exercises.TABLE[""]


def test_results_are_kept(tmp_path):
    made = []
    for _ in range(2):
        results = Results(tmp_path / "r.jsonl")
        assert results.once("k", lambda: made.append(1) or {"value": 1}) == {"value": 1}
        with open(results.path, "a", encoding="utf-8") as file:
            file.write('{"key": "cut')
            file.write("\n")
    assert made == [1]


def test_nothing_is_made_of_what_is_unknown(tmp_path):
    Results(tmp_path / "r.jsonl").once("k", lambda: 1)
    results = Results(tmp_path / "r.jsonl", make=False)
    assert results.once("k", lambda: 2) == 1
    with pytest.raises(Unknown):
        results.once("other", lambda: 2)
    assert "other" not in (tmp_path / "r.jsonl").read_text()


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"key": "one", "value": 1}\n{"key": "cut')
    assert Results(path).once("two", lambda: 2) == 2
    assert Results(path, make=False).known == {"one": 1, "two": 2}


def test_what_is_not_to_be_kept_is_made_again(tmp_path):
    made = []
    results = Results(tmp_path / "r.jsonl")
    for _ in range(2):
        assert results.once("k", lambda: made.append(1) or "TimedOut: x", lambda value: not value.startswith("TimedOut")) == "TimedOut: x"
    assert made == [1, 1] and not results.path.exists()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_work_is_done_ahead_and_taken_in_order(jobs):
    done, barrier = [], threading.Barrier(jobs)

    def work(item):
        barrier.wait(timeout=20)
        done.append(item)
        return item * 10

    with ThreadPoolExecutor(jobs) as pool:
        taken = [(item, outcome()) for item, outcome in ahead(pool, jobs, work, range(6))]
    assert taken == [(item, item * 10) for item in range(6)] and sorted(done) == list(range(6))


def test_what_nobody_asks_for_is_hardly_done():
    done = []
    with ThreadPoolExecutor(2) as pool:
        taken = [outcome() for item, outcome in ahead(pool, 2, lambda item: done.append(item) or item, range(9)) if item in (1, 6)]
    assert taken == [1, 6] and set(done) <= {1, 2, 6, 7}


# It takes profiles of format 2.
VENDOR = """#!/bin/sh
echo "$2" >>{log}
cd {store}
case $2 in
list) grep -qs 'format.: 2' abc/profile.json && echo '{{"profiles": [{{"id": "abc", "release": "6.1.0-1-cloud-amd64"}}]}}' || echo '{{"profiles": []}}' ;;
remove) rm -r "$5" ;;
import) mkdir abc && echo '{{"format": 2, "release": "6.1.0-1-cloud-amd64"}}' >abc/profile.json ;;
esac
"""


def test_an_outdated_profile_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(pairs, "download", lambda package, version, where: where / package)
    store, vendor, log = tmp_path / "suture/profiles", tmp_path / "vendor", tmp_path / "log"
    vendor.write_text(VENDOR.format(log=log, store=store))
    vendor.chmod(0o755)
    for name, release in (("other", "6.1.0-2-cloud-amd64"), ("broken", "")):
        (store / name).mkdir(parents=True)
        (store / name / "profile.json").write_text(json.dumps({"release": release}) if release else "{")

    def asked():
        log.write_text("")
        assert pairs.profile(vendor, PAIR) == store
        return log.read_text().split()

    assert asked() == ["list", "import"]
    assert asked() == ["list"]
    (store / "abc/profile.json").write_text('{"format": 1, "release": "6.1.0-1-cloud-amd64"}')
    assert asked() == ["list", "remove", "import"]
    assert sorted(path.name for path in store.iterdir()) == ["abc", "broken", "other"]


def outcome_of(fix):
    reason = {"fs/none.c": "fix-not-built", "net/refused.c": "diff-init"}.get(fix.name, "")
    if fix.name == "net/alone.c" and len(fix.paths) == 1:
        return builder.Build("fix-compile", "error: 'word' undeclared", 1, 0, 1.0, "")
    if fix.name == "fs/broken.c":
        raise OSError("no space")
    return builder.Build(reason, "words", 1, 1, 1.0, "" if reason else "/m.ko")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_changed_file_is_accounted_for(tmp_path, monkeypatch, jobs):
    found = trees(tmp_path, fs_none_c=("", "a\n"), fs_broken_c=("", "b\n"), net_alone_c=("", "word\n"), net_alone_h=("", "int word;\n"),
                  net_other_h=("", "c\n"), net_refused_c=("", "d\n"), mm_fine_c=("", "e\n"),
                  crypto_one_c=("", "1\n"), crypto_two_c=("", "2\n"), crypto_three_c=("", "3\n"))
    monkeypatch.setattr(main.pairs, "changes", lambda pair: tmp_path / "changes")
    monkeypatch.setattr(main.pairs, "profile", lambda *arguments: None)
    monkeypatch.setattr(main.Run, "build", lambda self, fix: (outcome_of(fix), "sha"))
    monkeypatch.setattr(main.Run, "judged", lambda self, fix, made, sha256: {"why": "", "functions": 1, "ran": 0, "held": 3, "seconds": 1})
    options = SimpleNamespace(vendor=__file__, all=False, only=[], jobs=jobs)
    _, rows, left_out = main.Run(options, PAIR, SimpleNamespace(make=True)).all()
    assert {row.paths[0]: row.result for row in rows if not row.paths[0].startswith("crypto")} == {
        "fs/broken.c": report.FAILED, "net/alone.c": report.LIVE, "net/refused.c": report.FAILED, "mm/fine.c": report.LIVE}
    assert next(row.paths for row in rows if row.paths[0] == "net/alone.c") == ("net/alone.c", "net/alone.h")
    assert {why: len(paths) for why, paths in left_out.items()} == {"not built for this kernel": 1, main.NOT_TRIED: 1, main.HEADERS: 1}
    listed = [path for row in rows for path in row.paths] + [path for paths in left_out.values() for path in paths]
    assert sorted(listed) == sorted(found.texts)


def test_the_shell_understands_every_exercise():
    for exercise in set(exercises.TABLE.values()):
        for part in judge.PARTS:
            subprocess.run(["dash", "-n"], input=judge.exercise_lines(getattr(exercise, part)), text=True, check=True)
        assert bool(exercise.make) == bool(exercise.drop) and exercise.make + exercise.script


def test_exercises_add_up():
    both = exercises.Exercise(("a",), "s", "m", "u", "d") + exercises.Exercise(("b",), "", "n", "v", "e")
    assert both == exercises.Exercise(("a", "b"), "s", "m\nn", "u\nv", "e\nd")


def test_a_change_of_the_judge_is_another_verdict(monkeypatch):
    exercise = exercises.TABLE[""]
    before = judge.version("k", exercise)
    monkeypatch.setattr(judge, "SCRIPT", judge.SCRIPT + "true\n")
    assert judge.version("k", exercise) != before


def test_a_needless_refusal_is_a_failure():
    known = {"k": {"fs/known.c": {"reason": "diff-init", "why": "it is so.", "needless": True}}}
    assert report.judge_refusal(known, "k", "fs/known.c", "diff-init", "words") == (report.FAILED, "diff-init, without need: it is so.")


def test_page():
    rows = [report.Row("k", ("net/a.c", "net/a.h"), report.LIVE, "", 2, 1, 33, 7.6),
            report.Row("k", ("net/b.c",), report.REFUSED, "diff-init: so|so", seconds=3),
            report.Row("k", ("net/c.c",), report.FAILED, "the kernel says: BUG", 1, None, 0, 9),
            report.Row("k", ("net/d.c",), report.LIVE, "", 1, 0, 33, 5)]
    page = report.page([(PAIR, rows, {"change nothing": ["fs/x.c", "fs/a.c", "net/y.c"], "headers": []})])
    assert "refused for a true reason: 3 of 4 (75 %)" in page
    assert "| net/a.c (with net/a.h) | live and reverted | 2 | 1 | 33 | 8 |" in page
    assert "| net/b.c | refused: diff-init: so\\|so |  |  |  | 3 |" in page
    assert "[left out](#left-out): 3 files" in page
    assert "| left out | 6.1.0-1-cloud-amd64 |\n| --- | ---: |\n| change nothing | 3 |\n" in page
    assert "- *change nothing* (3):\n  fs: a.c x.c; net: y.c\n" in page
    assert "## 6.1.1-1 to 6.1.2-1, on 6.1.0-1-cloud-amd64" in page


def test_the_list_of_what_is_left_out_has_short_lines():
    words = report.folders([f"net/a-folder-{i % 7}/file_{i}.c" for i in range(200)])
    assert max(map(len, words.splitlines())) <= 140 and words.count(".c") == 200
