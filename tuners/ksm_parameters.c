/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/knob.h"
#include "tuners/ksm.h"

static const KtEffect as_wanted[] = {{NULL, NULL}};

static bool
is_governed(const KtKsm *ksm)
{
    return ksm->advisor_mode != NULL && !g_str_equal(ksm->advisor_mode, KT_KSM_NO_ADVISOR);
}

static void
set_advisor(const KtKsm *ksm, KtPlan *plan, const KtValue *value, const char *wanted, const char *reason)
{
    KtAction action = {
        .domain = -1,
        .setting = value->setting,
        .item = g_strdup("advisor"),
        .from = g_strdup(ksm->advisor_mode),
        .to = g_strdup(wanted),
        .when = KT_WHEN_NOW,
        .reason = g_strdup(reason),
        .source = g_strdup(value->source),
        .kind = KT_STEP_SYSFS,
        .path = g_strdup(KT_KSM "advisor_mode"),
    };
    kt_plan_add(plan, action);
}

static KtAction *
set_pages(KtPlan *plan, const KtValue *value, gint64 present, gint64 wanted)
{
    static const KtEffect effects[] = {{NULL, "pages that ksmd looks at before it sleeps"}};
    const KtKnob knob = {.id = KT_SETTING_KSM_PAGES_TO_SCAN,
                         .path = KT_KSM "pages_to_scan",
                         .name = "KSM",
                         .effects = effects,
                         .number = present};
    KtValue asked = {
        .setting = kt_setting(knob.id), .number = wanted, .text = value->text, .source = value->source};
    return kt_knob_set(plan, &asked, &knob);
}

/* The kernel's advisor instead of a daemon. Turning it off again doesn't bring back the pages that were
 * scanned a round before it: they are set to what the kernel will leave then, so that there is a step that
 * can be undone. */
static void
govern(const KtKsm *ksm, KtPlan *plan, const KtValue *mode)
{
    if (ksm->advisor_mode == NULL || g_str_equal(ksm->advisor_mode, KT_KSM_ADVISOR))
        return;
    KtAction *pages = ksm->pages_to_scan == KT_ABSENT || is_governed(ksm)
                          ? NULL
                          : set_pages(plan, mode, ksm->pages_to_scan, KT_KSM_DEFAULT_PAGES_TO_SCAN);
    if (pages != NULL) {
        pages->setting = mode->setting;
        pages->item = g_strdup("pages to scan");
        g_free(pages->reason);
        pages->reason =
            g_strdup("the kernel forgets it when the advisor starts: written down here, it can be put back");
    }
    set_advisor(ksm, plan, mode, KT_KSM_ADVISOR,
                "no daemon governs KSM: the kernel's advisor sets how much is scanned");
}

/* Whether the advisor will be at work after the plan, besides what pages-to-scan says. */
static bool
will_be_governed(const KtKsm *ksm, const KtValue *mode)
{
    return kt_value_is(mode, "auto") ? ksm->advisor_mode != NULL : is_governed(ksm);
}

/* pages_to_scan is EINVAL while the advisor runs. Returns whether the advisor is at work after it. */
static bool
tune_pages(const KtKsm *ksm, KtPlan *plan, const KtValue *mode, const KtValue *pages)
{
    bool governed = will_be_governed(ksm, mode);
    if (pages == NULL)
        return governed;
    if (!governed) {
        set_pages(plan, pages, ksm->pages_to_scan, pages->number);
        return false;
    }
    if (kt_value_is(mode, "auto")) {
        kt_plan_refuse(
            plan, -1, pages, NULL,
            "'ksm.mode = auto' leaves it to the kernel's advisor, which sets it itself; 'ksm.mode = on' "
            "turns the advisor off, and ksm.max-cpu tells it how much it may take");
        return true;
    }
    if (!kt_value_is(mode, "on")) {
        kt_plan_refuse(
            plan, -1, pages, NULL,
            "the kernel's advisor (%s) sets it and lets nobody else; 'ksm.mode = on' turns the advisor off",
            ksm->advisor_mode);
        return true;
    }
    set_advisor(ksm, plan, pages, KT_KSM_NO_ADVISOR,
                "while the kernel's advisor runs it sets the pages to scan itself");
    set_pages(plan, pages, KT_KSM_DEFAULT_PAGES_TO_SCAN, pages->number);
    return false;
}

static void
tune_max_cpu(const KtKsm *ksm, KtPlan *plan, const KtValue *value, bool governed)
{
    static const KtEffect effects[] = {{NULL, "the advisor scans as much as this share of one CPU allows"}};
    const KtKnob knob = {.id = KT_SETTING_KSM_MAX_CPU,
                         .path = KT_KSM "advisor_max_cpu",
                         .name = "advisor for KSM, which Linux 6.8 and later have",
                         .effects = effects,
                         .number = ksm->advisor_max_cpu};
    if (value == NULL)
        return;
    if (governed || ksm->advisor_max_cpu == KT_ABSENT)
        kt_knob_set(plan, value, &knob);
    else
        kt_plan_refuse(plan, -1, value, NULL,
                       "only the kernel's advisor keeps it, and it is off; 'ksm.mode = auto' without "
                       "'ksm.pages-to-scan' turns it on");
}

static void
tune_sleep(const KtKsm *ksm, const KtDesired *desired, KtPlan *plan)
{
    static const KtEffect effects[] = {{NULL, "how long ksmd sleeps between two rounds"}};
    const KtKnob knob = {.id = KT_SETTING_KSM_SLEEP,
                         .path = KT_KSM "sleep_millisecs",
                         .name = "KSM",
                         .effects = effects,
                         .number = ksm->sleep_millisecs,
                         .per_file_unit = 1000,
                         .file_unit = "ms"};
    kt_knob_tune(plan, desired, &knob);
}

static char *
merge_reason(const KtMemory *memory)
{
    gint64 pages = memory->ksm.pages_sharing;
    if (pages <= 0)
        return g_strdup("nothing is merged, so nothing has to be taken apart for it");
    return g_strdup_printf("all %" G_GINT64_FORMAT
                           " merged pages are taken apart first, which needs %" G_GINT64_FORMAT " MiB; %s",
                           pages, kt_ksm_unmerge_mib(memory),
                           memory->ksm.run == KT_KSM_ON ? "KSM merges anew after it"
                                                        : "KSM doesn't run, so they stay apart");
}

/* Only with no page merged does the kernel take a change (safety rule 10): a step of its own kind. */
static void
tune_merge(const KtMemory *memory, const KtDesired *desired, KtPlan *plan)
{
    const KtValue *value = kt_knob_wish(plan, desired, KT_SETTING_KSM_MERGE_ACROSS_NODES);
    const KtKnob knob = {.id = KT_SETTING_KSM_MERGE_ACROSS_NODES,
                         .path = KT_KSM "merge_across_nodes",
                         .name = "KSM that knows NUMA nodes",
                         .effects = as_wanted,
                         .number = memory->ksm.merge_across_nodes};
    if (value == NULL)
        return;
    g_autofree char *obstacle = kt_ksm_unmerge_obstacle(memory);
    bool differs = knob.number != KT_ABSENT && (knob.number != 0) != (value->number != 0);
    if (differs && obstacle != NULL) {
        kt_plan_refuse(plan, -1, value, NULL, "%s; it can be changed only with no page merged", obstacle);
        return;
    }
    KtAction *action = kt_knob_set(plan, value, &knob);
    if (action == NULL)
        return;
    g_free(action->reason);
    action->reason = merge_reason(memory);
    action->risk = memory->ksm.pages_sharing > 0 ? KT_RISK_MEDIUM : KT_RISK_NONE;
    action->kind = KT_STEP_KSM_MERGE;
}

static gint64
number_or_absent(const KtValue *value)
{
    return value != NULL ? value->number : KT_ABSENT;
}

/* The daemon's governor sets all of it, within these bounds. */
static void
leave_to_governor(const KtDesired *desired, KtPlan *plan)
{
    const KtValue *pages = kt_knob_wish(plan, desired, KT_SETTING_KSM_PAGES_TO_SCAN);
    const KtValue *sleep = kt_knob_wish(plan, desired, KT_SETTING_KSM_SLEEP);
    gint64 usec = number_or_absent(sleep);
    bool whole = usec != KT_ABSENT && usec % 1000 == 0;
    plan->ksm_wish = (KtKsmWish){
        .max_cpu_percent = number_or_absent(kt_knob_wish(plan, desired, KT_SETTING_KSM_MAX_CPU)),
        .sleep_millisecs = whole ? usec / 1000 : KT_ABSENT,
        .smart_scan = KT_ABSENT,
    };
    if (sleep != NULL && !whole)
        kt_plan_refuse(plan, -1, sleep, NULL, "the kernel counts whole milliseconds: '%s' is none",
                       sleep->text);
    if (pages != NULL)
        kt_plan_refuse(
            plan, -1, pages, NULL,
            "'ksm.mode = auto' leaves it to the daemon, which sets it as it pays; ksm.max-cpu tells how "
            "much ksmd may take, 'ksm.mode = on' scans as it is told");
}

void
kt_ksm_tune_parameters(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan,
                       const KtValue *mode)
{
    const KtKsm *ksm = &snapshot->memory->ksm;
    if (plan->governs_ksm) {
        leave_to_governor(desired, plan);
        tune_merge(snapshot->memory, desired, plan);
        return;
    }
    const KtValue *pages = kt_knob_wish(plan, desired, KT_SETTING_KSM_PAGES_TO_SCAN);
    const KtValue *max_cpu = kt_knob_wish(plan, desired, KT_SETTING_KSM_MAX_CPU);
    if (kt_value_is(mode, "auto"))
        govern(ksm, plan, mode);
    bool governed = tune_pages(ksm, plan, mode, pages);
    tune_max_cpu(ksm, plan, max_cpu, governed);
    tune_sleep(ksm, desired, plan);
    tune_merge(snapshot->memory, desired, plan);
}
