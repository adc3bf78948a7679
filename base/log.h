/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * Messages go through GLib's g_warning(), g_message(), g_info() and g_debug(); this decides which of them
 * reach stderr, one line each, without GLib's decoration; where that is the systemd journal, with all their
 * fields.
 *
 * @verbosity: -1 warnings only (-q), 0 messages too, 1 info (-v), 2 and more debug (-vv).
 */
void kt_log_setup(int verbosity);
