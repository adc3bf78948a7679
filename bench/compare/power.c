/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "bench/compare/load.h"
#include "bench/compare/runner.h"
#include "probes/hypervisor.h"

#define OFF_SECONDS 90
#define POLL_MSEC 200

static bool
is_off(virDomainPtr domain)
{
    int state, reason;
    return virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_SHUTOFF;
}

bool
kt_power_cycle(virDomainPtr domain, GError **error)
{
    if (virDomainShutdown(domain) != 0 && !is_off(domain)) {
        kt_hypervisor_set_error(error, "%s can't be powered off", virDomainGetName(domain));
        return false;
    }
    for (guint waited = 0; !is_off(domain); waited += POLL_MSEC) {
        if (waited > OFF_SECONDS * 1000) {
            g_set_error(error, KT_ERROR, KT_ERROR_IO,
                        "%s did not power off in %d s when its button was pressed", virDomainGetName(domain),
                        OFF_SECONDS);
            return false;
        }
        kt_load_wait(POLL_MSEC, NULL, NULL);
    }
    if (virDomainCreate(domain) == 0)
        return true;
    kt_hypervisor_set_error(error, "%s can't be powered on", virDomainGetName(domain));
    return false;
}
