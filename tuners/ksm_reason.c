/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm_governor.h"

const char *
kt_ksm_pace_name(KtKsmPace pace)
{
    return pace == KT_KSM_SWEEP ? "sweep" : "rest";
}

static char *
cause_text(const KtKsmCourse *course)
{
    switch (course->cause) {
    case KT_KSM_NOTHING_TO_DO:
        return g_strdup("nothing has changed that would be worth a sweep");
    case KT_KSM_NO_MEMORY:
        return g_strdup("no guest has memory that may be merged");
    case KT_KSM_ALL_COMPARED:
        return g_strdup("all memory has been compared");
    case KT_KSM_NOT_WORTH_IT:
        return g_strdup_printf("the last pass saved %.1f MiB for %.1f s of CPU time", course->cause_mib,
                               course->cause_seconds);
    case KT_KSM_SETTLING:
        return g_strdup_printf("%.0f MiB are to be compared, but guests are still filling their memory",
                               course->cause_mib);
    case KT_KSM_NEVER_COMPARED:
        return g_strdup_printf("%.0f MiB were never compared", course->cause_mib);
    case KT_KSM_WRITTEN_TO:
        return g_strdup_printf("about %.0f MiB of merged memory were written to", course->cause_mib);
    case KT_KSM_FOUND_BY_THE_WAY:
        return g_strdup_printf("it merged %.1f MiB for %.2f s of CPU time while it rested", course->cause_mib,
                               course->cause_seconds);
    case KT_KSM_GUESTS_CHANGED:
        return g_strdup("guests have changed");
    }
    g_assert_not_reached();
}

char *
kt_ksm_reason(const KtKsmCourse *course)
{
    g_autofree char *cause = cause_text(course);
    return g_strdup_printf("ksmd %s%s: %s", course->pace == KT_KSM_SWEEP ? "sweeps" : "rests",
                           course->is_short ? ", memory is short" : "", cause);
}
