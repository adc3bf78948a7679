/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/utsname.h>

#include "agent/verbs/bench_arms.h"
#include "agent/view/json.h"
#include "agent/view/view.h"

/* The first "model name" of /proc/cpuinfo, which not every architecture has; or NULL. Owned. */
static char *
cpu_model(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
        return NULL;
    const char *line = strstr(text, "model name"), *value = line ? strchr(line, ':') : NULL;
    return value ? g_strstrip(g_strndup(value + 1, strcspn(value + 1, "\n"))) : NULL;
}

static json_t *
host_json(const KtSnapshot *snapshot)
{
    struct utsname system = {0};
    json_t *json = json_object();
    g_autofree char *cpu = cpu_model();
    uname(&system);
    json_object_set_new(json, "machine", kt_json_text(system.machine));
    json_object_set_new(json, "cpu", kt_json_text(cpu));
    json_object_set_new(json, "kernel", kt_json_text(system.release));
    json_object_set_new(json, "libvirt", kt_json_text(snapshot->libvirt));
    json_object_set_new(json, "qemu", kt_json_text(snapshot->qemu));
    return json;
}

static json_t *
domain_json(const KtDomain *domain)
{
    const KtDomainDef *def = kt_domain_def(domain);
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(domain->name));
    json_object_set_new(json, "type", kt_json_text(def->type));
    json_object_set_new(json, "os", kt_json_text(kt_domain_os_id(domain)));
    json_object_set_new(json, "vcpus", json_integer(def->vcpus));
    json_object_set_new(json, "memory_kib", json_integer((json_int_t)def->memory_kib));
    return json;
}

static json_t *
workload_json(const KtWorkload *workload, const char *given)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(workload->name));
    json_object_set_new(json, "given", kt_json_text(given));
    json_object_set_new(json, "summary", kt_json_text(workload->summary));
    json_object_set_new(json, "run", kt_json_text(workload->send));
    return json;
}

static json_t *
globs_json(char *const *globs)
{
    json_t *json = json_array();
    for (char *const *glob = globs; glob && *glob; glob++)
        json_array_append_new(json, kt_json_text(*glob));
    return json;
}

char *
kt_bench_about(const KtOptions *options, const KtPlan *plan, const GPtrArray *workloads,
               const GPtrArray *domains)
{
    const KtSnapshot *snapshot = plan->snapshot;
    char **given = options->workloads ? options->workloads : options->prove;
    g_autofree char *plan_text = kt_view_plan_json(plan);
    json_t *about = json_object(), *works = json_array(), *guests = json_array();
    for (guint i = 0; i < workloads->len; i++)
        json_array_append_new(works, workload_json(workloads->pdata[i], given[i]));
    for (guint i = 0; i < domains->len; i++)
        json_array_append_new(guests, domain_json(kt_snapshot_find_domain(snapshot, domains->pdata[i])));
    json_object_set_new(about, "host", host_json(snapshot));
    json_object_set_new(about, "domains", guests);
    json_object_set_new(about, "workloads", works);
    json_object_set_new(about, "chosen", globs_json(options->domains));
    json_object_set_new(about, "measured", globs_json(options->measure));
    json_object_set_new(about, "restart", json_boolean(options->restart));
    json_object_set_new(about, "plan", json_loads(plan_text, 0, NULL));
    return kt_json_dump(about);
}
