/* SPDX-License-Identifier: MIT */
/* Entry point: options, then the machine that they describe. */
#include <stdlib.h>

#include "system/launch.h"
#include "util/error.h"

int main(int argc, char **argv)
{
    GError *err = NULL;
    Launch launch;
    int status;

    launch_init(&launch);
    if (launch_parse(&launch, argc, argv, &err)) {
        status = launch_run(&launch);
    } else if (err->domain == LAUNCH_DONE) {
        status = EXIT_SUCCESS;
        g_error_free(err);
    } else {
        error_report("%s", err->message);
        status = err->code == ERR_USAGE ? 2 : EXIT_FAILURE;
        g_error_free(err);
    }
    launch_free(&launch);
    return status;
}
