/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/finding.h"

#include "agent/view/json.h"
#include "base/diagnostic.h"

#define STATE_WIDTH 9 /* "unknown" and two spaces */

static const char *const state_names[] = {
    [KT_FINDING_OK] = "ok",
    [KT_FINDING_WARN] = "warn",
    [KT_FINDING_BAD] = "bad",
    [KT_FINDING_UNKNOWN] = "unknown",
};

static const KtInk state_inks[] = {
    [KT_FINDING_OK] = KT_INK_GOOD,
    [KT_FINDING_WARN] = KT_INK_WARN,
    [KT_FINDING_BAD] = KT_INK_BAD,
    [KT_FINDING_UNKNOWN] = KT_INK_DIM,
};

static void
finding_free(gpointer data)
{
    KtFinding *finding = data;
    g_free(finding->found);
    g_free(finding->why);
    g_free(finding->mend);
    g_free(finding);
}

GPtrArray *
kt_findings_new(void)
{
    return g_ptr_array_new_with_free_func(finding_free);
}

static void
add(GPtrArray *findings, const char *name, KtFindingState state, const char *why, const char *mend,
    char *found)
{
    KtFinding *finding = g_new0(KtFinding, 1);
    finding->name = name;
    finding->state = state;
    finding->found = found;
    finding->why = g_strdup(why);
    finding->mend = g_strdup(mend);
    g_ptr_array_add(findings, finding);
}

void
kt_finding_ok(GPtrArray *findings, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *found = g_strdup_vprintf(format, args);
    va_end(args);
    add(findings, name, KT_FINDING_OK, NULL, NULL, found);
}

void
kt_finding_add(GPtrArray *findings, const char *name, KtFindingState state, const char *why, const char *mend,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *found = g_strdup_vprintf(format, args);
    va_end(args);
    add(findings, name, state, why, mend, found);
}

bool
kt_findings_differ(const GPtrArray *findings)
{
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        if (finding->state == KT_FINDING_WARN || finding->state == KT_FINDING_BAD)
            return true;
    }
    return false;
}

static void
print_finding(GString *out, const KtStyle *style, const KtFinding *finding, guint name_width)
{
    g_autofree char *found = kt_printable(finding->found);
    guint left = STATE_WIDTH + name_width + 2;
    kt_pad(out, style, state_inks[finding->state], state_names[finding->state], STATE_WIDTH);
    kt_pad(out, style, KT_INK_PLAIN, finding->name, name_width + 2);
    kt_wrap(out, style, KT_INK_PLAIN, left, left, found);
    if (finding->why) {
        g_string_append_printf(out, "%*s", STATE_WIDTH, "");
        kt_wrap(out, style, KT_INK_DIM, STATE_WIDTH, STATE_WIDTH, finding->why);
    }
    if (finding->mend) {
        /* Not wrapped: it is there to be copied. */
        g_autofree char *mend = kt_printable(finding->mend);
        g_string_append_printf(out, "%*s", STATE_WIDTH, "");
        kt_ink(out, style, KT_INK_ADD, "%s %s\n", kt_sign(style, KT_SIGN_ARROW), mend);
    }
}

void
kt_view_findings(GString *out, const KtStyle *style, const GPtrArray *findings)
{
    guint name_width = 0;
    for (guint i = 0; i < findings->len; i++)
        name_width = MAX(name_width, kt_columns(((const KtFinding *)findings->pdata[i])->name));
    guint counts[G_N_ELEMENTS(state_names)] = {0};
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        counts[finding->state]++;
        print_finding(out, style, finding, name_width);
    }
    g_string_append_printf(out, "\n%u ok", counts[KT_FINDING_OK]);
    if (counts[KT_FINDING_WARN] + counts[KT_FINDING_BAD] > 0)
        kt_ink(out, style, KT_INK_WARN, ", %u to mend", counts[KT_FINDING_WARN] + counts[KT_FINDING_BAD]);
    if (counts[KT_FINDING_UNKNOWN] > 0)
        g_string_append_printf(out, ", %u unknown", counts[KT_FINDING_UNKNOWN]);
    g_string_append_c(out, '\n');
}

char *
kt_view_findings_json(const GPtrArray *findings)
{
    json_t *document = kt_json_document();
    json_t *list = json_array();
    for (guint i = 0; i < findings->len; i++) {
        const KtFinding *finding = findings->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "name", kt_json_text(finding->name));
        json_object_set_new(json, "state", json_string(state_names[finding->state]));
        json_object_set_new(json, "found", kt_json_text(finding->found));
        json_object_set_new(json, "why", kt_json_text(finding->why));
        json_object_set_new(json, "mend", kt_json_text(finding->mend));
        json_array_append_new(list, json);
    }
    json_object_set_new(document, "findings", list);
    return kt_json_dump(document);
}
