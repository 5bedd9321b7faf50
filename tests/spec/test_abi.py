# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every entry of spec/abi is well formed, and says what the sources say."""
import os
import pathlib
import re

import pytest

SOURCE = pathlib.Path(os.environ["SUTURE_SOURCE"])
ABI = SOURCE / "spec/abi"
LEVELS = ("stable", "testing", "obsolete", "removed")
FIELDS = ("What", "Date", "Version", "Contact", "Description", "Users")
MONTHS = ("January February March April May June July August September October November December").split()
CODE_FOLDERS = ("applier", "audit", "cli", "common", "fetcher", "packager", "policy", "signer", "spec")


class Malformed(Exception):
    pass


def parse(text):
    """Entries as dicts of field -> list of lines; What is the list of names."""
    entries, field, gap = [], None, True
    for number, line in enumerate(text.split("\n"), 1):
        started = re.fullmatch(r"([A-Za-z]+):\s*(.*)", line)
        if line.startswith("#") and not entries:
            continue
        if started:
            name, value = started[1], started[2].strip()
            name = "Version" if name == "KernelVersion" else name
            if name not in FIELDS:
                raise Malformed(f"line {number}: no such field {name}")
            if name == "What" and field != "What":
                if not gap or (entries and field != "Users"):
                    raise Malformed(f"line {number}: an entry starts before the last one ended")
                entries.append({})
            elif name != "What" and FIELDS.index(name) != FIELDS.index(field or "Users") + 1:
                raise Malformed(f"line {number}: {name} does not belong after {field}")
            entries[-1].setdefault(name, []).append(value) if value else entries[-1].setdefault(name, [])
            field = name
        elif line.startswith("\t\t") and field in ("Description", "Users"):
            entries[-1][field].append(line.strip())
        elif line.strip():
            raise Malformed(f"line {number}: neither a field nor text of one: {line!r}")
        gap = not line.strip() or line.startswith("#")
    if not entries or field != "Users":
        raise Malformed("the last entry is not complete")
    return entries


def check(entry):
    for field in FIELDS:
        if not any(entry.get(field, [])):
            raise Malformed(f"{entry.get('What')}: {field} is empty or missing")
    month, _, year = entry["Date"][0].partition(" ")
    if len(entry["Date"]) != 1 or month not in MONTHS or not re.fullmatch(r"20[0-9]{2}", year):
        raise Malformed(f"{entry['What']}: Date is not a month and a year")
    if len(entry["Version"]) != 1 or not re.fullmatch(r"[0-9]+(\.[0-9]+){1,2}", entry["Version"][0]):
        raise Malformed(f"{entry['What']}: Version is no version")


def entry_files():
    return [path for level in LEVELS for path in sorted((ABI / level).iterdir()) if not path.name.startswith(".")]


def all_entries():
    return [(path, entry) for path in entry_files() for entry in parse(path.read_text())]


def test_folders_are_the_four_levels():
    assert sorted(path.name for path in ABI.iterdir()) == sorted([*LEVELS, "README.md"])
    text = (ABI / "README.md").read_text()
    assert all(f"`{level}/`" in text for level in LEVELS)


def test_a_level_without_entries_says_why():
    for level in LEVELS:
        if not [path for path in entry_files() if path.parent.name == level]:
            assert len((ABI / level / ".keep").read_text().splitlines()) >= 2, level


@pytest.mark.parametrize("path", entry_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_entry_is_well_formed(path):
    for entry in parse(path.read_text()):
        check(entry)


def test_what_is_unique_over_all_levels():
    names = [name for _, entry in all_entries() for name in entry["What"]]
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


def registered_reasons():
    """reason -> exit code number, of every table of SutureErrorEntry in the sources."""
    numbers, reasons = exit_codes(), {}
    for path in (path for folder in CODE_FOLDERS for path in (SOURCE / folder).rglob("*.c")):
        for table in re.findall(r"SutureErrorEntry \w+\[\] = \{(.*?)\n\};", path.read_text(), re.S):
            entries = re.findall(r"\{\s*\w+,\s*SUTURE_EXIT_(\w+),\s*\"([^\"]+)\"\s*\}", table)
            assert len(entries) == table.count("{"), f"{path}: an entry that this test cannot read"
            for code, reason in entries:
                assert reason not in reasons, f"{path}: {reason} is registered twice"
                reasons[reason] = numbers[code]
    return reasons


def exit_codes():
    text = (SOURCE / "common/error.h").read_text()
    codes = {name: int(number) for name, number in re.findall(r"SUTURE_EXIT_(\w+)\s*=\s*([0-9]+)", text)}
    assert len(codes) >= 12
    return codes


def test_reason_codes_are_those_of_the_sources():
    registered = registered_reasons()
    assert len(registered) > 100
    error_c = (SOURCE / "common/error.c").read_text()
    for fallback in ("usage", "internal"):
        assert f'return "{fallback}";' in error_c
    documented = {}
    for path, entry in all_entries():
        reasons = [name.removeprefix("reason code ") for name in entry["What"] if name.startswith("reason code ")]
        for reason in reasons:
            assert path.name == "reason-codes"
            line = [line for line in entry["Description"] if re.match(rf"{re.escape(reason)} \(exit [0-9]+\)", line)]
            assert len(line) == 1, f"{reason}: the description must have it once, with its exit code"
            documented[reason] = int(re.search(r"\(exit ([0-9]+)\)", line[0])[1])
    assert documented == {**registered, "usage": exit_codes()["USAGE"], "internal": exit_codes()["FAILURE"]}


def test_exit_codes_are_those_of_the_header():
    documented = [int(name.removeprefix("exit code ")) for _, entry in all_entries() for name in entry["What"]
                  if name.startswith("exit code ")]
    assert sorted(documented) == sorted(exit_codes().values())


def test_every_command_is_documented():
    documented = {name for _, entry in all_entries() for name in entry["What"]}
    for program, source in (("suture", "main.c"), ("suture-vendor", "main-vendor.c")):
        verbs = re.findall(r'\{"([a-z-]+)", cmd_', (SOURCE / "cli" / source).read_text())
        assert verbs
        assert {f"{program} {verb}" for verb in verbs} <= documented


GOOD = "What:\t\ta\nDate:\t\tMay 2026\nVersion:\t0.1.0\nContact:\tx\nDescription:\n\t\ttext\nUsers:\t\ty\n"


def test_the_parser_reads_a_good_entry():
    entries = parse("# comment\n\n" + GOOD + "\n" + GOOD.replace("What:\t\ta", "What:\t\tb\nWhat:\t\tc"))
    assert [entry["What"] for entry in entries] == [["a"], ["b", "c"]]
    for entry in entries:
        check(entry)


@pytest.mark.parametrize("text", [
    "", GOOD.replace("Date:\t\tMay 2026\n", ""), GOOD.replace("Users:\t\ty\n", ""), GOOD.replace("May", "Mai"),
    GOOD.replace("2026", "26"), GOOD.replace("\t\ttext\n", ""), GOOD.replace("Contact:\tx\n", "Contact:\n"),
    GOOD.replace("Version:", "Verison:"), GOOD.replace("\t\ttext", "text"), GOOD + GOOD, GOOD.replace("What:\t\ta\n", ""),
    GOOD.replace("Date:\t\tMay 2026\nVersion:\t0.1.0\n", "Version:\t0.1.0\nDate:\t\tMay 2026\n"),
    GOOD.replace("0.1.0", "new"),
])
def test_the_parser_refuses_a_bad_entry(text):
    with pytest.raises(Malformed):
        for entry in parse(text):
            check(entry)
