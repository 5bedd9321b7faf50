# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every trust check is needed: with one switched off (a build for this test alone), its named test fails.

CHECKS names for each suture_check_skipped("...") of the sources one test: "program:/glib/path", or a pytest node below tests/.
The test must pass on the same build with all checks on.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE, BUILD = Path(os.environ["SUTURE_SOURCE"]), Path(os.environ["SUTURE_BUILD_DIR"])
TESTS = SOURCE / "tests"
MUTATIONS = SOURCE / "build-mutations"
# Calls whose argument is not a literal, and what it can be.
COMPUTED = {"suture_error_reason(refusal)": ["cms-chain", "cms-expired"]}

BUNDLE = "packager/test-bundle:/bundle/verify/"
STORE = "packager/test-store:/bundle/store/"
KERNEL = "packager/test-bundle:/bundle/kernel/"
CMS = "signer/test-signer-cms-refused:/signer/cms/"
MODULE = "signer/test-signer-module-signature:/signer/module/"
TUF = "fetcher/test_tuf_client.py::"
DELEGATIONS = "fetcher/test_tuf_delegations.py::"
MIRROR = "fetcher/test_mirror.py::"
SIGNATURES = "fetcher/test_tuf_client.py::TestSignatures::"
REPOSITORY = "integration/test_refusals.py::test_fetch_refuses_repository"

CHECKS = {
    # check 1: TUF metadata
    "tuf-threshold": "fetcher/test-tuf-metadata:/fetcher/tuf-metadata/refused/threshold-zero",
    "tuf-type": TUF + "test_timestamp_of_another_role_is_refused",
    "tuf-spec-version": "fetcher/test-tuf-metadata:/fetcher/tuf-metadata/refused/spec-2",
    "tuf-duplicate-keyid": SIGNATURES + "test_two_signatures_by_one_id_are_refused[timestamp-keep0]",
    "tuf-same-key": SIGNATURES + "test_one_key_under_two_ids_counts_once[timestamp-keep0]",
    "signature": SIGNATURES + "test_changed_after_signing_is_refused[timestamp-keep0]",
    "tuf-root-signature": TUF + "test_root_signed_by_new_keys_only_is_refused",
    "tuf-root-signature-new": TUF + "test_root_signed_by_old_keys_only_is_refused",
    "tuf-root-version": TUF + "test_root_of_another_version_than_its_name_is_refused[1]",
    "tuf-root-expired": TUF + "test_root_expired_is_stored_and_ends_the_refresh",
    "tuf-timestamp-signature": SIGNATURES + "test_unsigned_is_refused[timestamp-keep0]",
    "tuf-timestamp-rollback": TUF + "test_timestamp_rollback_is_refused",
    "tuf-timestamp-snapshot-rollback": TUF + "test_timestamp_that_takes_snapshot_back_is_refused",
    "tuf-clock-floor": "fetcher/test_tuf_clock.py::test_dead_clock_does_not_bring_back_what_expired[timestamp-keep0]",
    "tuf-timestamp-issued": "fetcher/test_tuf_clock.py::test_issued_after_the_end_is_refused",
    "tuf-timestamp-expired": SIGNATURES + "test_expired_is_refused[timestamp-keep0]",
    "tuf-metadata-length": TUF + "TestListed::test_shorter_than_listed_is_refused[snapshot-keep0]",
    "tuf-metadata-hash": TUF + "TestListed::test_other_bytes_than_the_hash_are_refused[snapshot-keep0]",
    "tuf-metadata-version": TUF + "TestListed::test_old_under_a_new_name_is_refused[targets-keep1]",
    "tuf-snapshot-signature": SIGNATURES + "test_unsigned_is_refused[snapshot-keep1]",
    "tuf-snapshot-rollback": TUF + "test_snapshot_that_takes_targets_back_is_refused",
    "tuf-snapshot-expired": SIGNATURES + "test_expired_is_refused[snapshot-keep1]",
    "tuf-targets-signature": SIGNATURES + "test_unsigned_is_refused[targets-keep2]",
    "tuf-targets-expired": SIGNATURES + "test_expired_is_refused[targets-keep2]",
    "tuf-delegated-signature": DELEGATIONS + "test_unsigned_role_is_refused",
    "tuf-delegated-expired": DELEGATIONS + "test_expired_role_is_refused",
    "tuf-delegated-path": DELEGATIONS + "test_targets_are_found_where_the_chain_of_paths_leads[releases/z/z_v1.zip-None]",
    "tuf-terminating": DELEGATIONS + "test_roles_are_visited_depth_first_each_once[targets>A targets>B! targets>C-AB]",
    "tuf-too-many-roles": DELEGATIONS + "test_endless_delegations_are_refused",
    "tuf-target-custom": REPOSITORY + "[target-path-of-other-kernel]",
    # check 2: the file that TUF names
    "tuf-target-length": TUF + "test_target_too_short_is_refused",
    "tuf-target-hash": TUF + "test_target_of_other_bytes_is_refused",
    "mirror-rpm-md-signature": MIRROR + "test_refused_rpm_md_stays_as_it_was_while_tuf_goes_on[changed]",
    "mirror-rpm-md-package": MIRROR + "test_refused_rpm_md_stays_as_it_was_while_tuf_goes_on[other-package]",
    "media-unsigned": "fetcher/test_media.py::test_changed_with_a_list_that_agrees[package]",
    "media-digest": "fetcher/test_media.py::test_other_sizes_and_bytes_than_its_list_says",
    # check 3: the RPM header
    "rpm-lead": BUNDLE + "flipped-lead",
    "rpm-reserved": BUNDLE + "flipped-padding",
    "rpm-payload-size": BUNDLE + "flipped-signature-header/good.rpm",
    "rpm-trailing": BUNDLE + "trailing",
    "rpm-signatures": BUNDLE + "two-signatures",
    "rpm-digest": BUNDLE + "flipped-payload",
    "rpm-signature": BUNDLE + "flipped-header",
    "rpm-key-revoked": BUNDLE + "compromised-early",
    "rpm-key-expired": BUNDLE + "after-expiry",
    "rpm-signature-future": BUNDLE + "future",
    "rpm-weak": BUNDLE + "sha1",
    "rpm-no-payload-digest": BUNDLE + "no-payload-digest",
    "rpm-scriptlet": BUNDLE + "post",
    # check 4: manifest, files, agreement
    "cms-malformed": CMS + "refuses-form/a-passenger",
    "cms-weak": CMS + "refuses-certificate/rsa-2048",
    "cms-signature": CMS + "refuses-changed-content",
    "cms-chain": CMS + "refuses-certificate/another-ca",
    "cms-expired": BUNDLE + "ended-signer",
    "cms-purpose": CMS + "refuses-certificate/an-entitlement",
    "cms-revoked": "signer/test-signer-cms:/signer/cms/a-revoked-signer-is-refused",
    "cms-crl": "signer/test-signer-cms:/signer/cms/a-foreign-crl-is-refused",
    "manifest-path": "spec/test-manifest:/spec/manifest/refuses-paths",
    "payload-path": "integration/test_refusals.py::test_file_is_refused[dot-dot]",
    "payload-type": BUNDLE + "symlink",
    "payload-extra": BUNDLE + "extra-module",
    "file-digest": BUNDLE + "module-swapped",
    "disagree": BUNDLE + "other-name",
    "disagree-target": "packager/test-bundle:/bundle/target/member-differs",
    "disagree-stored": STORE + "folder-renamed",
    "stored-extra": STORE + "extra-file",
    "receipt-missing": "integration/test_refusals.py::test_apply_refuses[receipt-missing]",
    # check 5: modules
    "module-unsigned": MODULE + "an-unsigned-module-is-refused",
    "module-signature-malformed": MODULE + "forms-that-are-not-ours-are-refused",
    "module-key-unknown": BUNDLE + "module-stranger",
    "module-signature": MODULE + "changed-bytes-are-refused",
    "module-signature-weak": "integration/test_refusals.py::test_file_is_refused[module-weakly-signed]",
    "module-disagree": BUNDLE + "other-functions",
    "module-key-unenrolled": "applier/test-applier-preflight:/applier/preflight/unenrolled-key-refused",
    # the kernel and the host's own rules
    "kernel-release": KERNEL + "release",
    "kernel-build-id": KERNEL + "build-id",
    "kernel-arch": KERNEL + "arch",
    "module-build": "applier/test-applier-patched:/applier/patched/another-build-loaded",
    "policy-kernel-build-id": "policy/test-decide:/policy/decide/kernel-must-match",
    "policy-withdrawn": "policy/test-decide:/policy/decide/withdrawn",
    "require-tuf": "policy/test-decide:/policy/decide/require-tuf",
}


def checks_of_the_sources():
    names = set()
    for path in SOURCE.glob("[a-z]*/**/*.c"):
        if path.relative_to(SOURCE).parts[0] in ("tests", "common") or path.relative_to(SOURCE).parts[0].startswith("build"):
            continue
        for call in re.findall(r"suture_check_skipped\(((?:[^()]|\([^()]*\))*)\)", path.read_text()):
            names.update(re.findall(r'"([^"]+)"', call) or COMPUTED[call])
    return names


def test_every_check_has_a_test():
    assert checks_of_the_sources() == set(CHECKS)


@pytest.fixture(scope="module")
def mutated():
    """The build in which checks can be switched off, up to date."""
    done = subprocess.run([SOURCE / "script/build", "mutations", "mutated"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return MUTATIONS


def environment(skip=None):
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    variables.update(SUTURE_VENDOR_BIN=os.environ["SUTURE_BIN"], SUTURE_BIN=str(MUTATIONS / "bin"))
    if skip:
        variables["SUTURE_SKIP_CHECK"] = skip
    return variables


def is_pytest(test):
    return "::" in test


def run(test, skip=None):
    """Run a named test on the mutations build; returns "passed", "failed", or what else happened."""
    return run_pytest([test], skip) if is_pytest(test) else run_glib(test, skip)


def run_pytest(tests, skip=None):
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    done = subprocess.run([*command, *(TESTS / test for test in tests)], capture_output=True, text=True,
                          env=environment(skip))
    outcome = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode == 0:
        return "passed"
    return "failed" if done.returncode == 1 and "failed" in outcome and "error" not in outcome else done.stdout + done.stderr


def run_glib(test, skip=None):
    program, _, path = test.partition(":")
    folder, _, name = program.rpartition("/")
    variables = {**environment(skip), "G_TEST_SRCDIR": str(TESTS / folder), "G_DEBUG": "fatal-criticals"}
    done = subprocess.run([MUTATIONS / "tests" / name, "-p", path], capture_output=True, text=True, env=variables)
    if done.returncode:
        return "failed"
    return "passed" if f" {path}\n" in done.stdout else f"no test {path} in {name}: {done.stdout}"


def in_parallel(function, tests):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(tests, pool.map(function, tests)))


@pytest.fixture(scope="module")
def unmutated(mutated):
    """Outcome by name of each named test with all checks on. The pytest ones share a process and a fate."""
    nodes = [test for test in CHECKS.values() if is_pytest(test)]
    return {**dict.fromkeys(nodes, run_pytest(nodes)),
            **in_parallel(run_glib, [test for test in CHECKS.values() if not is_pytest(test)])}


@pytest.fixture(scope="module")
def mutants(unmutated):
    """Outcome by check of its test with that check off."""
    return in_parallel(lambda check: run(CHECKS[check], check), list(CHECKS))


@pytest.mark.parametrize("check", CHECKS)
def test_named_test_notices_that_the_check_is_off(unmutated, mutants, check):
    test = CHECKS[check]
    assert unmutated[test] == "passed"
    assert mutants[check] == "failed", f"{test} does not notice that {check} is off"
