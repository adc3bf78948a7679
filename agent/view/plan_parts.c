/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/plan_parts.h"

#include <string.h>

#include "base/diagnostic.h"
#include "profiles/settings.h"

char *
kt_view_host_line(const KtTopology *topology)
{
    g_autofree char *cpus = kt_count(topology->n_pus, "CPU", "CPUs");
    g_autofree char *cores = kt_count(topology->n_cores, "core", "cores");
    g_autofree char *nodes = kt_count(topology->n_nodes, "memory node", "memory nodes");
    g_autofree char *caches = kt_count(topology->n_l3, "L3 group", "L3 groups");
    return g_strdup_printf("%s, %s, %s%s%s", cpus, cores, nodes, topology->n_l3 ? ", " : ", no L3",
                           topology->n_l3 ? caches : "");
}

static const char *
state_words(const KtDomain *domain)
{
    static const char *const words[] = {
        [KT_DOMAIN_SHUT_OFF] = "shut off",
        [KT_DOMAIN_RUNNING] = "running",
        [KT_DOMAIN_PAUSED] = "paused",
        [KT_DOMAIN_OTHER] = "active, but neither running nor paused",
    };
    return words[domain->state];
}

char *
kt_view_domain_line(const KtDomain *domain)
{
    const KtDomainDef *def = kt_domain_def(domain);
    g_autoptr(GString) text = g_string_new(state_words(domain));
    if (def) {
        g_autofree char *vcpus = kt_count(def->vcpus, "vCPU", "vCPUs");
        g_autofree char *memory = kt_size(def->memory_kib);
        g_string_append_printf(text, ", %s", vcpus);
        guint online = domain->active ? kt_domain_online_vcpus(domain) : def->vcpus;
        if (online != def->vcpus)
            g_string_append_printf(text, " (%u online)", online);
        g_string_append_printf(text, ", %s", memory);
    }
    if (!domain->persistent)
        g_string_append(text, ", transient");
    if (domain->managed_save)
        g_string_append(text, ", has a saved state that the next start resumes");
    return g_strdup(text->str);
}

KtDifferences *
kt_plan_differences(const KtPlan *plan, gint domain)
{
    KtDifferences *differences = kt_differences_new();
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->domain != domain)
            continue;
        KtDifference difference = {
            .setting = action->setting->key,
            .item = action->item,
            .from = action->from,
            .to = action->to,
            .when = kt_when_name(action->when),
            .reason = action->reason,
            .source = action->source,
        };
        kt_differences_add(differences, difference);
    }
    return differences;
}

static bool
has_refusals(const KtPlan *plan, gint domain)
{
    for (guint i = 0; i < plan->refused->len; i++) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        if (refusal->domain == domain)
            return true;
    }
    return false;
}

bool
kt_plan_has_remarks(const KtPlan *plan, gint domain)
{
    if (has_refusals(plan, domain))
        return true;
    return domain >= 0 && (plan->domains[domain].notes->len > 0 || plan->domains[domain].pending->len > 0);
}

void
kt_view_target(GString *out, const KtStyle *style, const KtPlan *plan, gint domain)
{
    if (domain < 0) {
        kt_ink(out, style, KT_INK_HEADING, "host");
        g_string_append_c(out, '\n');
        return;
    }
    const KtDomain *of = plan->snapshot->domains->pdata[domain];
    g_autofree char *name = kt_printable(of->name);
    g_autofree char *line = kt_view_domain_line(of);
    kt_ink(out, style, KT_INK_HEADING, "%s", name);
    g_string_append(out, "  ");
    kt_wrap(out, style, KT_INK_DIM, kt_columns(name) + 2, 4, line);
}

/* "disk.cache vda" */
static char *
refused_name(const KtRefusal *refusal)
{
    g_autofree char *item = kt_item_name(refusal->item);
    g_autofree char *name = g_strdup_printf("%s%s%s", refusal->setting->key, *item ? " " : "", item);
    return kt_printable(name);
}

static bool
refused_alike(const KtRefusal *a, const KtRefusal *b)
{
    return a->domain == b->domain && g_str_equal(a->reason, b->reason);
}

/* The refusals from @first on that share a target and a reason: said as one. */
static guint
refused_run(const GPtrArray *refused, guint first)
{
    guint end = first + 1;
    while (end < refused->len && refused_alike(refused->pdata[first], refused->pdata[end]))
        end++;
    return end - first;
}

static void
print_refusals(GString *out, const KtStyle *style, const GPtrArray *refused, guint first, guint n)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) sources = g_string_new(NULL);
    for (guint i = first; i < first + n; i++) {
        const KtRefusal *refusal = refused->pdata[i];
        g_autofree char *name = refused_name(refusal);
        g_autofree char *source = refusal->source ? kt_source_name(refusal->source) : NULL;
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
        if (source && strstr(sources->str, source) == NULL)
            g_string_append_printf(sources, "%s%s", sources->len ? ", " : "", source);
    }
    const char *sign = kt_sign(style, KT_SIGN_REFUSED);
    kt_ink(out, style, KT_INK_WARN, "  %s ", sign);
    kt_wrap(out, style, KT_INK_WARN, 4, 4, names->str);
    g_autofree char *text =
        g_strdup_printf("%s (%s)", ((const KtRefusal *)refused->pdata[first])->reason, sources->str);
    g_autofree char *safe = kt_printable(text);
    g_string_append(out, "      ");
    kt_wrap(out, style, KT_INK_PLAIN, 6, 6, safe);
}

void
kt_view_refusals(GString *out, const KtStyle *style, const KtPlan *plan, gint domain)
{
    for (guint i = 0; i < plan->refused->len;) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        guint n = refused_run(plan->refused, i);
        if (refusal->domain == domain)
            print_refusals(out, style, plan->refused, i, n);
        i += n;
    }
}

char *
kt_pending_text(const KtPending *pending)
{
    const char *key = pending->setting->key;
    g_autofree char *item = kt_item_name(pending->item);
    g_autofree char *text =
        g_strdup_printf("%s %s: %s now, %s once it was powered off and started", key, item,
                        kt_value_name(key, pending->live), kt_value_name(key, pending->staged));
    return kt_printable(text);
}

void
kt_view_pending(GString *out, const KtStyle *style, const GPtrArray *pending)
{
    for (guint i = 0; i < pending->len; i++) {
        g_autofree char *text = kt_pending_text(pending->pdata[i]);
        kt_ink(out, style, KT_INK_WARN, "  pending: ");
        kt_wrap(out, style, KT_INK_PLAIN, 11, 6, text);
    }
}

void
kt_view_remarks(GString *out, const KtStyle *style, const KtDomainPlan *domain)
{
    for (guint i = 0; i < domain->notes->len; i++) {
        g_autofree char *note = kt_printable(domain->notes->pdata[i]);
        kt_ink(out, style, KT_INK_DIM, "  note: ");
        kt_wrap(out, style, KT_INK_PLAIN, 8, 6, note);
    }
    kt_view_pending(out, style, domain->pending);
}
