/* SPDX-License-Identifier: MIT */
/*
 * RF between the repetitions of a string instruction on AMD's processors, where
 * it stays as it was, as single steps on an EPYC show.  Intel's set it:
 * test_debug.c.
 *
 * guest: -cpu EPYC
 */
#include "dblog.h"

int main(void)
{
    RepSteps steps = db_step_rep(false);

    check_eq(steps.between, 3, "steps of a REP");
    check_eq(steps.with_rf, 0, "RF stays clear");
    steps = db_step_rep(true);
    check_eq(steps.breaks, 1, "a breakpoint there is met once");
    check_eq(steps.between, 3, "steps of a REP behind its breakpoint");
    check_eq(steps.with_rf, 3, "RF stays set");
    return 0;
}
