# SPDX-License-Identifier: MIT
# Python's own regression tests where they compute, then a script.
python3 "$here/script.py" $((QUICK ? 1 : 8)) || exit
[ "$QUICK" = 1 ] && exit
# Each ends with the number of its failures.
for test in test_float test_math test_cmath test_long test_complex test_struct \
    test_array test_fractions test_hash test_zlib test_bz2 test_binascii \
    test_sort test_json test_marshal test_unicode test_bytes test_format \
    test_strtod test_generators test_exceptions test_dict test_ctypes \
    test_thread test_fork1 test_mmap test_sqlite3 test_weakref; do
    python3 -m test -q $test >log 2>&1
    status=$?
    echo "$test $status"
    [ $status = 0 ] || tail -n 30 log >&2
done
