/* SPDX-License-Identifier: MIT */
/* Entry point of the launcher. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    return EXIT_SUCCESS;
}
