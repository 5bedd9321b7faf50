# SPDX-License-Identifier: LGPL-2.1-or-later
"""The JSON schemas and the parsers accept the same documents and refuse the same ones, as far as a schema can say."""
import copy
import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

SOURCE = pathlib.Path(os.environ["SUTURE_SOURCE"])
PARSE = pathlib.Path(os.environ["SUTURE_BUILD_DIR"]) / "tests" / "spec-parse"
FORMATS = ("manifest", "target", "receipt", "ledger", "refresh")
GONE = object()


def sample(name):
    return json.loads((SOURCE / "tests/spec/samples" / f"{name}.json").read_text())


def schema(name):
    return json.loads((SOURCE / "spec" / f"{name}.schema.json").read_text())


def with_member(document, path, value):
    """A copy of the document with the member at path ("modules.0.file") set, or removed when GONE."""
    changed = copy.deepcopy(document)
    at = changed
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        at = at[key]
    if value is GONE:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return changed


def members(document, prefix=""):
    """Paths of all members of objects and all entries of lists."""
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        yield f"{prefix}{key}", value
        if isinstance(value, (dict, list)):
            yield from members(value, f"{prefix}{key}.")


def parser_verdicts(name, documents, folder):
    files = []
    for number, document in enumerate(documents):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(document))
        files.append(path)
    output = subprocess.run([PARSE, name, *files], check=True, capture_output=True, text=True).stdout
    verdicts = [line.split("\t")[0] for line in output.splitlines()]
    assert len(verdicts) == len(documents)
    return verdicts


def assert_agreement(name, cases, folder):
    """cases: (what it is, document, reason code or "ok")."""
    validator = jsonschema.Draft202012Validator(schema(name))
    verdicts = parser_verdicts(name, [document for _, document, _ in cases], folder)
    for (what, document, expected), verdict in zip(cases, verdicts):
        assert verdict == expected, f"parser: {what}"
        assert validator.is_valid(document) == (expected == "ok"), f"schema: {what}"


@pytest.mark.parametrize("name", FORMATS)
def test_schema_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", FORMATS)
def test_good_samples_are_accepted_by_both(name, tmp_path):
    assert_agreement(name, [("the sample", sample(name), "ok")], tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_missing_members_are_refused_by_both(name, tmp_path):
    good = sample(name)
    cases = [(f"without {path}", with_member(good, path, GONE), "json-missing-key")
             for path, _ in members(good) if not path.split(".")[-1].isdigit() and path != "suture"]
    assert len(cases) > 10
    assert_agreement(name, cases, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_wrong_types_are_refused_by_both(name, tmp_path):
    good = sample(name)
    cases = []
    for path, value in members(good):
        for other in ("text", 7, True, None, [], {}, 1.5):
            if type(other) is not type(value):
                cases.append((f"{path} = {other!r}", with_member(good, path, other), "json-wrong-type"))
    assert_agreement(name, cases, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_members_are_refused_by_both(name, tmp_path):
    good = sample(name)
    objects = [f"{path}." for path, value in members(good) if isinstance(value, dict)]
    if name != "target":  # "custom" belongs to others too
        objects.append("")
    cases = [(f"{path}stranger", with_member(good, f"{path}stranger", 1), "json-unknown-key") for path in objects]
    assert cases
    assert_agreement(name, cases, tmp_path)


PATCH_VALUES = [
    ("format", 3, "manifest-format"),
    ("name", "", "manifest-value"), ("name", "Upper", "manifest-value"), ("name", "a" * 64, "ok"),
    ("name", "a" * 65, "manifest-value"), ("name", "a/b", "manifest-value"), ("name", "..", "manifest-value"),
    ("version", "1-2", "manifest-value"), ("version", "1.2_3", "ok"), ("release", "~", "manifest-value"),
    ("severity", "grave", "manifest-value"), ("severity", "none", "ok"),
    ("advisory", "a b", "manifest-value"), ("advisory", "", "manifest-value"),
    ("issued", "2026-13-01T00:00:00Z", "manifest-value"), ("issued", "2026-11-22T24:00:00Z", "manifest-value"),
    ("issued", "2026-11-22T12:00:00+00:00", "manifest-value"), ("issued", "2026-12-31T23:59:59Z", "ok"),
    ("vulnerabilities", [], "ok"), ("vulnerabilities.0.id", "a b", "manifest-value"),
    ("vulnerabilities.0.status", "affected", "manifest-value"),
    ("vulnerabilities", [{"id": f"C-{i}", "status": "fixed"} for i in range(256)], "ok"),
    ("vulnerabilities", [{"id": f"C-{i}", "status": "fixed"} for i in range(257)], "manifest-limit"),
    ("kernel.release", "../x", "manifest-value"), ("kernel.arch", "", "manifest-value"),
    ("kernel.build_id", "0123456789abcdef", "ok"), ("kernel.build_id", "0123456789abcde", "manifest-value"),
    ("kernel.build_id", "ab" * 65, "manifest-value"), ("kernel.build_id", "AB" * 20, "manifest-value"),
    ("provider", "kpatch", "manifest-value"), ("provider", "framework", "ok"),
    ("consistency", "never", "manifest-value"), ("consistency", "immediate", "manifest-value"),
    ("stack.requires", ["a", "b-1-1"], "ok"), ("stack.requires", ["a", "a"], "manifest-value"),
    ("stack.requires", ["A"], "manifest-value"), ("stack.conflicts", [f"p{i}" for i in range(64)], "ok"),
    ("stack.supersedes", [f"p{i}" for i in range(65)], "manifest-limit"),
]
MODULE = {"file": "x.ko", "size": 1, "sha256": "a" * 64, "build_id": "", "srcversion": "",
          "functions": [{"object": "vmlinux", "name": "f", "sympos": 0}], "patches": []}
BUILD = {"object": "ext4", "build_id": "ab" * 20, "srcversion": "5A3C"}
VALUES = {
    "manifest": PATCH_VALUES + [
        ("summary", "", "manifest-value"), ("summary", "a\nb", "manifest-value"), ("summary", "é" * 256, "ok"),
        ("summary", "é" * 257, "manifest-value"), ("kernel.vermagic", "", "manifest-value"),
        ("modules", [], "manifest-value"), ("modules", [MODULE], "ok"),
        ("modules", [{**MODULE, "file": f"x{i}.ko",
                      "functions": [{**MODULE["functions"][0], "sympos": i}]} for i in range(17)], "manifest-limit"),
        ("modules.0.file", "a/b.ko", "manifest-path"), ("modules.0.file", "..ko", "manifest-path"),
        ("modules.0.file", "a.kox", "manifest-path"), ("modules.0.file", "a b.ko", "manifest-value"),
        ("modules.0.size", 0, "json-out-of-range"), ("modules.0.size", 64 << 20, "ok"),
        ("modules.0.size", (64 << 20) + 1, "manifest-limit"), ("modules.0.size", -1, "json-out-of-range"),
        ("modules.0.size", 2**64, "json-integer-overflow"), ("modules.0.sha256", "a" * 63, "manifest-value"),
        ("modules.0.build_id", "", "ok"), ("modules.0.build_id", "ab", "manifest-value"),
        ("modules.0.srcversion", "a b", "manifest-value"), ("modules.0.functions", [], "manifest-value"),
        ("modules.0.functions.0.sympos", -1, "json-out-of-range"),
        ("modules.0.functions.0.sympos", 2**63 - 1, "ok"),
        ("modules.0.functions.0.sympos", 2**63, "json-integer-overflow"),
        ("modules.0.functions.0.name", "a b", "manifest-value"),
        ("modules.0.functions.0.object", "a.b", "manifest-value"),
        ("modules.0.functions.2", {"object": "vmlinux", "name": "meminfo_proc_show", "sympos": 1}, "manifest-value"),
        ("modules.0.patches", [], "ok"), ("modules.0.patches", [BUILD, BUILD], "manifest-value"),
        ("modules.0.patches", [{**BUILD, "object": f"m{i:03}"} for i in range(256)], "ok"),
        ("modules.0.patches", [{**BUILD, "object": f"m{i:03}"} for i in range(257)], "manifest-limit"),
        ("modules.0.patches.0.object", "vmlinux", "manifest-value"), ("modules.0.patches.0.object", "vmlinux2", "ok"),
        ("modules.0.patches.0.object", "../ext4", "manifest-value"), ("modules.0.patches.0.object", "", "manifest-value"),
        ("modules.0.patches.0.build_id", "AB" * 20, "manifest-value"), ("modules.0.patches.0.build_id", "", "ok"),
        ("modules.0.patches.0.srcversion", "a b", "manifest-value"), ("modules.0.patches.0.srcversion", "", "ok"),
        ("modules.0.patches.0", {**BUILD, "build_id": "", "srcversion": ""}, "manifest-value"),
        ("toolchain", "", "ok"), ("toolchain", "g" * 257, "manifest-value"), ("sources", [], "ok"),
        ("sources.0.name", "a/b.c", "manifest-path"), ("sources.0.name", "a..c", "manifest-path"),
        ("sources.0.name", ".c", "manifest-path"), ("sources.0.name", "a-b.c", "ok"),
        ("sources.0.name", "a b.c", "manifest-value"), ("sources.0.name", "", "manifest-value"),
        ("sources", [{"name": f"{i}.c", "sha256": "a" * 64} for i in range(257)], "manifest-limit"),
    ],
    "target": [(f"suture.{path}", value, reason) for path, value, reason in PATCH_VALUES] + [
        ("suture.manifest_sha256", "", "manifest-value"), ("suture.kernel.vermagic", "x", "json-unknown-key"),
        ("suture", GONE, "ok"), ("another", 1, "ok"),
    ],
    "receipt": [
        ("format", 2, "manifest-format"), ("manifest_sha256", "", "manifest-value"), ("origin", "web", "manifest-value"),
        ("origin", "file", "ok"), ("accepted", "now", "manifest-value"), ("package_sha256", "", "ok"),
        ("package_sha256", "ab", "manifest-value"), ("package_name", "a\tb", "manifest-value"),
        ("package_name", "n" * 513, "manifest-value"), ("rpm_key", "", "ok"), ("rpm_key", "xy", "manifest-value"),
        ("rpm_signed", -1, "json-out-of-range"), ("rpm_signed", 2**64, "json-integer-overflow"),
        ("cms_certificate", "", "manifest-value"), ("cms_subject", "s" * 1025, "manifest-value"),
        ("cms_not_after", "", "manifest-value"), ("tuf_targets", 0, "ok"), ("tuf_targets", -1, "json-out-of-range"),
    ],
    "refresh": [
        ("format", 2, "manifest-format"), ("url", "a\nb", "manifest-value"), ("url", "u" * 4097, "manifest-value"),
        ("refreshed", "", "ok"), ("refreshed", "now", "manifest-value"), ("failed", "soon", "manifest-value"),
        ("reason", "", "ok"), ("message", "m" * 4097, "manifest-value"), ("roles", [], "ok"), ("roles", [1], "json-wrong-type"),
        ("roles.0.name", "", "manifest-value"), ("roles.0.version", 0, "json-out-of-range"), ("roles.0.expires", "", "manifest-value"),
        ("roles.0.since", GONE, "json-missing-key"), ("roles.0.stale", 1, "json-wrong-type"), ("roles.0.x", 1, "json-unknown-key"),
    ],
    "ledger": [
        ("format", 0, "manifest-format"), ("sequence", 0, "json-out-of-range"), ("sequence", 2**63 - 1, "ok"),
        ("time", "2026-11-23T08:00:00Z", "manifest-value"), ("boot_id", "b" * 65, "manifest-value"),
        ("host", "a\nb", "manifest-value"), ("kernel_build_id", "", "ok"), ("kernel_build_id", "a", "manifest-value"),
        ("actor", "a" * 513, "manifest-value"), ("event", "", "manifest-value"), ("event", "A", "manifest-value"),
        ("bundle", "", "ok"), ("manifest_sha256", "a", "manifest-value"), ("package_sha256", "a" * 64, "ok"),
        ("reason", "rpm-unsigned", "ok"), ("reason", "not ok", "manifest-value"), ("detail", "é" * 4096, "ok"),
        ("detail", "é" * 4097, "manifest-value"), ("previous", "", "manifest-value"),
    ],
}


@pytest.mark.parametrize("name", FORMATS)
def test_values_are_judged_alike_by_both(name, tmp_path):
    good = sample(name)
    cases = [(f"{path} = {str(value)[:60]}", with_member(good, path, value), reason)
             for path, value, reason in VALUES[name]]
    assert_agreement(name, cases, tmp_path)


def test_manifest_members_stand_in_the_order_of_schema_and_text():
    order = list(schema("manifest")["properties"])
    assert list(sample("manifest")) == order
    text = (SOURCE / "spec/manifest.md").read_text().split("## Refusals")[0]
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert [row for row in rows if "." not in row and "[" not in row] == order


def test_manifest_of_format_1_has_no_patches(tmp_path):
    old = with_member(with_member(sample("manifest"), "format", 1), "modules.0.patches", GONE)
    assert_agreement("manifest", [
        ("as it was", old, "ok"),
        ("with a member that it has not", with_member(old, "modules.0.patches", []), "json-unknown-key"),
        ("of format 2 without it", with_member(old, "format", 2), "json-missing-key"),
    ], tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_text_names_every_member(name):
    text = (SOURCE / "spec" / f"{name}.md").read_text()
    wanted = {path.split(".")[-1] for path, _ in members(sample(name))}
    missing = {key for key in wanted if not key.isdigit() and f"`{key}`" not in text and f".{key}`" not in text
               and f"].{key}`" not in text}
    assert not missing
