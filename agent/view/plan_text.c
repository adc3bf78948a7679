/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/cost_parts.h"
#include "agent/view/differences.h"
#include "agent/view/migration.h"
#include "agent/view/plan_parts.h"
#include "agent/view/view.h"
#include "base/diagnostic.h"

#define PART_WIDTH 27 /* columns of the words for a part of the cost */

char *
kt_view_counts(const KtPlan *plan)
{
    static const char *const words[] = {
        [KT_WHEN_NOW] = "now",
        [KT_WHEN_PAUSE] = "with a pause",
        [KT_WHEN_REPLUG] = "by replugging",
        [KT_WHEN_RESTART] = "with a restart",
        [KT_WHEN_NEXT_BOOT] = "for the next boot",
    };
    guint counts[G_N_ELEMENTS(words)] = {0};
    for (guint i = 0; i < plan->actions->len; i++)
        counts[((const KtAction *)plan->actions->pdata[i])->when]++;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint when = 0; when < G_N_ELEMENTS(words); when++) {
        if (counts[when] == 0)
            continue;
        g_autofree char *count =
            text->len > 0 ? g_strdup_printf("%u", counts[when]) : kt_count(counts[when], "change", "changes");
        g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", count, words[when]);
    }
    return g_strdup(text->len > 0 ? text->str : "nothing to change");
}

static void
print_head(GString *out, const KtStyle *style, const KtPlan *plan, const char *profile)
{
    g_autofree char *name = kt_printable(profile);
    g_autofree char *counts = kt_view_counts(plan);
    g_autofree char *host = kt_view_host_line(plan->snapshot->topology);
    kt_ink(out, style, KT_INK_HEADING, "%s", name);
    g_string_append_printf(out, ": %s", counts);
    if (plan->refused->len > 0)
        kt_ink(out, style, KT_INK_WARN, ", %u refused", plan->refused->len);
    g_autofree char *domains = kt_count(plan->n_domains, "domain", "domains");
    g_autofree char *line = g_strdup_printf("%s; %s", host, domains);
    g_string_append_c(out, '\n');
    kt_wrap(out, style, KT_INK_DIM, 0, 0, line);
    if (plan->snapshot->topology->note) {
        g_autofree char *note = g_strconcat("note: ", plan->snapshot->topology->note, NULL);
        kt_wrap(out, style, KT_INK_DIM, 0, 2, note);
    }
}

/* What comes of the domain's live migration: said wherever something is changed. */
static void
print_migration(GString *out, const KtStyle *style, const KtDomainPlan *planned)
{
    g_autofree char *text = kt_migration_text(planned, false);
    g_autofree char *safe = kt_printable(text);
    kt_ink(out, style, KT_INK_DIM, "  migrates live: ");
    kt_wrap(out, style, KT_INK_PLAIN, 17, 6, safe);
}

static void
print_target(GString *out, const KtStyle *style, const KtPlan *plan, gint domain, GHashTable *told)
{
    g_autoptr(KtDifferences) differences = kt_plan_differences(plan, domain);
    bool says_more = kt_plan_has_remarks(plan, domain);
    if (differences->list->len == 0 && !says_more)
        return;
    const char *target =
        domain < 0 ? "host" : ((const KtDomain *)plan->snapshot->domains->pdata[domain])->name;
    g_string_append_c(out, '\n');
    kt_view_target(out, style, plan, domain);
    kt_view_differences(out, style, differences, KT_DIFFERENCE_REASON, target, told);
    kt_view_refusals(out, style, plan, domain);
    if (domain < 0)
        return;
    kt_view_remarks(out, style, &plan->domains[domain]);
    if (differences->list->len > 0)
        print_migration(out, style, &plan->domains[domain]);
}

/* Whether all there is to say of this domain are notes. */
static bool
has_notes_only(const KtPlan *plan, guint domain)
{
    const KtDomainPlan *planned = &plan->domains[domain];
    for (guint i = 0; i < plan->refused->len; i++) {
        if (((const KtRefusal *)plan->refused->pdata[i])->domain == (gint)domain)
            return false;
    }
    return planned->actions->len == 0 && planned->pending->len == 0 && planned->notes->len > 0;
}

static bool
same_notes(const KtDomainPlan *a, const KtDomainPlan *b)
{
    bool same = a->notes->len == b->notes->len;
    for (guint i = 0; same && i < a->notes->len; i++)
        same = g_str_equal(a->notes->pdata[i], b->notes->pdata[i]);
    return same;
}

/* Domains of which there is nothing to say but the same notes are told together, in the place of the first.
 */
static void
print_noted(GString *out, const KtStyle *style, const KtPlan *plan, const bool *noted, guint first)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < plan->n_domains; i++) {
        if (!noted[i] || !same_notes(&plan->domains[i], &plan->domains[first]))
            continue;
        if (i < first)
            return;
        g_ptr_array_add(names, kt_printable(((const KtDomain *)plan->snapshot->domains->pdata[i])->name));
    }
    g_string_append_c(out, '\n');
    if (names->len == 1)
        kt_view_target(out, style, plan, (gint)first);
    else
        kt_wrap_list(out, style, 0, 2, names);
    kt_view_remarks(out, style, &plan->domains[first]);
}

static bool
is_something(double value)
{
    return ABS(value) >= 0.05;
}

/* "  crowded caches         58.4 → 106.4" */
static void
print_part(GString *out, const KtStyle *style, const char *words, double before, double after)
{
    if (!is_something(before) && !is_something(after))
        return;
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_DIM, words, PART_WIDTH);
    g_string_append_printf(out, "%9.1f", before);
    if (is_something(before - after))
        g_string_append_printf(out, " %s %.1f", kt_sign(style, KT_SIGN_ARROW), after);
    g_string_append_c(out, '\n');
}

/* Somebody who runs: only those count in the cost. */
static bool
places(const KtPlan *plan)
{
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->setting->id == KT_SETTING_CPU_PLACEMENT && plan->domains[action->domain].seat >= 0)
            return true;
    }
    return false;
}

/* Placement is the one thing whose better or worse can't be seen from the changes themselves. */
static void
print_cost(GString *out, const KtStyle *style, const KtPlan *plan)
{
    const KtCost *before = &plan->cost_before;
    const KtCost *after = &plan->cost;
    if (!places(plan))
        return;
    g_string_append_c(out, '\n');
    kt_pad(out, style, KT_INK_HEADING, "cost of placement", PART_WIDTH + 2);
    g_string_append_printf(out, "%9.1f", before->total);
    if (is_something(before->total - after->total)) {
        g_string_append_printf(out, " %s ", kt_sign(style, KT_SIGN_ARROW));
        kt_ink(out, style, after->total < before->total ? KT_INK_GOOD : KT_INK_PLAIN, "%.1f", after->total);
    }
    bool dearer = after->total > before->total && is_something(after->total - before->total);
    g_string_append(out, dearer ? "  (the price of the profile)\n" : "  (less is better)\n");
    for (guint i = 0; i < KT_N_COST_PARTS; i++) {
        g_autofree char *words = kt_cost_part_words(after, i);
        print_part(out, style, words, kt_cost_part(before, i), kt_cost_part(after, i));
    }
}

void
kt_view_plan(GString *out, const KtStyle *style, const KtPlan *plan, const char *profile)
{
    g_autoptr(GHashTable) told = kt_told_new();
    print_head(out, style, plan, profile);
    g_autofree bool *noted = g_new0(bool, plan->n_domains + 1);
    for (guint i = 0; i < plan->n_domains; i++)
        noted[i] = has_notes_only(plan, i);
    for (gint domain = -1; domain < (gint)plan->n_domains; domain++) {
        if (domain >= 0 && noted[domain])
            print_noted(out, style, plan, noted, (guint)domain);
        else
            print_target(out, style, plan, domain, told);
    }
    print_cost(out, style, plan);
}

static void
print_drift_of(GString *out, const KtStyle *style, const KtPlan *plan, gint domain)
{
    g_autoptr(KtDifferences) differences = kt_plan_differences(plan, domain);
    bool pending = domain >= 0 && plan->domains[domain].pending->len > 0;
    if (differences->list->len == 0 && !pending)
        return;
    g_string_append_c(out, '\n');
    kt_view_target(out, style, plan, domain);
    kt_view_differences(out, style, differences, KT_DIFFERENCE_SOURCE, NULL, NULL);
    if (pending)
        kt_view_pending(out, style, plan->domains[domain].pending);
}

void
kt_view_drift(GString *out, const KtStyle *style, const KtPlan *plan, const char *profile)
{
    g_autofree char *name = kt_printable(profile);
    kt_ink(out, style, KT_INK_HEADING, "%s", name);
    if (plan->actions->len == 0) {
        g_string_append(out, ": ");
        kt_ink(out, style, KT_INK_GOOD,
               plan->refused->len > 0 ? "nothing differs that can be set" : "all is as the profile wants it");
    } else {
        g_autofree char *count = kt_count(plan->actions->len, "setting differs", "settings differ");
        g_string_append(out, ": ");
        kt_ink(out, style, KT_INK_WARN, "%s", count);
        g_string_append_printf(out, ", found %s wanted", kt_sign(style, KT_SIGN_ARROW));
    }
    if (plan->refused->len > 0)
        g_string_append_printf(out, ", %u refused (plan says why)", plan->refused->len);
    g_string_append_c(out, '\n');
    for (gint domain = -1; domain < (gint)plan->n_domains; domain++)
        print_drift_of(out, style, plan, domain);
}
