# SPDX-License-Identifier: MIT
# stress-ng's stressors that check their own work, on all processors.
for stressor in cpu vecmath vecwide vecfp vecshuf matrix memcpy str wcs qsort \
    hash longjmp sigfpe sigsegv sigtrap sigill mutex atomic futex vfork clone \
    fork mmap mremap funccall funcret branch icache fma trig zlib rdrand \
    lockbus bad-altstack mprotect switch opcode x86cpuid crypt ptrace regs \
    tlb-shootdown; do
    stress-ng --$stressor 0 --timeout 1 --verify -q >log 2>&1
    echo "$stressor $?"
    cat log >&2
done
