/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/json.h"
#include "agent/view/status_parts.h"

static json_t *
number_or_null(gint64 number)
{
    return number == KT_ABSENT ? json_null() : json_integer(number);
}

static json_t *
nodes_json(const KtMemory *memory)
{
    json_t *list = json_array();
    for (guint i = 0; i < memory->nodes->len; i++) {
        const KtNodeMemory *node = &g_array_index(memory->nodes, KtNodeMemory, i);
        json_t *json = json_object();
        json_object_set_new(json, "node", json_integer(node->os));
        json_object_set_new(json, "total_kib", number_or_null(node->total_kib));
        json_object_set_new(json, "free_kib", number_or_null(node->free_kib));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *
thp_json(const KtThp *thp)
{
    json_t *json = json_object();
    json_object_set_new(json, "enabled", kt_json_text(thp->enabled));
    json_object_set_new(json, "defrag", kt_json_text(thp->defrag));
    json_object_set_new(json, "shmem", kt_json_text(thp->shmem));
    json_t *sizes = json_array();
    for (guint i = 0; thp->sizes && i < thp->sizes->len; i++) {
        const KtThpSize *size = thp->sizes->pdata[i];
        json_t *one = json_object();
        json_object_set_new(one, "size_kib", json_integer((json_int_t)size->size_kib));
        json_object_set_new(one, "enabled", kt_json_text(size->enabled));
        json_array_append_new(sizes, one);
    }
    json_object_set_new(json, "sizes", sizes);
    return json;
}

static json_t *
ksm_json(const KtMemory *memory)
{
    const KtKsm *ksm = &memory->ksm;
    gint64 saved = kt_status_ksm_saved_mib(memory);
    json_t *json = json_object();
    json_object_set_new(json, "mode", kt_json_text(kt_status_ksm_mode(ksm)));
    json_object_set_new(json, "saved_mib", saved < 0 ? json_null() : json_integer(saved));
    json_object_set_new(json, "profit_bytes", number_or_null(ksm->general_profit));
    json_object_set_new(json, "full_scans", number_or_null(ksm->full_scans));
    json_object_set_new(json, "pages_to_scan", number_or_null(ksm->pages_to_scan));
    json_object_set_new(json, "sleep_ms", number_or_null(ksm->sleep_millisecs));
    json_object_set_new(json, "merge_across_nodes", number_or_null(ksm->merge_across_nodes));
    json_object_set_new(json, "advisor", kt_json_text(ksm->advisor_mode));
    json_object_set_new(json, "advisor_max_cpu", number_or_null(ksm->advisor_max_cpu));
    json_object_set_new(json, "smart_scan", number_or_null(ksm->smart_scan));
    return json;
}

static json_t *
pools_json(const KtPools *pools)
{
    json_t *list = json_array();
    for (guint i = 0; pools && i < pools->pools->len; i++) {
        const KtPool *pool = &g_array_index(pools->pools, KtPool, i);
        json_t *json = json_object();
        json_object_set_new(json, "page_kib", json_integer((json_int_t)pool->page_kib));
        json_object_set_new(json, "node", pool->whole_host ? json_null() : json_integer(pool->node));
        json_object_set_new(json, "total", number_or_null(pool->total));
        json_object_set_new(json, "free", number_or_null(pool->free));
        json_object_set_new(json, "surplus", number_or_null(pool->surplus));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *
percent_or_null(double percent)
{
    return percent < 0 ? json_null() : json_real(percent);
}

static json_t *
one_pressure_json(const KtPressure *pressure)
{
    json_t *json = json_object();
    json_object_set_new(json, "some_avg10", percent_or_null(pressure->some_avg10));
    json_object_set_new(json, "some_avg60", percent_or_null(pressure->some_avg60));
    json_object_set_new(json, "full_avg10", percent_or_null(pressure->full_avg10));
    json_object_set_new(json, "full_avg60", percent_or_null(pressure->full_avg60));
    return json;
}

static json_t *
pressure_json(const KtKernel *kernel)
{
    if (kernel == NULL)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "cpu", one_pressure_json(&kernel->cpu));
    json_object_set_new(json, "memory", one_pressure_json(&kernel->memory));
    json_object_set_new(json, "io", one_pressure_json(&kernel->io));
    return json;
}

static json_t *
tuners_json(const GPtrArray *tuners)
{
    json_t *list = json_array();
    for (guint i = 0; tuners && i < tuners->len; i++) {
        const KtOtherTuner *tuner = tuners->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "name", kt_json_text(tuner->name));
        json_object_set_new(json, "pid", json_integer(tuner->pid));
        json_object_set_new(json, "sets", kt_json_text(tuner->knobs));
        json_array_append_new(list, json);
    }
    return list;
}

void
kt_status_host_json(json_t *document, const KtSnapshot *snapshot)
{
    json_object_set_new(document, "nodes", nodes_json(snapshot->memory));
    json_object_set_new(document, "thp", thp_json(&snapshot->memory->thp));
    json_object_set_new(document, "ksm", ksm_json(snapshot->memory));
    json_object_set_new(document, "pools", pools_json(snapshot->pools));
    json_object_set_new(document, "pressure", pressure_json(snapshot->kernel));
    json_object_set_new(document, "other_tuners", tuners_json(snapshot->other_tuners));
}
