/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/drawing.h"
#include "agent/view/plan_parts.h"
#include "agent/view/status.h"
#include "agent/view/status_parts.h"
#include "base/diagnostic.h"

static void
print_domains(GString *out, const KtStyle *style, const KtSnapshot *snapshot, const KtSeating *seating,
              char *const *names)
{
    g_autoptr(KtPlan) pending = kt_status_pending(snapshot);
    bool named = names && names[0];
    bool compact = false; /* the last one printed was one line */
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!kt_status_names(names, domain))
            continue;
        bool one_line = !domain->active && !named;
        if (!one_line || !compact)
            g_string_append_c(out, '\n');
        compact = one_line;
        if (one_line) {
            g_autofree char *name = kt_printable(domain->name);
            g_autofree char *line = kt_view_domain_line(domain);
            kt_ink(out, style, KT_INK_HEADING, "%s", name);
            g_string_append(out, "  ");
            kt_wrap(out, style, KT_INK_DIM, kt_columns(name) + 2, 4, line);
        } else {
            kt_view_domain(out, style, snapshot, kt_seating_find(seating, i), domain, &pending->domains[i],
                           named);
        }
    }
}

void
kt_view_status(GString *out, const KtStyle *style, const KtSnapshot *snapshot, char *const *names,
               const char *unanswered)
{
    g_autoptr(KtSeating) seating = kt_seating_new(snapshot, NULL);
    kt_view_status_host(out, style, snapshot);
    g_string_append_c(out, '\n');
    kt_view_drawing(out, style, snapshot, seating);
    if (unanswered) {
        g_autofree char *safe = kt_printable(unanswered);
        g_string_append_c(out, '\n');
        kt_ink(out, style, KT_INK_BAD, "no domains: ");
        kt_wrap(out, style, KT_INK_PLAIN, 12, 12, safe);
    } else if (snapshot->domains->len == 0) {
        g_string_append(out, "\nno domains\n");
    }
    print_domains(out, style, snapshot, seating, names);
}
