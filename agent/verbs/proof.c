/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/proof.h"

#include <string.h>

#include "agent/view/view.h"
#include "base/error.h"
#include "bench/compare/remarks.h"

static void
trial_free(KtTrial *trial)
{
    g_strfreev(trial->groups);
    g_clear_pointer(&trial->findings, g_ptr_array_unref); /* they borrow from the benchmark */
    g_clear_pointer(&trial->cycled, g_ptr_array_unref);
    kt_benchmark_free(trial->benchmark);
    g_free(trial);
}

void
kt_proof_free(KtProof *proof)
{
    if (proof == NULL)
        return;
    g_strfreev(proof->groups);
    g_ptr_array_unref(proof->trials);
    g_string_free(proof->told, TRUE);
    g_free(proof);
}

char *
kt_proof_group_of(const KtSetting *setting)
{
    /* Pools are there for the guests' backing: neither does anything alone. */
    bool pool = setting->id == KT_SETTING_HUGEPAGES_2M || setting->id == KT_SETTING_HUGEPAGES_1G;
    return pool ? g_strdup("memory") : g_strndup(setting->key, strcspn(setting->key, "."));
}

char **
kt_proof_groups(const KtPlan *plan)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < plan->actions->len; i++) {
        char *group = kt_proof_group_of(((const KtAction *)plan->actions->pdata[i])->setting);
        if (!g_hash_table_contains(seen, group))
            g_strv_builder_add(names, group);
        g_hash_table_add(seen, group);
    }
    return g_strv_builder_end(names);
}

bool
kt_proof_keeps(const KtProof *proof, const char *group)
{
    for (guint i = 0; i < proof->trials->len; i++) {
        const KtTrial *trial = proof->trials->pdata[i];
        if (trial->kept && g_strv_contains((const char *const *)trial->groups, group))
            return true;
    }
    return false;
}

/* Kinds of change that are neither kept nor tried now are left out; what is no change by itself
 * (housekeeping) counts in every try. */
static void
leave_others(const KtProof *proof, const KtTrial *trial)
{
    for (KtSettingId id = 0; id < KT_N_SETTINGS; id++) {
        g_autofree char *group = kt_proof_group_of(kt_setting(id));
        bool measured = g_strv_contains((const char *const *)proof->groups, group);
        proof->measuring->arms.left[id] = measured && !kt_proof_keeps(proof, group) &&
                                          !g_strv_contains((const char *const *)trial->groups, group);
    }
}

/* Applies what was tried, to stay. */
static bool
keep(KtProof *proof, KtTrial *trial, const KtPlan *plan, GError **error)
{
    KtArms *arms = &proof->measuring->arms;
    if (!kt_arms_keep(&proof->measuring->bench, error))
        return false;
    trial->kept = true;
    trial->run = arms->run;
    trial->cycled = arms->cycled ? g_ptr_array_ref(arms->cycled) : NULL;
    arms->run = 0;
    arms->powered = false;
    kt_view_report(proof->told, &arms->options->style, arms->report, plan);
    return true;
}

/* Of a workload that was given up nobody knows whether the changes are why. */
static bool
check_whole(const KtBenchmark *benchmark, GError **error)
{
    for (guint i = 0; i < benchmark->failures->len; i++) {
        const KtFailure *failure = benchmark->failures->pdata[i];
        if (!failure->given_up)
            continue;
        g_autofree char *text = kt_failure_text(benchmark, failure);
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "nothing is proven: %s", text);
        return false;
    }
    return true;
}

static bool
measure(KtProof *proof, KtTrial *trial, const KtPlan *plan, GError **error)
{
    g_autoptr(GError) early = NULL;
    trial->benchmark = kt_measuring_run(proof->measuring, plan, &early, error);
    if (trial->benchmark == NULL)
        return false;
    proof->interrupted = g_error_matches(early, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    if (early && !proof->interrupted) {
        g_propagate_error(error, g_steal_pointer(&early));
        return false;
    }
    trial->findings = kt_analyse(trial->benchmark);
    return check_whole(trial->benchmark, error);
}

/* One try. What couldn't be measured made nothing worse. */
static bool
try_groups(KtProof *proof, char **groups, GError **error)
{
    KtTrial *trial = g_new0(KtTrial, 1);
    trial->groups = g_strdupv(groups);
    g_ptr_array_add(proof->trials, trial);
    leave_others(proof, trial);
    g_autoptr(KtPlanning) planning = kt_arms_plan(&proof->measuring->bench, error);
    if (planning == NULL)
        return false;
    g_clear_pointer(&proof->measuring->arms.cycled, g_ptr_array_unref);
    bool measurable = kt_measuring_nothing(proof->measuring, planning->plan) == NULL;
    if (measurable && !measure(proof, trial, planning->plan, error))
        return false;
    if (proof->interrupted || (trial->findings && kt_count_verdicts(trial->findings, KT_VERDICT_WORSE) > 0))
        return true;
    return keep(proof, trial, planning->plan, error);
}

static bool
try_all(KtProof *proof, GError **error)
{
    if (!try_groups(proof, proof->groups, error))
        return false;
    const KtTrial *all = proof->trials->pdata[0];
    bool one_at_a_time = !all->kept && !proof->interrupted && g_strv_length(proof->groups) > 1;
    for (char **group = proof->groups; one_at_a_time && *group && !proof->interrupted; group++)
        if (!try_groups(proof, (char *[]){*group, NULL}, error))
            return false;
    return true;
}

/* The first run that is still in force: its roll back takes the later ones with it. 0: none. */
static gint64
first_left(const KtProof *proof)
{
    gint64 first = proof->measuring->arms.run;
    for (guint i = 0; i < proof->trials->len; i++) {
        gint64 run = ((const KtTrial *)proof->trials->pdata[i])->run;
        if (run != 0 && (first == 0 || run < first))
            first = run;
    }
    return first;
}

/* Undoes *@run, which is 0 then; 0: there is nothing to undo. */
static bool
take_back(KtProof *proof, gint64 *run, const GPtrArray *cycled, GError **error)
{
    const KtArms *arms = &proof->measuring->arms;
    bool done = *run == 0 || kt_arms_give_up(&proof->measuring->bench, *run, cycled, error);
    if (done || arms->run == 0)
        *run = 0;
    gint64 left = done ? 0 : first_left(proof);
    if (left != 0)
        g_prefix_error(error, "'kvm-tune rollback %" G_GINT64_FORMAT "' undoes what is left: ", left);
    return done;
}

/* Nothing is kept of a proof that wasn't finished. */
static bool
give_up(KtProof *proof, GError **error)
{
    KtArms *arms = &proof->measuring->arms;
    if (!take_back(proof, &arms->run, arms->cycled, error))
        return false;
    for (guint i = proof->trials->len; i > 0; i--) {
        KtTrial *trial = proof->trials->pdata[i - 1];
        if (!take_back(proof, &trial->run, trial->cycled, error))
            return false;
        trial->kept = false;
    }
    g_string_truncate(proof->told, 0);
    return true;
}

KtProof *
kt_prove(KtMeasuring *measuring, const KtPlan *plan, GError **error)
{
    g_autoptr(KtProof) proof = g_new0(KtProof, 1);
    g_autoptr(GError) failure = NULL;
    g_autoptr(GError) second = NULL;
    proof->measuring = measuring;
    proof->groups = kt_proof_groups(plan);
    proof->trials = g_ptr_array_new_with_free_func((GDestroyNotify)trial_free);
    proof->told = g_string_new(NULL);
    bool tried = try_all(proof, &failure);
    bool settled = (tried && !proof->interrupted) || give_up(proof, &second);
    if (tried && settled)
        return g_steal_pointer(&proof);
    g_autofree char *before =
        tried || settled ? NULL : g_strdup_printf("; before that: %s", failure->message);
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "%s%s", settled ? failure->message : second->message,
                before ? before : "");
    return NULL;
}
