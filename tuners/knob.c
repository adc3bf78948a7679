/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/knob.h"

#include "profiles/amount.h"

static const char *
reason_for(const KtKnob *knob, const char *text)
{
    const KtEffect *effect = knob->effects;
    while (effect->word != NULL && !g_str_equal(effect->word, text))
        effect++;
    return effect->reason != NULL ? effect->reason : "as the profile wants it";
}

static gint64
at_least_one(gint64 number)
{
    return MAX(number, 1);
}

/* The file's number as users read it. A yes is any number but 0: the kernel's finer modes count as one. */
static char *
number_text(const KtSetting *setting, const KtKnob *knob, gint64 number)
{
    if (setting->kind == KT_VALUE_BOOL)
        return g_strdup(number != 0 ? "yes" : "no");
    if (number % at_least_one(knob->per_unit) != 0)
        return g_strdup_printf("%" G_GINT64_FORMAT "%s", number, knob->file_unit);
    return kt_amount_format(setting->kind,
                            number / at_least_one(knob->per_unit) * at_least_one(knob->per_file_unit));
}

/* The number for the file; false where the file can't hold it, and that is refused. */
static bool
number_wanted(KtPlan *plan, const KtValue *value, const KtKnob *knob, gint64 *ret_number)
{
    gint64 unit = at_least_one(knob->per_file_unit);
    if (value->number % unit != 0) {
        kt_plan_refuse(plan, -1, value, NULL,
                       "the kernel takes whole %s (/%s), '%s' is none: %" G_GINT64_FORMAT
                       "%s or %" G_GINT64_FORMAT "%s",
                       knob->file_unit, knob->path, value->text, value->number / unit, knob->file_unit,
                       value->number / unit + 1, knob->file_unit);
        return false;
    }
    *ret_number = value->number / unit * at_least_one(knob->per_unit);
    return true;
}

static KtAction *
add(KtPlan *plan, const KtValue *value, const KtKnob *knob, KtAction action)
{
    action.domain = -1;
    action.setting = value->setting;
    action.when = KT_WHEN_NOW;
    action.reason = g_strdup(reason_for(knob, action.to));
    action.source = g_strdup(value->source);
    action.kind = KT_STEP_SYSFS;
    action.path = g_strdup(knob->path);
    /* The plan takes the strings over. */
    /* cppcheck-suppress memleak */
    return kt_plan_add(plan, action) ? plan->actions->pdata[plan->actions->len - 1] : NULL;
}

static KtAction *
set_word(KtPlan *plan, const KtValue *value, const KtKnob *knob)
{
    const char *wanted = value->word != NULL ? value->word : value->text;
    return add(plan, value, knob, (KtAction){.from = g_strdup(knob->word), .to = g_strdup(wanted)});
}

/* Where the file can't be written, only a difference is refused. */
static bool
is_refused_as_fixed(KtPlan *plan, const KtValue *value, const KtKnob *knob, const KtAction *action)
{
    if (knob->fixed == NULL || g_str_equal(action->from, action->to))
        return false;
    kt_plan_refuse(plan, -1, value, NULL,
                   "it is '%s', and this kernel lets nobody change /%s while it runs; %s", action->from,
                   knob->path, knob->fixed);
    return true;
}

static KtAction *
set_number(KtPlan *plan, const KtValue *value, const KtKnob *knob)
{
    gint64 wanted;
    if (!number_wanted(plan, value, knob, &wanted))
        return NULL;
    KtAction action = {
        .from = number_text(value->setting, knob, knob->number),
        .to = number_text(value->setting, knob, wanted),
    };
    if (is_refused_as_fixed(plan, value, knob, &action)) {
        g_free(action.from);
        g_free(action.to);
        return NULL;
    }
    action.raw_from = g_strdup_printf("%" G_GINT64_FORMAT, knob->number);
    action.raw_to = g_strdup_printf("%" G_GINT64_FORMAT, wanted);
    return add(plan, value, knob, action);
}

KtAction *
kt_knob_set(KtPlan *plan, const KtValue *value, const KtKnob *knob)
{
    bool has_words = value->setting->words != NULL;
    if (has_words ? knob->word == NULL : knob->number == KT_ABSENT) {
        kt_plan_refuse(plan, -1, value, NULL, "this kernel has no %s (/%s)", knob->name, knob->path);
        return NULL;
    }
    return has_words ? set_word(plan, value, knob) : set_number(plan, value, knob);
}

const KtValue *
kt_knob_wish(KtPlan *plan, const KtDesired *desired, KtSettingId id)
{
    const KtValue *value = kt_desired_host(desired, id);
    return value != NULL && kt_plan_may_touch_host(plan, value) ? value : NULL;
}

KtAction *
kt_knob_tune(KtPlan *plan, const KtDesired *desired, const KtKnob *knob)
{
    const KtValue *value = kt_knob_wish(plan, desired, knob->id);
    return value != NULL ? kt_knob_set(plan, value, knob) : NULL;
}
