# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes in the relocation table of a built patch module: fields, what the pointers point to, and the texts."""
import struct

SECTION = ".suture.relocs"
# struct suture_reloc of framework/include/suture/reloc.h
FIELDS = {"place": 0, "type": 8, "addend": 16, "object": 24, "symbol": 32, "sympos": 40}
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQq")
R_X86_64_NONE, R_X86_64_64 = 0, 1


class Table:
    """The bytes of a module (ELF64, little endian) whose table has one entry for each symbol __suture_reloc_by_hand_<entry>"""

    def __init__(self, path):
        self.data = bytearray(path.read_bytes())
        at, = struct.unpack_from("<Q", self.data, 40)
        count, names = struct.unpack_from("<HH", self.data, 60)
        headers = [SECTION_HEADER.unpack_from(self.data, at + 64 * i) for i in range(count)]
        self.sections = {self._text(headers[names][4] + header[0]): header for header in headers}
        strings = self.sections[".strtab"][4]
        self.symbols = [(self._text(strings + fields[0]), fields[4]) for fields in self._rows(".symtab", SYMBOL)]

    def _text(self, at):
        return self.data[at:self.data.index(0, at)].decode()

    def _rows(self, name, row):
        offset, size = self.sections[name][4:6]
        return [row.unpack_from(self.data, at) for at in range(offset, offset + size, row.size)]

    def _entry(self, name):
        """Where in its section the entry is that belongs to a symbol."""
        return next(value for symbol, value in self.symbols if symbol == f"__suture_reloc_by_hand_{name}")

    def set(self, entry, field, value):
        """A number in a field."""
        at = self.sections[SECTION][4] + self._entry(entry) + FIELDS[field]
        struct.pack_into("<q" if value < 0 else "<Q", self.data, at, value)

    def point(self, entry, field, symbol=None):
        """Let a pointer point to a symbol, or be NULL."""
        header = self.sections[f".rela{SECTION}"]
        place = self._entry(entry) + FIELDS[field]
        for at in range(header[4], header[4] + header[5], RELOCATION.size):
            if RELOCATION.unpack_from(self.data, at)[0] != place:
                continue
            number = [name for name, _ in self.symbols].index(symbol) if symbol else 0
            kind = R_X86_64_64 if symbol else R_X86_64_NONE
            RELOCATION.pack_into(self.data, at, place, number << 32 | kind, 0)

    def rename(self, old, new):
        """Another text, not longer, in the place of one that is there once."""
        before = old.encode() + b"\0"
        assert self.data.count(b"\0" + before) == 1 and len(new) <= len(old)
        at = self.data.index(b"\0" + before) + 1
        self.data[at:at + len(before)] = new.encode().ljust(len(before), b"\0")

    def save(self, path):
        path.write_bytes(self.data)
