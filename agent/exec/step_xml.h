/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/step.h"

/** What steps that change a domain's XML share: the persistent definition, or the one that it runs with. */

/** @xml with the actions that perform does. An action may need what one before it makes (an IOThread and its
 * pin), so an undo goes backwards. Owned. */
char *kt_step_xml_edit(const char *xml, const KtJournalStep *step, GError **error);

/** For checks: sets the state of each action from what @xml says. */
bool kt_step_xml_note(KtJournalStep *step, const char *xml, GError **error);

/** For read_back: whether @xml, @where ("its definition"), has what the actions were to bring. Errors:
 * hypervisor, with both values. */
bool kt_step_xml_compare(const KtJournalStep *step, const char *xml, const char *where, GError **error);
