/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/domain_xml.h"

/** What the tuners of NIC settings share. */

/** Whether this model (NULL = default) is one of the virtio NICs. */
bool kt_nic_is_virtio(const char *model);

/** Whether an earlier NIC of @def has this one's MAC: then what there is to refuse has been refused with
 * that. */
bool kt_nic_is_repeated(const KtDomainDef *def, guint nic);
