/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/proof.h"
#include "agent/view/json.h"
#include "agent/view/view.h"
#include "base/diagnostic.h"
#include "bench/compare/report.h"

#define NAME_COLUMNS 22

/* "ping-pong on db-1: round-trip 131 → 415 us (+217 %, p = 0.0078 after correction)" */
static void
add_finding(GString *out, const KtStyle *style, const KtFinding *finding)
{
    const KtMetric *metric = finding->metric;
    g_autofree char *before = kt_figure_text(finding->before.value, "");
    g_autofree char *after = kt_figure_text(finding->after.value, metric->unit);
    g_autofree char *change = kt_change_text(finding, finding->comparison.change.value);
    g_autofree char *reason = kt_verdict_reason(finding);
    g_string_append_printf(out, "%s on %s: %s %s %s %s (%s; %s)", metric->workload, metric->domain,
                           metric->figure, before, kt_sign(style, KT_SIGN_ARROW), after, change, reason);
}

/* Those that decided: the worse ones. Else how all went. */
static char *
reason_of(const KtStyle *style, const KtTrial *trial)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (trial->benchmark == NULL)
        return g_strdup("not measured: it takes a power cycle (--restart does that)");
    if (kt_count_verdicts(trial->findings, KT_VERDICT_WORSE) == 0) {
        for (guint verdict = 0; verdict < KT_N_VERDICTS; verdict++) {
            guint n = kt_count_verdicts(trial->findings, (KtVerdict)verdict);
            if (n > 0)
                g_string_append_printf(out, "%s%u %s", out->len ? ", " : "", n,
                                       kt_verdict_name((KtVerdict)verdict));
        }
    } else {
        for (guint i = 0; i < trial->findings->len; i++) {
            const KtFinding *finding = trial->findings->pdata[i];
            if (finding->comparison.verdict != KT_VERDICT_WORSE)
                continue;
            g_string_append(out, out->len ? "; " : "worse, ");
            add_finding(out, style, finding);
        }
    }
    g_string_append_printf(out, "; kvm-tune report %" G_GINT64_FORMAT, trial->benchmark->id);
    return g_strdup(out->str);
}

static void
print_trial(GString *out, const KtStyle *style, const KtTrial *trial)
{
    g_autofree char *names = g_strjoinv(", ", trial->groups);
    g_autofree char *reason = reason_of(style, trial);
    g_autofree char *safe = kt_printable(reason);
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_PLAIN, names, NAME_COLUMNS - 2);
    if (kt_columns(names) >= NAME_COLUMNS - 2)
        g_string_append_printf(out, "\n%*s", NAME_COLUMNS, "");
    kt_pad(out, style, trial->kept ? KT_INK_GOOD : KT_INK_BAD, trial->kept ? "kept" : "rolled back", 13);
    kt_wrap(out, style, KT_INK_PLAIN, NAME_COLUMNS + 13, NAME_COLUMNS + 13, style->utf8 ? reason : safe);
}

void
kt_proof_text(GString *out, const KtStyle *style, const KtProof *proof)
{
    kt_ink(out, style, KT_INK_HEADING, "proof");
    g_string_append(out, proof->interrupted ? ": interrupted, all is as it was\n" : "\n");
    for (guint i = 0; !proof->interrupted && i < proof->trials->len; i++)
        print_trial(out, style, proof->trials->pdata[i]);
    if (proof->told->len)
        g_string_append_printf(out, "\n%s", proof->told->str);
    else if (!proof->interrupted)
        kt_ink(out, style, KT_INK_WARN, "\nnothing was kept: all is as it was\n");
}

static json_t *
findings_json(const KtTrial *trial)
{
    json_t *findings = json_array();
    for (guint i = 0; trial->findings && i < trial->findings->len; i++) {
        const KtFinding *finding = trial->findings->pdata[i];
        g_autofree char *why = kt_verdict_reason(finding);
        json_t *json = json_object();
        json_object_set_new(json, "workload", kt_json_text(finding->metric->workload));
        json_object_set_new(json, "domain", kt_json_text(finding->metric->domain));
        json_object_set_new(json, "figure", kt_json_text(finding->metric->figure));
        json_object_set_new(json, "verdict", json_string(kt_verdict_name(finding->comparison.verdict)));
        json_object_set_new(json, "why", kt_json_text(why));
        json_array_append_new(findings, json);
    }
    return findings;
}

static json_t *
trial_json(const KtTrial *trial)
{
    json_t *groups = json_array(), *json = json_object();
    for (char **group = trial->groups; *group; group++)
        json_array_append_new(groups, json_string(*group));
    json_object_set_new(json, "changes", groups);
    json_object_set_new(json, "kept", json_boolean(trial->kept));
    json_object_set_new(json, "run", trial->run ? json_integer(trial->run) : json_null());
    json_object_set_new(json, "benchmark",
                        trial->benchmark ? json_integer(trial->benchmark->id) : json_null());
    json_object_set_new(json, "findings", findings_json(trial));
    return json;
}

static void
add_results(json_t *actions, const KtProof *proof, const KtPlan *plan)
{
    gsize index;
    json_t *action;
    json_array_foreach(actions, index, action)
    {
        g_autofree char *group = kt_proof_group_of(((const KtAction *)plan->actions->pdata[index])->setting);
        json_object_set_new(action, "result", json_string(kt_proof_keeps(proof, group) ? "done" : "undone"));
        json_object_set_new(action, "detail", json_null());
    }
}

char *
kt_proof_json(const KtProof *proof, const KtPlan *plan)
{
    g_autofree char *text = kt_view_report_json(NULL, plan);
    json_t *document = json_loads(text, 0, NULL), *trials = json_array();
    for (guint i = 0; i < proof->trials->len; i++) {
        const KtTrial *trial = proof->trials->pdata[i];
        json_array_append_new(trials, trial_json(trial));
        if (trial->run)
            json_object_set_new(document, "run", json_integer(trial->run));
    }
    add_results(json_object_get(document, "actions"), proof, plan);
    json_object_set_new(document, "proof", trials);
    return kt_json_dump(document);
}
