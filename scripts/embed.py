#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a binary file into a C array, for files that the program carries.

usage: embed.py [--rom] INPUT OUTPUT SYMBOL

--rom  INPUT is an option ROM without its size and checksums: pad it to a
       multiple of 512 bytes and fill them in.
"""
import sys

ROM_BLOCK = 512
ROM_SIZE_AT = 2
ROM_PNP_POINTER = 0x1a
PNP_LENGTH_AT = 5
PNP_CHECKSUM_AT = 9


def finish_rom(data):
    """Size byte, the PnP header's checksum, then that of the whole ROM."""
    rom = bytearray(data)
    blocks = len(rom) // ROM_BLOCK + 1  # at least one byte for the checksum
    rom.extend(bytes(blocks * ROM_BLOCK - len(rom)))
    rom[ROM_SIZE_AT] = blocks
    pnp = int.from_bytes(rom[ROM_PNP_POINTER:ROM_PNP_POINTER + 2], "little")
    length = rom[pnp + PNP_LENGTH_AT] * 16
    rom[pnp + PNP_CHECKSUM_AT] = -sum(rom[pnp:pnp + length]) & 0xff
    rom[-1] = -sum(rom) & 0xff
    return bytes(rom)


def c_array(data, symbol):
    lines = ["/* Made by scripts/embed.py. */",
             "#include <stddef.h>",
             "#include <stdint.h>",
             f"extern const uint8_t {symbol}[];",
             f"extern const size_t {symbol}_bytes;",
             f"const size_t {symbol}_bytes = {len(data)};",
             f"const uint8_t {symbol}[] = {{"]
    for i in range(0, len(data), 12):
        lines.append("    " + " ".join(f"0x{b:02x}," for b in data[i:i + 12]))
    lines.append("};")
    return "\n".join(lines) + "\n"


def main():
    args = sys.argv[1:]
    rom = args[:1] == ["--rom"]
    if len(args) != 3 + rom:
        sys.exit(__doc__)
    source, target, symbol = args[rom:]
    with open(source, "rb") as f:
        data = f.read()
    with open(target, "w", encoding="ascii") as f:
        f.write(c_array(finish_rom(data) if rom else data, symbol))


main()
