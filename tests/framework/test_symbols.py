# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names to addresses: relocations of patch modules, and which of several functions with one name a patch means."""
import pytest

import rig
from rig import disabling, enabling, livepatch_log, reports, section
from table import Table

on_all = pytest.mark.parametrize("kernel", rig.ALL, ids=str)


@on_all
def test_patch_reaches_vmlinux_and_a_module_that_comes_goes_and_comes_again(kernel):
    script = """
    enable sym_import.ko
    P sym_import vmlinux
    P sym_import pointer
    guest load sym_target.ko
    cat /sys/module/sym_target/sections/.text
    P sym_target show
    echo 2000 >/sys/module/sym_target/parameters/hidden
    P sym_target show
    guest unload sym_target
    P sym_import pointer
    guest load sym_types.ko
    for m in obj_target stall; do guest load $m.ko; done >/dev/null
    guest load sym_target.ko
    cat /sys/module/sym_target/sections/.text
    P sym_target show
    for m in obj_target stall; do guest unload $m; done >/dev/null
    disable sym_import
    P sym_target show
    guest unload sym_target
    guest unload sym_types
    clean
    """
    result = rig.run(script, ["symbols", "objects"], kernel)
    lines = result.output.splitlines()
    # Modules of several sizes came in its place meanwhile.
    first, second = lines[4], lines[11]
    assert first != second
    assert lines == [
        "0", f"1 1 {lines[1].removeprefix('1 1 ')}", "0",
        "0", first, "patched 8 2 1000", "patched 8 2 2000",
        "0", "0", "0", "0", second, "patched 8 2 1000",
        "0", "original 7", "0", "0", "0"]
    assert lines[1].startswith("1 1 console=ttyS0 ")
    come = "livepatch: applying patch 'sym_import' to loading module 'sym_target'"
    go = "livepatch: reverting patch 'sym_import' on unloading module 'sym_target'"
    assert livepatch_log(result) == [*enabling("sym_import"), come, go, come, *disabling("sym_import")]
    assert reports(result) == []


@on_all
def test_every_type_of_relocation_into_every_kind_of_memory(kernel):
    result = rig.run("guest load sym_types.ko; P sym_types right; guest unload sym_types; clean", ["symbols"], kernel)
    assert result.output.splitlines() == ["0", "1 1", "0", "0"]
    assert livepatch_log(result) == reports(result) == []


def test_call_into_a_module_that_is_not_there_faults():
    """It ends the caller, not the machine, and says where it was."""
    script = "echo 0 >/proc/sys/kernel/panic_on_oops; enable sym_import.ko; cat /sys/module/sym_import/parameters/call; echo $?"
    result = rig.run(script, ["symbols"])
    assert result.output.splitlines()[-1] == "139"
    assert "RIP: 0010:suture_klp_import_missing" in result.script_log
    assert "call_show+" in result.script_log


MISSING = "livepatch: symbol '{}' not found in symbol table"
SYMBOL = "relocation of type {} for symbol 'saved_command_line' in object 'vmlinux' {}"
OUTSIDE = SYMBOL.format(1, "writes outside the module")
MALFORMED = "relocation __suture_reloc_by_hand_kernel [sym_table] is malformed"
# What is spoilt; the error; its reason after "module 'sym_table': ".
TABLES = {
    "unknown type": (lambda table: table.set("kernel", "type", 9), "EOPNOTSUPP", SYMBOL.format(9, "is not supported")),
    "type beyond 32 bits": (lambda table: table.set("kernel", "type", 1 << 32 | 1), "EOPNOTSUPP",
                            SYMBOL.format(1 << 32 | 1, "is not supported")),
    "unknown type for a module that is not there": (
        lambda table: table.set("target", "type", 9), "EOPNOTSUPP",
        "relocation of type 9 for symbol 'sym_secret' in object 'sym_target' is not supported"),
    "place in another module": (lambda table: table.point("kernel", "place", "suture_klp_enable_patch"), "EINVAL", OUTSIDE),
    "place nowhere": (lambda table: table.point("kernel", "place"), "EINVAL", OUTSIDE),
    "place that is freed after init": (lambda table: table.point("kernel", "place", "early_word"), "EINVAL", OUTSIDE),
    "address that does not fit": (lambda table: table.set("kernel", "type", 10), "ERANGE", SYMBOL.format(10, "is out of range")),
    "place too far away": (lambda table: (table.set("kernel", "type", 4), table.set("kernel", "addend", 0x7fffffff00)), "ERANGE",
                           SYMBOL.format(4, "is out of range")),
    "object that the patch does not have": (
        lambda table: table.point("target", "object", "other_object"), "EINVAL",
        "relocation of type 1 for symbol 'sym_secret' in object 'sym_other' is for no object of the patch"),
    "no symbol": (lambda table: table.point("kernel", "symbol"), "EINVAL", MALFORMED),
    "symbol elsewhere": (lambda table: table.point("kernel", "symbol", "suture_klp_enable_patch"), "EINVAL", MALFORMED),
    "object elsewhere": (lambda table: table.point("kernel", "object", "suture_klp_enable_patch"), "EINVAL", MALFORMED),
}
# The same, of names; the reason is the whole line.
NAMES = {
    "lost": (lambda table: table.rename("saved_command_line", "suture_lost"), "ENOENT", MISSING.format("suture_lost")),
    "ambiguous": (lambda table: table.rename("saved_command_line", "c_start"), "EINVAL",
                  "livepatch: unresolvable ambiguity for symbol 'c_start' in object 'vmlinux'"),
    "wrong position": (lambda table: table.set("kernel", "sympos", 2), "ENOENT",
                       "livepatch: symbol position 2 for symbol 'saved_command_line' in object 'vmlinux' not found"),
}


@on_all
def test_wrong_tables_refuse_the_module(kernel, tmp_path):
    """Nothing of the patch is there afterwards, and the same module with its right table is accepted."""
    wrong = {**{what: (*case[:2], f"livepatch: module 'sym_table': {case[2]}") for what, case in TABLES.items()}, **NAMES}
    for what, (spoil, _, _) in wrong.items():
        table = Table(rig.modules("symbols", kernel) / "sym_table.ko")
        spoil(table)
        table.save(tmp_path / f"{what}.ko")
    script = "".join(f"title {what}; guest load '/wrong/{what}.ko'; ls $S; ls -d /sys/module/sym_table 2>/dev/null\n" for what in wrong)
    right = """
    title right
    guest load sym_target.ko
    enable sym_table.ko
    P sym_target show
    disable sym_table
    rmmod sym_target
    clean
    """
    result = rig.run(script + right, ["symbols"], kernel, copies=[(tmp_path, "/wrong")])
    for what, (_, error, line) in wrong.items():
        assert section(result.output, what) == [error], what
        assert livepatch_log(result, what) == [line], what
    assert section(result.output, "right") == ["0", "0", "patched 1 1", "0", "0"]
    assert reports(result) == []


def test_symbol_that_a_module_lacks_refuses_the_patch_or_the_module(tmp_path):
    table = Table(rig.modules("symbols") / "sym_table.ko")
    table.rename("sym_secret", "no_symbol")
    table.save(tmp_path / "sym_table.ko")
    script = """
    guest load sym_target.ko
    guest load /wrong/sym_table.ko
    P sym_target show
    guest unload sym_target
    cp /wrong/sym_table.ko .
    enable sym_table.ko
    guest load sym_target.ko
    ls -d /sys/module/sym_target
    cat $S/sym_table/sym_target/patched
    disable sym_table
    guest load sym_target.ko
    P sym_target show
    guest unload sym_target
    clean
    """
    result = rig.run(script, ["symbols"], copies=[(tmp_path, "/wrong")])
    assert result.output.splitlines() == [
        "0", "ENOENT", "original 7", "0", "0", "ENOENT", "ls: /sys/module/sym_target: No such file or directory", "0", "0",
        "0", "original 7", "0", "0"]
    missing = MISSING.format("no_symbol")
    assert livepatch_log(result) == [
        missing, *enabling("sym_table"), missing,
        "livepatch: failed to initialize patch 'sym_table' for module 'sym_target' (-2)",
        "livepatch: patch 'sym_table' failed for module 'sym_target', refusing to load module 'sym_target'",
        *disabling("sym_table")]
    assert reports(result) == []


@on_all
def test_sympos_chooses_among_functions_of_a_module(kernel):
    script = """
    guest load sym_target.ko
    for sympos in 0 1 2 3; do
        title $sympos
        enable sym_sympos.ko object=sym_target name=sym_which sympos=$sympos
        P sym_target which
        if [ -d $S/sym_sympos ]; then
            ls -1 $S/sym_sympos/sym_target
            disable sym_sympos
        fi
    done
    title end
    P sym_target which
    rmmod sym_target
    clean
    """
    result = rig.run(script, ["symbols"], kernel)
    assert section(result.output, "0") == ["EINVAL", "1 2"]
    assert section(result.output, "1") == ["0", "0 2", "patched", "sym_which,1", "0"]
    assert section(result.output, "2") == ["0", "1 0", "patched", "sym_which,2", "0"]
    assert section(result.output, "3") == ["ENOENT", "1 2"]
    assert section(result.output, "end") == ["1 2", "0"]
    assert livepatch_log(result, "0") == ["livepatch: unresolvable ambiguity for symbol 'sym_which' in object 'sym_target'"]
    assert livepatch_log(result, "1") == livepatch_log(result, "2") == [*enabling("sym_sympos"), *disabling("sym_sympos")]
    assert livepatch_log(result, "3") == ["livepatch: symbol position 3 for symbol 'sym_which' in object 'sym_target' not found"]
    assert reports(result) == []


@on_all
def test_sympos_chooses_among_functions_of_vmlinux(kernel):
    """Attributes of sysfs are shown by functions of one name; those of which a patch replaces the function read empty."""
    script = """
    grep ' t type_show$' /proc/kallsyms
    files=$(grep -sl . $(find /sys -name type -type f))
    for sympos in $(seq 0 $(($(grep -c ' t type_show$' /proc/kallsyms) + 1))); do
        title $sympos
        enable sym_sympos.ko name=type_show sympos=$sympos
        if [ -d $S/sym_sympos ]; then
            P sym_sympos address
            grep -sL . $files
            disable sym_sympos
        fi
    done
    title end
    grep -sL . $files
    clean
    """
    result = rig.run(script, ["symbols"], kernel)
    addresses = sorted(int(line.split()[0], 16) for line in result.output.partition("== ")[0].splitlines())
    count = len(addresses)
    none, *chosen, beyond = [section(result.output, str(sympos)) for sympos in range(count + 2)]
    assert (none, beyond) == (["EINVAL"], ["ENOENT"])
    assert [(lines[0], int(lines[1], 16), lines[-1]) for lines in chosen] == [("0", address, "0") for address in addresses]
    empty = [set(lines[2:-1]) for lines in chosen]
    assert len(set.union(*empty)) == sum(map(len, empty))
    assert len([files for files in empty if files]) > 1
    assert livepatch_log(result, "0") == ["livepatch: unresolvable ambiguity for symbol 'type_show' in object 'vmlinux'"]
    assert livepatch_log(result, str(count + 1)) == [
        f"livepatch: symbol position {count + 1} for symbol 'type_show' in object 'vmlinux' not found"]
    assert section(result.output, "end") == ["0"]
    assert reports(result) == []
