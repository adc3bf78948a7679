/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governor_json.h"

#include <math.h>

#include "agent/view/json.h"

/* A figure with two decimals; null where it isn't told. */
static json_t *
figure(double value, bool told)
{
    return told && isfinite(value) ? json_real(round(value * 100) / 100) : json_null();
}

static json_t *
count(gint64 value)
{
    return value == KT_ABSENT ? json_null() : json_integer(value);
}

static json_t *
guest_json(const KtGovernedGuest *guest)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(guest->name));
    json_object_set_new(json, "merged_mib", figure(guest->merged_mib, guest->merged_mib >= 0));
    json_object_set_new(json, "profit_mib", figure(guest->profit_mib, true));
    json_object_set_new(json, "obstacle", kt_json_text(guest->obstacle));
    return json;
}

json_t *
kt_governor_json(const KtGovernorFigures *figures)
{
    json_t *json = json_object(), *guests = json_array();
    json_object_set_new(json, "state", json_string(kt_governor_state_name(figures->state)));
    json_object_set_new(json, "reason", kt_json_text(figures->reason));
    json_object_set_new(json, "pace", json_string(kt_ksm_pace_name(figures->pace)));
    json_object_set_new(json, "short_of_memory", json_boolean(figures->is_short));
    json_object_set_new(json, "sweeps", json_integer(figures->sweeps));
    json_object_set_new(json, "pages_to_scan", count(figures->pages_to_scan));
    json_object_set_new(json, "sleep_ms", count(figures->sleep_millisecs));
    json_object_set_new(json, "saved_mib", figure(figures->saved_mib, true));
    json_object_set_new(json, "ksmd_percent", figure(figures->ksmd_percent, figures->ksmd_percent >= 0));
    json_object_set_new(json, "ksmd_seconds", figure(figures->ksmd_seconds, figures->ksmd_seconds >= 0));
    json_object_set_new(json, "mib_a_cpu_second", figure(figures->mib_a_cpu_second, true));
    for (guint i = 0; i < figures->guests->len; i++)
        json_array_append_new(guests, guest_json(g_ptr_array_index(figures->guests, i)));
    json_object_set_new(json, "guests", guests);
    return json;
}
