# SPDX-License-Identifier: LGPL-2.1-or-later
"""What leaves the ledger for the system's log, in the virtual machine, where that log is ours to read."""
from lib import pipeline

GUEST = """
syslogd -O /out/syslog; until [ -S /dev/log ]; do usleep 20000; done
for i in 1 2; do suture apply nothing-such 2>/dev/null; suture audit head; done
until [ "$(grep -c 'suture ledger' /out/syslog)" = 2 ]; do usleep 20000; done
"""


def test_each_record_sends_its_number_and_hash_to_syslog(tmp_path):
    host = pipeline.Host(tmp_path / "host", pipeline.vendor().trust)
    result = host.boot(GUEST, out=tmp_path / "out")
    assert result.status == 0, result.console
    heads = result.output.split()
    assert [head.partition(":")[0] for head in heads] == ["1", "2"]
    lines = [line for line in (tmp_path / "out/syslog").read_text().splitlines() if "suture ledger" in line]
    assert [line.partition("suture ledger ")[2].split() for line in lines] == [[head, "policy", "not-installed"] for head in heads]
    assert all("authpriv.notice" in line for line in lines)
