/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm.h"

#include "tuners/knob.h"
#include "tuners/tuner.h"

#define RUN KT_KSM "run"

static const char *const run_words[] = {"off", "on", "unmerge"};

static char *
run_word(gint64 run)
{
    bool known = run >= 0 && run < (gint64)G_N_ELEMENTS(run_words);
    return known ? g_strdup(run_words[run]) : g_strdup_printf("%" G_GINT64_FORMAT, run);
}

static void
set_run(KtPlan *plan, const KtValue *value, KtKsmRun wanted, KtRisk risk, const char *reason)
{
    gint64 present = plan->snapshot->memory->ksm.run;
    KtAction action = {
        .domain = -1,
        .setting = value->setting,
        .from = run_word(present),
        .to = run_word(wanted),
        .when = KT_WHEN_NOW,
        .risk = risk,
        .reason = g_strdup(reason),
        .source = g_strdup(value->source),
        .kind = KT_STEP_SYSFS,
        .path = g_strdup(RUN),
        .raw_from = g_strdup_printf("%" G_GINT64_FORMAT, present),
        .raw_to = g_strdup_printf("%d", (int)wanted),
    };
    kt_plan_add(plan, action);
}

static gint64
merged_pages(const KtMemory *memory)
{
    return MAX(memory->ksm.pages_sharing, 0); /* KT_ABSENT is negative */
}

static gint64
needed_kib(const KtMemory *memory)
{
    return merged_pages(memory) * (gint64)memory->page_kib;
}

gint64
kt_ksm_unmerge_mib(const KtMemory *memory)
{
    return needed_kib(memory) / 1024;
}

char *
kt_ksm_unmerge_obstacle(const KtMemory *memory)
{
    gint64 needed = needed_kib(memory), available = kt_memory_free_kib(memory);
    if (needed == 0 || (available != KT_ABSENT && needed <= available))
        return NULL;
    if (available == KT_ABSENT)
        return g_strdup_printf("unmerging needs %" G_GINT64_FORMAT
                               " MiB, and this host doesn't say how much memory is free",
                               needed / 1024);
    return g_strdup_printf("unmerging needs %" G_GINT64_FORMAT " MiB for %" G_GINT64_FORMAT
                           " merged pages, only %" G_GINT64_FORMAT " MiB are free",
                           needed / 1024, merged_pages(memory), available / 1024);
}

/* Every sharing page becomes a page of its own again. */
static void
unmerge(const KtMemory *memory, KtPlan *plan, const KtValue *value)
{
    if (memory->ksm.run == KT_KSM_UNMERGE)
        return;
    g_autofree char *obstacle = kt_ksm_unmerge_obstacle(memory);
    if (obstacle != NULL) {
        kt_plan_refuse(plan, -1, value, NULL, "%s; 'off' stops merging and keeps what is merged", obstacle);
        return;
    }
    g_autofree char *reason = g_strdup_printf("stops and takes %" G_GINT64_FORMAT
                                              " merged pages apart, which needs %" G_GINT64_FORMAT " MiB",
                                              merged_pages(memory), kt_ksm_unmerge_mib(memory));
    set_run(plan, value, KT_KSM_UNMERGE, KT_RISK_MEDIUM, reason);
}

static void
set_mode(const KtSnapshot *snapshot, KtPlan *plan, const KtValue *value)
{
    if (kt_value_is(value, "unmerge"))
        unmerge(snapshot->memory, plan, value);
    else if (kt_value_is(value, "off"))
        set_run(plan, value, KT_KSM_OFF, KT_RISK_NONE, "stops merging; what is merged stays merged");
    else if (kt_value_is(value, "on"))
        set_run(
            plan, value, KT_KSM_ON, KT_RISK_LOW,
            "equal pages of guests are merged; that is a side channel between guests of different owners");
    else if (snapshot->memory->ksm.advisor_mode != NULL)
        set_run(
            plan, value, KT_KSM_ON, KT_RISK_LOW,
            "no daemon governs it, the kernel's advisor does; merging is a side channel between guests of "
            "different owners");
    else
        set_run(
            plan, value, KT_KSM_ON, KT_RISK_LOW,
            "no daemon governs it and this kernel has no advisor: it just runs; merging is a side channel "
            "between guests of different owners");
}

void
kt_tune_ksm(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtValue *mode = kt_knob_wish(plan, desired, KT_SETTING_KSM_MODE);
    if (mode != NULL && snapshot->memory->ksm.run == KT_ABSENT) {
        kt_plan_refuse(plan, -1, mode, NULL, "this kernel has no KSM (/" RUN ")");
        mode = NULL;
    }
    plan->governs_ksm = snapshot->has_governor && kt_value_is(mode, "auto");
    kt_ksm_tune_parameters(snapshot, desired, plan, mode);
    if (mode != NULL && !plan->governs_ksm)
        set_mode(snapshot, plan, mode);
}
