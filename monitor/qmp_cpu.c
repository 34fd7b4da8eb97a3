/* SPDX-License-Identifier: MIT */
/* QMP's handlers for vCPUs and CPU models. */
#include <string.h>

#include "monitor/command.h"
#include "monitor/qom.h"
#include "system/machine.h"
#include "target/i386/models.h"
#include "util/rcu.h"

/* Where in the topology vCPU @index sits. */
static json_object *cpu_props(unsigned index)
{
    const X86Topology *t = &machine_config->topology;
    X86Place place = x86_topology_place(t, index);
    json_object *props = json_object_new_object();

    put_int(props, "core-id", place.core);
    put_int(props, "thread-id", place.thread);
    if (t->dies > 1) {
        put_int(props, "die-id", place.die);
    }
    put_int(props, "socket-id", place.socket);
    return props;
}

/* thread-id is the host's: management pins and accounts vCPUs by it. */
json_object *cmd_query_cpus(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        json_object *entry = json_object_new_object();
        g_autofree char *path = qom_cpu_path(cpu->index);

        put_int(entry, "thread-id", cpu->thread_id);
        json_object_object_add(entry, "props", cpu_props(cpu->index));
        put_str(entry, "qom-path", path);
        put_int(entry, "cpu-index", cpu->index);
        put_str(entry, "target", "x86_64");
        json_object_array_add(list, entry);
    }
    return list;
}

/* The type's name of the machine's CPU model, which options may follow. */
static char *machine_cpu_type(void)
{
    const char *model = machine_config->cpu_model;
    g_autofree char *name = g_strndup(model, strcspn(model, ","));

    return g_strconcat(name, QOM_CPU_SUFFIX, NULL);
}

/* There is no plugging: these are the places, with who is in them. */
json_object *cmd_query_hotpluggable_cpus(MonCall *call, json_object *args,
                                         GError **errp)
{
    json_object *list = json_object_new_array();
    g_autofree char *type = NULL;

    if (!cpu_get(0)) {
        json_object_put(list);
        error_setg(errp,
                   "The feature 'query-hotpluggable-cpus' is not enabled");
        return NULL;
    }
    type = machine_cpu_type();
    for (unsigned i = machine_config->max_cpus; i-- > 0;) {
        json_object *entry = json_object_new_object();
        g_autofree char *path = cpu_get(i) ? qom_cpu_path(i) : NULL;

        json_object_object_add(entry, "props", cpu_props(i));
        put_int(entry, "vcpus-count", 1);
        if (path) {
            put_str(entry, "qom-path", path);
        }
        put_str(entry, "type", type);
        json_object_array_add(list, entry);
    }
    return list;
}

/* --- models --- */

/* @text is as in -cpu; free with model_free. */
static X86CPU *model_new(const char *text, GError **errp)
{
    X86CPU *cpu = g_new0(X86CPU, 1);

    if (!x86_model_select(cpu, text, false, errp)) {
        g_free(cpu);
        return NULL;
    }
    return cpu;
}

static void model_free(X86CPU *cpu)
{
    g_free((void *)cpu->features);
    g_free(cpu);
}

/* Features of the model that are not implemented. */
static json_object *model_missing(const X86Model *model)
{
    json_object *list = json_object_new_array();
    g_auto(GStrv) names =
        g_strsplit(model->features ? model->features : "", " ", -1);

    for (char **name = names; *name; name++) {
        const X86FeatureInfo *info = x86_feature_find(*name);

        if (info && !info->have) {
            json_object_array_add(list, json_object_new_string(*name));
        }
    }
    return list;
}

json_object *cmd_query_cpu_definitions(MonCall *call, json_object *args,
                                       GError **errp)
{
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < x86_nmodels; i++) {
        const X86Model *model = &x86_models[i];
        json_object *entry = json_object_new_object();
        g_autofree char *type = g_strconcat(model->name, QOM_CPU_SUFFIX, NULL);

        put_str(entry, "name", model->name);
        put_str(entry, "typename", type);
        json_object_object_add(entry, "unavailable-features",
                               model_missing(model));
        put_bool(entry, "static", false);
        put_bool(entry, "migration-safe", model->features != NULL);
        put_bool(entry, "deprecated", false);
        json_object_array_add(list, entry);
    }
    return list;
}

/* -cpu's text of a CpuModelInfo; commas in values cannot be written there. */
static char *model_text(json_object *model, GError **errp)
{
    GString *text = g_string_new(arg_str(model, "name", ""));
    json_object *props = arg_get(model, "props");

    if (strchr(text->str, ',') ||
        (props && !json_object_is_type(props, json_type_object))) {
        error_setg(errp, "Invalid parameter type for 'model', expected: a "
                         "name, and an object of properties");
        g_string_free(text, TRUE);
        return NULL;
    }
    if (props) {
        g_autoptr(KeyVal) kv = keyval_new();
        const char *key;

        json_to_keyval(props, "", kv);
        for (unsigned i = 0; (key = keyval_key(kv, i)); i++) {
            g_string_append_printf(text, ",%s=%s", key,
                                   keyval_get(kv, key, ""));
        }
    }
    return g_string_free(text, FALSE);
}

static json_object *model_props(const X86Features *f)
{
    json_object *props = json_object_new_object();

    for (unsigned id = FEAT_BASE + 1; id < FEAT_COUNT; id++) {
        if (x86_feature_info[id].name) {
            put_bool(props, x86_feature_info[id].name,
                     x86_feature_is_set(f, id));
        }
    }
    put_str(props, "vendor", f->vendor);
    put_str(props, "model-id", f->model_id);
    put_int(props, "family", f->family);
    put_int(props, "model", f->model);
    put_int(props, "stepping", f->stepping);
    put_int(props, "level", f->level);
    put_int(props, "xlevel", f->xlevel);
    return props;
}

/* A model as the sum of its properties.  "base", of which static expansions are
 * made, is not a name of -cpu: it stands for a model with nothing. */
json_object *cmd_cpu_model_expansion(MonCall *call, json_object *args,
                                     GError **errp)
{
    json_object *asked = arg_get(args, "model"), *result, *model;
    bool full = strcmp(arg_str(args, "type", ""), "full") == 0;
    g_autofree char *text = model_text(asked, errp);
    X86CPU *cpu;

    if (!text) {
        return NULL;
    }
    if (!x86_model_find(arg_str(asked, "name", ""))) {
        error_setg(errp, "CPU model '%s' not found",
                   arg_str(asked, "name", ""));
        return NULL;
    }
    cpu = model_new(text, errp);
    if (!cpu) {
        return NULL;
    }
    result = json_object_new_object();
    model = json_object_new_object();
    put_str(model, "name", full ? arg_str(asked, "name", "") : "base");
    json_object_object_add(model, "props", model_props(cpu->features));
    json_object_object_add(result, "model", model);
    model_free(cpu);
    return result;
}
