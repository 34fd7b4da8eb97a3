/* SPDX-License-Identifier: MIT */
/* What may come next on a line of HMP: commands, topics, names, files. */
#include <dirent.h>
#include <string.h>

#include "block/block.h"
#include "chardev/char.h"
#include "hw/device.h"
#include "monitor/command.h"
#include "system/user_object.h"

typedef struct Words {
    const char *prefix;
    GPtrArray *found;
} Words;

static void add_word(Words *w, const char *word)
{
    if (g_str_has_prefix(word, w->prefix)) {
        g_ptr_array_add(w->found, g_strdup(word));
    }
}

/* --- kinds of words --- */

static void add_commands(Words *w)
{
    for (unsigned i = 0; i < monitor_command_count; i++) {
        const char *names = monitor_commands[i].hmp;

        if (names) {
            g_autofree char *name = g_strndup(names, strcspn(names, "|"));

            add_word(w, name);
        }
    }
}

static void add_topics(Words *w)
{
    const char *name;

    for (unsigned i = 0; (name = info_topic_at(i)); i++) {
        add_word(w, name);
    }
}

static void add_device_types(Words *w)
{
    const DeviceType *type;

    for (unsigned i = 0; (type = device_type_at(i)); i++) {
        if (type->user_creatable) {
            add_word(w, type->name);
        }
    }
}

static void add_device(DeviceState *dev, void *opaque)
{
    if (dev->id) {
        add_word(opaque, dev->id);
    }
}

static void add_devices(Words *w)
{
    device_foreach(add_device, w);
}

static void add_object_types(Words *w)
{
    const UserObjectType *type;

    for (unsigned i = 0; (type = user_object_type_at(i)); i++) {
        add_word(w, type->name);
    }
}

static void add_objects(Words *w)
{
    UserObject *obj;

    for (unsigned i = 0; (obj = user_object_at(i)); i++) {
        add_word(w, user_object_id(obj));
    }
}

static void add_chardev(struct Chardev *chr, void *opaque)
{
    add_word(opaque, chardev_id(chr));
}

static void add_chardevs(Words *w)
{
    chardev_foreach(add_chardev, w);
}

static void add_drive(BlockBackend *blk, void *opaque)
{
    add_word(opaque, block_id(blk));
}

static void add_drives(Words *w)
{
    block_foreach(add_drive, w);
}

/* By command, where the first argument's name does not say what it is. */
static const struct {
    const char *command;
    void (*add)(Words *w);
} first_words[] = {
    { "help", add_commands },      { "?", add_commands },
    { "info", add_topics },        { "device_add", add_device_types },
    { "device_del", add_devices }, { "object_add", add_object_types },
    { "object_del", add_objects }, { "chardev-remove", add_chardevs },
    { "drive_del", add_drives },   { "commit", add_drives },
};

/* --- files and enumerations --- */

/* Folders end in "/"; hidden names are for those who ask for them. */
static void add_files(Words *w)
{
    const char *slash = strrchr(w->prefix, '/');
    g_autofree char *folder =
        slash ? g_strndup(w->prefix, slash + 1 - w->prefix) : g_strdup("");
    const char *start = slash ? slash + 1 : w->prefix;
    DIR *dir = opendir(*folder ? folder : ".");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        bool hidden = entry->d_name[0] == '.' && *start != '.';
        g_autofree char *path = g_strconcat(
            folder, entry->d_name, entry->d_type == DT_DIR ? "/" : "", NULL);

        if (!hidden) {
            add_word(w, path);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void add_values(Words *w, const MonType *type)
{
    const char *pos = type->members;
    char word[64];

    while ((pos = schema_next_word(pos, word, sizeof(word)))) {
        add_word(w, word);
    }
}

/* --- lines --- */

/* Argument number @n of @cmd; false: it has not so many. */
static bool nth_argument(const MonCommand *cmd, unsigned n, MonMember *arg)
{
    const char *pos = cmd->args;

    while ((pos = schema_next_member(pos, arg))) {
        if (arg->type[0] != '-' && strcmp(arg->type, "fmt") && n-- == 0) {
            return true;
        }
    }
    return false;
}

/* @words are those before, without flags; the first is the command. */
static void add_argument(Words *w, char **words, unsigned count)
{
    const MonCommand *cmd = command_find_hmp(words[0], strlen(words[0]));
    const MonType *type;
    MonMember arg;

    for (unsigned i = 0; count == 1 && i < ARRAY_LEN(first_words); i++) {
        if (strcmp(first_words[i].command, words[0]) == 0) {
            first_words[i].add(w);
            return;
        }
    }
    if (!cmd || !nth_argument(cmd, count - 1, &arg)) {
        return;
    }
    type = schema_type_find(arg.type);
    if (strcmp(arg.name, "filename") == 0) {
        add_files(w);
    } else if (type && type->kind == MON_ENUM) {
        add_values(w, type);
    }
}

static gint compare_words(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **hmp_completions(const char *before, const char *prefix)
{
    g_auto(GStrv) all = g_strsplit_set(before, " \t", -1);
    g_autofree char **words = g_new0(char *, g_strv_length(all) + 1);
    Words w = { prefix, g_ptr_array_new() };
    unsigned count = 0;

    for (char **word = all; *word; word++) {
        if (**word && **word != '-') {
            words[count++] = *word;
        }
    }
    if (count == 0) {
        add_commands(&w);
    } else {
        add_argument(&w, words, count);
    }
    g_ptr_array_sort(w.found, compare_words);
    g_ptr_array_add(w.found, NULL);
    return (char **)g_ptr_array_free(w.found, FALSE);
}
