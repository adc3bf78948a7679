/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "tuners/seats.h"

/* Until a guest is that old its load is rather what is assumed than what was measured: booting says little.
 */
#define ASSUMED_NS 600e9
/* Steps are coarse, so that a guest isn't planned anew for what changes all the time. */
#define STEPS 10

/* ns that each of its online vCPUs has run and waited, on average; negative where that isn't known. */
static double
mean_demand(const KtDomain *domain)
{
    double demand = 0;
    guint n = 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (!vcpu->online)
            continue;
        if (vcpu->time_ns < 0)
            return -1;
        demand += (double)vcpu->time_ns + (double)MAX(vcpu->delay_ns, 0);
        n++;
    }
    return n > 0 ? demand / n : -1;
}

static double
in_steps(double load)
{
    return CLAMP(round(load * STEPS), 1, STEPS) / STEPS;
}

double
kt_seats_load(const KtDomain *domain)
{
    if (domain->recent_load > 0)
        return in_steps(domain->recent_load);
    double demand = mean_demand(domain);
    if (demand < 0 || domain->age_ns <= 0)
        return 1;
    double load = (ASSUMED_NS + demand) / (ASSUMED_NS + (double)domain->age_ns);
    return in_steps(load);
}
