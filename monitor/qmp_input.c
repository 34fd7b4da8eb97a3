/* SPDX-License-Identifier: MIT */
/* Keys and NMIs. */
#include <string.h>

#include "hw/input/ps2.h"
#include "monitor/command.h"
#include "target/i386/cpu.h"
#include "util/main-loop.h"
#include "util/rcu.h"
#include "util/timer.h"

#define KEYS_MAX            16
#define KEYS_HOLD_MS        100
#define KEYS_HOLD_MAX_MS    60000
#define KEY_NUMBER_EXTENDED 0x80 /* of "number": E0h goes before the rest */

static const struct {
    const char *name;
    uint16_t code;
} key_names[] = {
#define KEY(text, number) { text, number },
#include "monitor/keys.def"
};

/* Keys that are down and come up together; one set at a time. */
static struct {
    uint16_t codes[KEYS_MAX];
    unsigned count;
    Timer timer;
    bool ready;
} held;

static void find_keyboard(DeviceState *dev, void *opaque)
{
    if (dev->type == &ps2_kbd_type) {
        *(Ps2Kbd **)opaque = (Ps2Kbd *)dev;
    }
}

static Ps2Kbd *keyboard(void)
{
    Ps2Kbd *kbd = NULL;

    device_foreach(find_keyboard, &kbd);
    return kbd;
}

/* The last to go down comes up first. */
static void release_keys(void *unused)
{
    Ps2Kbd *kbd = keyboard();

    while (held.count > 0) {
        held.count--;
        if (kbd) {
            ps2_kbd_key(kbd, held.codes[held.count], false);
        }
    }
}

static bool press_keys(const uint16_t *codes, unsigned count, int64_t hold_ms,
                       GError **errp)
{
    Ps2Kbd *kbd = keyboard();

    if (!kbd) {
        error_setg(errp, "The machine has no keyboard");
        return false;
    }
    if (!held.ready) {
        timer_init(&held.timer, CLOCK_TYPE_VIRTUAL, release_keys, NULL);
        held.ready = true;
    }
    release_keys(NULL);
    for (unsigned i = 0; i < count; i++) {
        ps2_kbd_key(kbd, codes[i], true);
        held.codes[i] = codes[i];
    }
    held.count = count;
    timer_mod_ns(&held.timer,
                 clock_get_ns(CLOCK_TYPE_VIRTUAL) + hold_ms * NS_PER_MS);
    return true;
}

static bool key_by_name(const char *name, size_t len, uint16_t *code)
{
    for (unsigned i = 0; i < ARRAY_LEN(key_names); i++) {
        if (strlen(key_names[i].name) == len &&
            memcmp(key_names[i].name, name, len) == 0) {
            *code = key_names[i].code;
            return true;
        }
    }
    return false;
}

/* A KeyValue; 0 for what a PC's keyboard does not have. */
static uint16_t key_code(json_object *key)
{
    uint16_t code = 0;
    int64_t number;

    if (strcmp(arg_str(key, "type", ""), "qcode") == 0) {
        const char *name = arg_str(key, "data", "");

        key_by_name(name, strlen(name), &code);
        return code;
    }
    number = arg_int(key, "data", 0);
    if (number <= 0 || number > 0xff) {
        return 0;
    }
    return number & KEY_NUMBER_EXTENDED
               ? 0xe000 | (number & ~KEY_NUMBER_EXTENDED)
               : number;
}

static bool check_hold(int64_t ms, GError **errp)
{
    if (ms < 0 || ms > KEYS_HOLD_MAX_MS) {
        error_setg(errp, "Parameter 'hold-time' expects 0 to %d milliseconds",
                   KEYS_HOLD_MAX_MS);
        return false;
    }
    return true;
}

json_object *cmd_send_key(MonCall *call, json_object *args, GError **errp)
{
    json_object *keys = arg_get(args, "keys");
    int64_t hold = arg_int(args, "hold-time", KEYS_HOLD_MS);
    uint16_t codes[KEYS_MAX];
    unsigned count = 0;

    if (json_object_array_length(keys) > KEYS_MAX) {
        error_setg(errp, "Parameter 'keys' expects at most %d keys", KEYS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        uint16_t code = key_code(json_object_array_get_idx(keys, i));

        if (code) {
            codes[count++] = code;
        }
    }
    if (check_hold(hold, errp)) {
        press_keys(codes, count, hold, errp);
    }
    return NULL;
}

/* "ctrl-alt-f1"; a name may be a number in C's way. */
json_object *cmd_hmp_sendkey(MonCall *call, json_object *args, GError **errp)
{
    g_auto(GStrv) names = g_strsplit(arg_str(args, "keys", ""), "-", -1);
    int64_t hold = arg_int(args, "hold-time", KEYS_HOLD_MS);
    uint16_t codes[KEYS_MAX];
    unsigned count = 0;

    for (; names[count]; count++) {
        const char *name = strcmp(names[count], "<") ? names[count] : "less";
        uint64_t number;

        if (count == KEYS_MAX) {
            error_setg(errp, "too many keys");
            return NULL;
        }
        if (parse_uint(name, 0xe0ff, &number, NULL) &&
            g_str_has_prefix(name, "0x")) {
            codes[count] = number;
        } else if (!key_by_name(name, strlen(name), &codes[count]) ||
                   !codes[count]) {
            g_string_append_printf(call->out, "invalid parameter: %s\n", name);
            return NULL;
        }
    }
    if (check_hold(hold, errp)) {
        press_keys(codes, count, hold, errp);
    }
    return NULL;
}

/* To every vCPU, as the LINT1 pins of all local APICs are wired together. */
json_object *cmd_nmi(MonCall *call, json_object *args, GError **errp)
{
    CPUState *cpu;

    if (!cpu_get(0)) {
        error_setg(errp, "machine does not provide NMIs");
        return NULL;
    }
    CPU_FOREACH (cpu) {
        x86_cpu_nmi(x86_cpu(cpu));
    }
    return NULL;
}
