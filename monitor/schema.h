/* SPDX-License-Identifier: MIT */
/*
 * Types of QMP: what arguments, answers and events are made of (types.def), the
 * check of a JSON value against one, and the walk that query-qmp-schema takes.
 */
#ifndef HEDDLE_MONITOR_SCHEMA_H
#define HEDDLE_MONITOR_SCHEMA_H

#include <json-c/json.h>

#include "util/common.h"

typedef enum MonKind {
    MON_ENUM,
    MON_OBJECT,
    MON_UNION, /* an object whose member @tag says what more there is */
} MonKind;

/*
 * @members lists an enum's values, or an object's members as "name:type", with
 * commas between; a final "?" makes a member optional.  A type is builtin (str,
 * int, number, bool, any), a name of the table, or "[type]".  A last member "*"
 * takes any further ones.
 * @variants lists "value=type" for a union: the object that the value adds.
 */
typedef struct MonType {
    MonKind kind;
    const char *name;
    const char *members;
    const char *tag, *variants;
} MonType;

/* One member, as schema_next_member() takes it apart. */
typedef struct MonMember {
    char name[40];
    char type[56];
    bool optional;
} MonMember;

/* Walk members: start with @pos = type->members; NULL at the end.  "*" is a
 * member of that name, without a type. */
const char *schema_next_member(const char *pos, MonMember *member);
/* Walk names with commas (or "value=type") between in the same way; @name has
 * room for @size bytes. */
const char *schema_next_word(const char *pos, char *name, size_t size);

const MonType *schema_type_find(const char *name); /* NULL: unknown */

/* The name of the object that @value of @u's tag adds, "" for none, in @name.
 */
void schema_variant(const MonType *u, const char *value, char *name,
                    size_t size);

/*
 * Check the members of @object (NULL: none) against @type, an object or union,
 * with the error texts that QMP's clients know.  @path goes before names there:
 * "" or "backend.".
 */
bool schema_check(const MonType *type, json_object *object, const char *path,
                  GError **errp);

#endif
