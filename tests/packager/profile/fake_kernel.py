# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel of a few files whose Makefile says what kbuild says: an import of it takes a second."""
import os
import re
import shutil
import subprocess
from pathlib import Path

RELEASE = "6.1.7-fake"

MAKEFILE = r"""# SPDX-License-Identifier: GPL-2.0
VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 7
CC_FLAGS := -D__KERNEL__ -I./include -O2
show = @set -e;  echo '  $(1)'; $(2)
build := -f rules.mk obj

ifdef M
modules:
	@echo "  $(CC) $(CC_FLAGS) -DMODULE -c -o $(M)/suture_single.o $(M)/suture_single.c  ; ./tools/objtool/objtool --orc --module $(M)/suture_single.o"
	@echo "  ld -r -o $(M)/suture_multi.o @$(M)/suture_multi.mod "
	@echo "   scripts/mod/modpost -m -o $(M)/Module.symvers -T $(M)/modules.order"
	@echo "  $(CC) $(CC_FLAGS) -c -o $(M)/suture_single.mod.o $(M)/suture_single.mod.c"
	@echo "  ld -r -o $(M)/suture_single.ko $(M)/suture_single.o $(M)/suture_single.mod.o"
else
.PHONY: prepare modules_prepare vmlinux modules vmlinux_o mrproper
prepare:
	@test -x .suture/pahole && .suture/pahole --version >pahole-said
	@test ! -e kconfig || cp kconfig .config
	@test ! -e slow || sleep 60
	@test ! -e broken || { echo "x.c:1:1: error: it is broken" >&2; exit 2; }
	@test ! -e large || head -c 100M /dev/zero >filler
	@env >environment
modules_prepare:
	@true
vmlinux:
	$(call show,./generator > a/made.h,true)
	$(call show,cat a/made.in > a/sub/deep.h a/refused.h,true)
	$(call show,$(CC) -Wp$(comma)-MMD$(comma)a/.one.o.d $(CC_FLAGS) -c -o a/one.o a/one.c  ; ./tools/objtool/objtool --orc a/one.o,true)
	$(call show,rm -f vmlinux.a; ar cDPrST vmlinux.a a/one.o,true)
modules:
	$(call show,$(CC) -Wp$(comma)-MMD$(comma)m/.two.o.d $(CC_FLAGS) -DMODULE -c -o m/two.o m/two.c  ; ./tools/objtool/objtool --orc --module m/two.o,true)
	@set -e;  echo '  printf '\''%s\n'\''   two.o | awk '\''!x[$$0]++ { print("m/"$$0) }'\'' > m/fake-two.mod'; true
vmlinux_o:
	@true
mrproper:
	@rm -rf include/config stale.o .config
	@touch was-cleaned
endif
comma := ,
"""

# How kbuild makes what is generated: in the folder whose Makefile has the rule, and not in others.
RULES = r"""include $(obj)/Makefile
"""
GENERATED = r"""a/made.h:
	printf '\043include "sub/deep.h"\n' > $@
a/sub/deep.h:
	touch $@ a/one.o
"""


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def number(line):
    parts = (re.search(r"([0-9]+(?:\.[0-9]+)+)[^ ]*$", line)[1].split(".") + ["0", "0"])[:3]
    return int("".join(f"{int(part) if int(part) < 100 else 0:02}" for part in parts))


class FakeKernel:
    def __init__(self, folder, release=RELEASE):
        self.folder, self.release = Path(folder), release
        self.cc, self.assembler, self.ld = (first_line(tool, "--version") for tool in ("gcc", "as", "ld"))
        self.source, self.modules = self.folder / "source", self.folder / "modules"
        self.config, self.symvers = self.folder / "config", self.folder / "symvers"
        self.image, self.debug = self.folder / "image", self.folder / "debug"
        self.write("source/Makefile", MAKEFILE)
        self.write("source/include/one.h", "")
        self.write("source/a/one.c", '#include <one.h>\n#include "made.h"\n#include "refused.h"\n#include "never.h"\n')
        self.write("source/a/sub/.keep", "")
        self.write("source/a/Makefile", GENERATED)
        self.write("source/rules.mk", RULES)
        self.write("source/m/two.c", '')
        self.write("symvers", "0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n")
        self.write_config()
        self.build()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def write_config(self, **changes):
        values = {"CC_VERSION_TEXT": f'"{self.cc}"', "CC_IS_GCC": "y", "X86_64": "y", "AS_VERSION": number(self.assembler),
                  "LD_VERSION": number(self.ld), "PAHOLE_VERSION": "124", "LIVEPATCH": "y", **changes}
        lines = ["#", f"# Linux/x86 {self.release.split('-')[0]} Kernel Configuration", "#"]
        self.config.write_text("\n".join(lines + [f"CONFIG_{key}={value}" for key, value in values.items()]) + "\n")

    def build(self, tools=None):
        banner = f"Linux version {self.release} (me@here) ({tools or f'{self.cc}, {self.ld}'}) #1 SMP"
        source = self.write("vmlinux.c", f'const char banner[] = "{banner}\\n"; void _start(void) {{}}\n')
        flags = ["-nostdlib", "-static", "-Wl,--build-id=sha1"]
        subprocess.run(["gcc", *flags, "-o", self.debug, source], check=True)
        subprocess.run(["strip", "-o", self.image, self.debug], check=True)
        module = self.write("two.c", '__attribute__((section(".modinfo"), used)) static const char a[] = "vermagic='
                                     f'{self.release} SMP ", b[] = "name=fake_two", c[] = "license=GPL";\n')
        path = self.modules / "kernel/m/fake-two.ko"
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-c", "-o", path, module], check=True)

    def arguments(self, **replace):
        named = {"source": self.source, "config": self.config, "symvers": self.symvers, "image": self.image,
                 "modules": self.modules, **replace}
        return [word for key, value in named.items() if value is not None for word in (f"--{key}", value)]

    def headers(self):
        """A build tree with what headers packages have."""
        folder = self.folder / "headers"
        self.write("headers/include/generated/utsrelease.h", f'#define UTS_RELEASE "{self.release}"\n')
        version = dict(zip(("MAJOR", "PATCHLEVEL", "SUBLEVEL"), re.match(r"(\d+)\.(\d+)\.(\d+)", self.release).groups()))
        self.write("headers/include/generated/uapi/linux/version.h",
                   "".join(f"#define LINUX_VERSION_{key} {value}\n" for key, value in version.items()))
        shutil.copy(self.symvers, folder / "Module.symvers")
        shutil.copy(self.config, folder / ".config")
        return folder

    def tarball(self, name="linux-6.1.7.tar.xz"):
        path = self.folder / name
        subprocess.run(["tar", "-C", self.folder, "-caf", path, "--transform", "s,^source,linux-6.1.7,", "source"], check=True)
        return path


def leftovers(store):
    """What an import that failed left in the store."""
    return sorted(set(os.listdir(store)) - {".lock"}) if os.path.isdir(store) else []
