/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/load_json.h"

#include <math.h>

#include "agent/view/json.h"

static json_t *
guest_json(const KtLoadFigures *figures)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(figures->name));
    json_object_set_new(json, "state", json_string(kt_load_state_name(figures->state)));
    json_object_set_new(json, "load",
                        figures->load > 0 ? json_real(round(figures->load * 100) / 100) : json_null());
    json_object_set_new(json, "delay_percent",
                        figures->delay_percent >= 0 ? json_real(round(figures->delay_percent * 10) / 10)
                                                    : json_null());
    json_object_set_new(json, "planned_again", json_integer(figures->tries));
    return json;
}

json_t *
kt_load_json(const GPtrArray *figures)
{
    json_t *json = json_array();
    for (guint i = 0; i < figures->len; i++)
        json_array_append_new(json, guest_json(figures->pdata[i]));
    return json;
}
