/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/following_json.h"

#include "agent/view/json.h"

static json_t *
guest_json(const KtFollowed *followed)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(followed->name));
    json_object_set_new(json, "from", kt_json_text(followed->from));
    json_object_set_new(json, "to", kt_json_text(followed->to));
    json_object_set_new(json, "state", json_string(kt_following_state_name(followed->state)));
    json_object_set_new(json, "reason", kt_json_text(followed->reason));
    json_object_set_new(json, "moved_mib", json_integer(followed->moved_kib / 1024));
    json_object_set_new(json, "left_mib", json_integer(followed->left_kib / 1024));
    return json;
}

json_t *
kt_following_json(const GPtrArray *figures)
{
    json_t *json = json_array();
    for (guint i = 0; i < figures->len; i++)
        json_array_append_new(json, guest_json(figures->pdata[i]));
    return json;
}
