/* SPDX-License-Identifier: MIT */
/* A character back-end under the test's control, in place of chardev/. */
#ifndef HEDDLE_TESTS_FAKE_CHARDEV_H
#define HEDDLE_TESTS_FAKE_CHARDEV_H

#include "chardev/char.h"

typedef struct FakeChardev {
    const CharHandlers *handlers; /* of who attached, or NULL */
    void *opaque;
    GByteArray *out;  /* what was written */
    size_t room;      /* how many bytes are still taken */
    GByteArray *in;   /* what the front-end has not yet had room for */
    int breaks;
} FakeChardev;

Chardev *fake_chardev_new(void);
FakeChardev *fake_chardev(Chardev *chr);
/* Bytes for the front-end; they wait until it has room. */
void fake_chardev_send(FakeChardev *f, const void *buf, size_t len);
/* Take @room bytes more, and say so. */
void fake_chardev_make_room(FakeChardev *f, size_t room);

#endif
