/* SPDX-License-Identifier: MIT */
/*
 * Objects that users make by name and that are no devices: secrets and memory.
 * Locks: BQL.
 */
#ifndef HEDDLE_SYSTEM_USER_OBJECT_H
#define HEDDLE_SYSTEM_USER_OBJECT_H

#include "util/common.h"
#include "util/keyval.h"

typedef struct UserObject UserObject;

typedef enum UserPropKind {
    USER_PROP_STRING,
    USER_PROP_BOOL,
    USER_PROP_SIZE,
} UserPropKind;

typedef struct UserProp {
    const char *name;
    UserPropKind kind;
    const char *def; /* NULL: none */
} UserProp;

typedef struct UserObjectType {
    const char *name;
    const char *parent;
    const UserProp *props;
    unsigned nprops;
    /* Make what the object stands for, of its properties. */
    bool (*open)(UserObject *obj, GError **errp);
    void (*close)(UserObject *obj);
} UserObjectType;

const UserObjectType *user_object_type_at(unsigned index); /* NULL: past end */

/* Keys: "qom-type", "id" and properties.  NULL with @errp set on failure. */
UserObject *user_object_add(KeyVal *opts, GError **errp);
bool user_object_del(const char *id, GError **errp);
UserObject *user_object_find(const char *id);
/* The memory of a memory back-end, whole pages that are the caller's until the
 * end of the process; NULL with @errp set. */
void *user_object_take_memory(const char *id, uint64_t *bytes, GError **errp);
UserObject *
user_object_at(unsigned index); /* oldest first; NULL past the end */
const char *user_object_id(const UserObject *obj);
const UserObjectType *user_object_type(const UserObject *obj);
/* A property as text, NULL when it has no value. */
const char *user_object_get(UserObject *obj, const UserProp *prop);
void user_objects_cleanup(void);

#endif
