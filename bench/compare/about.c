/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/about.h"

#include <stdbool.h>
#include <string.h>

const char *
kt_about_text(json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

const char *
kt_about_target(json_t *action)
{
    const char *target = kt_about_text(action, "target");
    return g_str_has_prefix(target, "domain:") ? target + strlen("domain:") : target;
}

static bool
is_same(json_t *one, json_t *other)
{
    static const char *const keys[] = {"target", "setting", "item", "to"};
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (!g_str_equal(kt_about_text(one, keys[i]), kt_about_text(other, keys[i])))
            return false;
    return true;
}

static bool
is_staged(json_t *action)
{
    return g_str_equal(kt_about_text(action, "when"), "next-boot");
}

/* Only a guest that runs is powered off and on. */
static bool
was_power_cycled(json_t *about, json_t *action)
{
    json_t *domains = json_object_get(json_object_get(about, "plan"), "domains");
    const char *name = kt_about_target(action);
    for (gsize i = 0; i < json_array_size(domains); i++) {
        json_t *domain = json_array_get(domains, i);
        if (g_str_equal(kt_about_text(domain, "name"), name))
            return json_is_true(json_object_get(domain, "running")) &&
                   json_is_true(json_object_get(about, "restart"));
    }
    return false;
}

KtChangeState
kt_about_change(json_t *about, gsize place)
{
    json_t *actions = json_object_get(json_object_get(about, "plan"), "actions");
    json_t *action = json_array_get(actions, place);
    if (!is_staged(action))
        return KT_CHANGE_MEASURED;
    for (gsize i = 0; i < json_array_size(actions); i++) {
        json_t *other = json_array_get(actions, i);
        if (!is_staged(other) && is_same(action, other))
            return KT_CHANGE_TWICE;
    }
    return was_power_cycled(about, action) ? KT_CHANGE_MEASURED : KT_CHANGE_STAGED;
}
