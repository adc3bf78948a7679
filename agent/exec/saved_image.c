/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/saved_image.h"

#include <stdlib.h>

bool
kt_saved_image_read(virDomain *domain, const char *name, char **ret_xml, GError **error)
{
    *ret_xml = NULL;
    int has_image = virDomainHasManagedSaveImage(domain, 0);
    char *xml =
        has_image > 0 ? virDomainManagedSaveGetXMLDesc(domain, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE) : NULL;
    if (has_image < 0 || (has_image > 0 && !xml)) {
        kt_hypervisor_set_error(error, "domain %s: its saved image cannot be read", name);
        return false;
    }
    *ret_xml = g_strdup(xml);
    free(xml);
    return true;
}

bool
kt_saved_image_write(virDomain *domain, const char *name, GError **error)
{
    int state = VIR_DOMAIN_NOSTATE;
    if (virDomainGetState(domain, &state, NULL, 0) < 0) {
        kt_hypervisor_set_error(error, "domain %s: its state cannot be asked", name);
        return false;
    }
    unsigned int as = state == VIR_DOMAIN_PAUSED ? VIR_DOMAIN_SAVE_PAUSED : VIR_DOMAIN_SAVE_RUNNING;
    if (virDomainManagedSave(domain, as) == 0)
        return true;
    kt_hypervisor_set_error(error, "domain %s: cannot be saved", name);
    return false;
}

bool
kt_saved_image_define(virDomain *domain, const char *name, const char *xml, GError **error)
{
    /* No flags: it keeps the state, running or paused, that it was saved in. */
    if (virDomainManagedSaveDefineXML(domain, xml, 0) == 0)
        return true;
    kt_hypervisor_set_error(error, "domain %s: the definition in its saved image cannot be changed", name);
    return false;
}

/** Resumes it with @xml in the image. */
static bool
resume(virDomain *domain, const char *name, const char *xml, GError **error)
{
    if (!kt_saved_image_define(domain, name, xml, error))
        return false;
    if (virDomainCreate(domain) == 0)
        return true;
    kt_hypervisor_set_error(error, "domain %s: cannot be resumed", name);
    return false;
}

bool
kt_saved_image_resume(virDomain *domain, const char *name, const char *xml, const char *original,
                      GError **error)
{
    g_autoptr(GError) local = NULL;
    if (resume(domain, name, xml, error))
        return true;
    /* A failed start leaves the image. */
    if (virDomainIsActive(domain) > 0)
        g_prefix_error(error, "somebody else started it: ");
    else if (resume(domain, name, original, &local))
        g_prefix_error(error, "it runs again as it was: ");
    else
        g_prefix_error(error,
                       "it does not run, its saved image is kept ('virsh start %s' resumes it): ", name);
    return false;
}
