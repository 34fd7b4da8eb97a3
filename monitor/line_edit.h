/* SPDX-License-Identifier: MIT */
/* A line editor for terminals at the other end of a byte stream. */
#ifndef HEDDLE_MONITOR_LINE_EDIT_H
#define HEDDLE_MONITOR_LINE_EDIT_H

#include "util/common.h"

typedef struct LineEdit LineEdit;

typedef struct LineEditOps {
    void (*write)(void *opaque, const char *text, size_t len);
    /* A whole line, without its end. */
    void (*line)(void *opaque, const char *line);
    /* Words that begin with @prefix, NULL at the end; freed with g_strfreev.
     * @before: what stands before it on the line. */
    char **(*complete)(void *opaque, const char *before, const char *prefix);
} LineEditOps;

LineEdit *line_edit_new(const char *prompt, const LineEditOps *ops,
                        void *opaque);
void line_edit_free(LineEdit *e);
void line_edit_prompt(LineEdit *e); /* and what is typed so far */
void line_edit_reset(LineEdit *e);  /* forget what is typed */
void line_edit_input(LineEdit *e, uint8_t byte);
/* Lines that were entered, oldest first, NULL at the end; @e keeps them. */
char **line_edit_history(LineEdit *e);

#endif
