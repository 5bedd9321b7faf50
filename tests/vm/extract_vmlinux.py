# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unpack the ELF vmlinux of an x86 kernel image: extract_vmlinux.py VMLINUZ OUT

QEMU starts an ELF kernel by PVH, which saves the slow decompression in an emulated machine.
The fields are those of the x86 boot protocol, Documentation/arch/x86/boot.rst.
"""
import struct
import subprocess
import sys
from pathlib import Path

SECTOR = 512
SETUP_SECTS = 0x1F1
HEADER_MAGIC = 0x202
PAYLOAD_OFFSET = 0x248
UNPACKERS = {
    b"\x02\x21\x4c\x18": ["lz4", "-dc"],
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc"],
    b"\x1f\x8b\x08": ["gzip", "-dc"],
}


def payload(image):
    if image[HEADER_MAGIC:HEADER_MAGIC + 4] != b"HdrS":
        raise ValueError("not an x86 kernel image")
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = ((image[SETUP_SECTS] or 4) + 1) * SECTOR + offset
    return image[start:start + length]


def unpack(data):
    """All of the kernel's compressors end in the unpacked size, four bytes that only gzip knows about."""
    size, = struct.unpack("<I", data[-4:])
    for magic, command in UNPACKERS.items():
        if data.startswith(magic):
            body = data if command[0] == "gzip" else data[:-4]
            elf = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout
            break
    else:
        raise ValueError(f"compression {data[:4].hex()} is not known")
    if len(elf) != size or not elf.startswith(b"\x7fELF"):
        raise ValueError("the payload is not the ELF file that its header promises")
    return elf


def main(source, target):
    try:
        Path(target).write_bytes(unpack(payload(Path(source).read_bytes())))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"extract_vmlinux: {source}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
