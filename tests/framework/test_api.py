# SPDX-License-Identifier: LGPL-2.1-or-later
"""What klp_enable_patch() refuses: with an errno and a line that has the name, and nothing of the patch is left."""
import pytest

import rig
from rig import livepatch_log, reports, section

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)
LONG = "x" * 32 + "..."
# What is wrong; the error; what the log says after "livepatch: ".
REFUSED = {
    "no_patch": ("EINVAL", "a patch without a struct klp_patch cannot be enabled"),
    "no_module": ("EINVAL", "a patch without a module cannot be enabled"),
    "no_objects": ("EINVAL", "patch 'api_bad' has no objects"),
    "consistency": ("EINVAL", "patch 'api_bad' has an unknown consistency model 99"),
    "abi": ("EINVAL", "patch 'api_bad' was built for ABI 2, this is 1"),
    "abi_of_a_stranger": ("EINVAL", "patch 'api_bad' was built for ABI 0, this is 1"),
    "no_functions": ("EINVAL", "patch 'api_bad': object 'api_more' has no functions"),
    "object_twice": ("EINVAL", "patch 'api_bad': object 'api_target' is there twice"),
    "vmlinux_twice": ("EINVAL", "patch 'api_bad': object 'vmlinux' is there twice"),
    "vmlinux_named": ("EINVAL", "patch 'api_bad': object 'vmlinux' is no module; leave its name out"),
    "object_nameless": ("EINVAL", "patch 'api_bad': object 2 has an empty name; vmlinux has none"),
    "object_long": ("EINVAL", f"patch 'api_bad': the name of object '{LONG}' is too long"),
    "object_self": ("EINVAL", "patch 'api_bad': object 'api_bad' is what patches, and cannot be patched"),
    "object_suture": ("EINVAL", "patch 'api_bad': object 'suture' is what patches, and cannot be patched"),
    "function_nameless": ("EINVAL", "patch 'api_bad': function 1 of object 'api_target' has no old_name"),
    "function_empty": ("EINVAL", "patch 'api_bad': function 1 of object 'api_target' has no old_name"),
    "function_long": ("EINVAL", f"patch 'api_bad': the name of function '{LONG}' of object 'api_target' is too long"),
    "function_twice": ("EINVAL", "patch 'api_bad': function 'api_value,1' of object 'api_target' is there twice"),
    "function_twice_sympos": ("EINVAL", "patch 'api_bad': function 'api_value,1' of object 'api_target' is there twice"),
    "replacement_missing": ("EINVAL", "patch 'api_bad': function 'api_untraced' of object 'api_target' has no new_func"),
    # From here on an object's functions are looked up.
    "function_longest": ("ENOENT", f"symbol '{'x' * 511}' not found in symbol table"),
    "function_unknown": ("ENOENT", "symbol 'api_no_such_function' not found in symbol table"),
    "kernel_function_unknown": ("ENOENT", "symbol 'api_no_such_function' not found in symbol table"),
    "replacement_nowhere": ("EINVAL", "patch 'api_bad': the replacement of function 'api_untraced' is not in text that stays"),
    "replacement_data": ("EINVAL", "patch 'api_bad': the replacement of function 'api_untraced' is not in text that stays"),
}
# The last ones are found out while the patch is being applied, after version_proc_show() was.
UNPATCHABLE = {"function_untraced": "api_untraced", "function_data": "api_number", "kernel_function_gone": "start_kernel"}
LATE = {what: f"failed to find location for function '{name}'" for what, name in UNPATCHABLE.items()}
LATE["function_alias"] = "patch 'api_bad': functions 'api_value' and 'api_alias' are one"
OBJECT = {"kernel_function_gone": "vmlinux"}
UNDONE = {
    what: ("EINVAL", ["enabling patch 'api_bad'", line, f"failed to patch object '{OBJECT.get(what, 'api_target')}'",
                      "failed to enable patch 'api_bad'", "'api_bad': unpatching complete"])
    for what, line in LATE.items()}
CASES = {**{what: (error, [line]) for what, (error, line) in REFUSED.items()}, **UNDONE}

LEFT = """
left() {
	ls -1 $S
	cat /sys/module/suture/refcnt
	P api_target value
	cmp /proc/version /tmp/version
	ls -1d /sys/module/api_bad 2>/dev/null
}
cat /proc/version >/tmp/version
guest load api_target.ko
"""
NOTHING_LEFT = ["0", "1 1"]


@on_all
def test_bad_patches_are_refused_and_leave_nothing(kernel):
    """suture.ko unloads afterwards, so it has no reference left; kmemleak, where it is, knows of no memory that is."""
    tries = "".join(f"title {what}; guest load api_bad.ko wrong={what}; left\n" for what in CASES)
    script = """
    title end
    enable api_bad.ko wrong=nothing
    cat /proc/version
    P api_target value
    disable api_bad
    left
    clean
    title leaks
    leaks
    """
    result = rig.run(LEFT + tries + script, ["api"], kernel)
    for what, (error, lines) in CASES.items():
        assert section(result.output, what) == [error, *NOTHING_LEFT], what
        assert livepatch_log(result, what) == [f"livepatch: {line}" for line in lines], what
    assert section(result.output, "end") == ["0", "api_bad", "2 1", "0", *NOTHING_LEFT, "0"]
    assert section(result.output, "leaks") == []
    assert reports(result) == []


ROUNDS = 100


# The kernel of our own does not count its objects.
@pytest.mark.parametrize("kernel", [rig.DEBIAN, rig.NEWER], ids=str)
def test_refused_patches_keep_no_memory(kernel):
    """One object, or one page, that each of one kind left would be as many as there are rounds."""
    script = f"""
    refuse() {{
        for round in $(seq $1); do
            for what in no_functions function_unknown kernel_function_gone; do
                guest load api_bad.ko wrong=$what
            done
        done | sort | uniq -c
    }}
    title warm
    refuse 10
    title before
    memory
    title refused
    refuse {ROUNDS}
    title after
    memory
    title end
    clean
    """
    result = rig.run(LEFT + script, ["api"], kernel)
    assert [line.split() for line in section(result.output, "refused")] == [[str(2 * ROUNDS), "EINVAL"], [str(ROUNDS), "ENOENT"]]
    before, after = (rig.memory(section(result.output, title)) for title in ("before", "after"))
    assert {"64", "96", "VmallocUsed", "Percpu"} <= before.keys()
    assert {name for name in after if after[name] - before[name] > ROUNDS / 2} == set()
    assert section(result.output, "end") == ["0"]
    assert reports(result) == []


def test_unknown_objects_are_waited_for():
    script = """
    for what in object_unknown object_without_any object_longest; do
        guest load api_bad.ko wrong=$what
        settled api_bad
        for object in $S/api_bad/*/; do
            echo "$(basename $object) $(cat $object/patched)"
        done
        disable api_bad
        left
    done
    clean
    """
    result = rig.run(LEFT + script, ["api"])
    unknown = ["0", "api_target 1", "api_unknown 0", "vmlinux 1", "0", *NOTHING_LEFT]
    longest = ["0", "api_target 1", "vmlinux 1", f"{'x' * 55} 0", "0", *NOTHING_LEFT]
    assert result.output.splitlines() == ["0", *unknown, *unknown, *longest, "0"]
    assert reports(result) == []


def test_patch_is_enabled_once_and_by_its_init_only():
    script = """
    A=/sys/module/api_bad/parameters/again
    title twice
    guest load api_bad.ko wrong=enabled_twice
    settled api_bad
    title while enabled
    guest write $A 1
    echo 0 >$S/api_bad/enabled
    gone api_bad
    title when disabled
    guest write $A 1
    guest unload api_bad
    title never enabled
    guest load api_bad.ko wrong=not_enabled
    guest write $A 1
    guest unload api_bad
    left
    clean
    """
    result = rig.run(LEFT + script, ["api"])
    assert section(result.output, "twice") == ["0"]
    assert {"livepatch: patch 'api_bad' is enabled already", "api_bad: 0, then -17"} <= set(section(result.script_log, "twice"))
    assert section(result.output, "while enabled") == ["EEXIST"]
    assert livepatch_log(result, "while enabled")[0] == "livepatch: patch 'api_bad' is enabled already"
    late = "livepatch: patch 'api_bad' can be enabled by its module's init only"
    assert section(result.output, "when disabled") == ["EINVAL", "0"]
    assert livepatch_log(result, "when disabled") == [late]
    assert section(result.output, "never enabled") == ["0", "EINVAL", "0", *NOTHING_LEFT, "0"]
    assert livepatch_log(result, "never enabled") == [late]
    assert reports(result) == []


def test_values_that_attributes_refuse():
    """Modes and errors of the attributes, as spec/abi/testing/sysfs-framework has them."""
    script = """
    guest load api_bad.ko
    settled api_bad
    cd $S/api_bad
    stat -c '%a %n' * api_target/* | grep -v '^755'
    for attribute in enabled force transition replace stack_order api_target/patched; do
        for value in 1 2 word; do
            echo "$attribute '$value' $(guest write $attribute "$value")"
        done
    done
    echo 0 >force && echo nothing to force
    echo 0 >enabled
    gone api_bad
    guest unload api_bad
    left
    clean
    """
    result = rig.run(LEFT + script, ["api"])
    lines = result.output.splitlines()
    assert lines[2:8] == ["400 blockers", "644 enabled", "200 force", "444 replace", "444 stack_order", "444 transition"]
    assert lines[8:9] == ["444 api_target/patched"]
    written = [line for line in lines if "'" in line]
    assert [line for line in written if line.startswith(("enabled", "force"))] == [
        "enabled '1' EINVAL", "enabled '2' EINVAL", "enabled 'word' EINVAL",
        "force '1' EINVAL", "force '2' EINVAL", "force 'word' EINVAL"]
    assert {line.split("' ")[1] for line in written if not line.startswith(("enabled", "force"))} == {"EACCES"}
    assert lines[-4:] == ["0", *NOTHING_LEFT, "0"]
    assert "nothing to force" in lines
    assert livepatch_log(result)[-1] == "livepatch: 'api_bad': unpatching complete"
    assert reports(result) == []
