/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/xml_tree.h"
#include "probes/topology_parts.h"
#include "probes/topology_xml_parts.h"

/* More than a machine of KT_CPUSET_MAX CPUs has. */
#define MOST_OBJECTS (8 * KT_CPUSET_MAX)

typedef enum { NORMAL, MEMORY, DEVICE, MISC } Family;

static const struct {
    const char *name;
    Family family;
} types[] = {
    {"Machine", NORMAL},  {"Package", NORMAL},  {"Die", NORMAL},      {"Core", NORMAL},
    {"PU", NORMAL},       {"Group", NORMAL},    {"L1Cache", NORMAL},  {"L2Cache", NORMAL},
    {"L3Cache", NORMAL},  {"L4Cache", NORMAL},  {"L5Cache", NORMAL},  {"L1iCache", NORMAL},
    {"L2iCache", NORMAL}, {"L3iCache", NORMAL}, {"NUMANode", MEMORY}, {"MemCache", MEMORY},
    {"Bridge", DEVICE},   {"PCIDev", DEVICE},   {"OSDev", DEVICE},    {"Misc", MISC},
};

static const char *const set_names[] = {"cpuset", "complete_cpuset", "nodeset", "complete_nodeset"};
enum { CPUS, ALL_CPUS, NODES, ALL_NODES, N_SETS };

/** One <object> that is being checked, and what its children must fit in. */
typedef struct {
    const char *type;
    Family family;
    KtCpuset *sets[N_SETS]; /* NULL for devices and Misc */
    KtCpuset *taken;        /* CPUs of its normal children so far */
} Object;

static void
object_clear(Object *object)
{
    for (guint i = 0; i < N_SETS; i++)
        kt_cpuset_free(object->sets[i]);
    kt_cpuset_free(object->taken);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Object, object_clear)

/** What counts over the whole tree. */
typedef struct {
    guint n_objects;
    KtCpuset *nodes; /* numbers of the memory nodes so far */
    GHashTable *ids; /* gp_index, char * */
} Census;

static bool
read_sets(xmlNode *node, Object *object, const Object *parent, GError **error)
{
    for (guint i = 0; i < N_SETS; i++) {
        object->sets[i] = kt_topology_xml_set(node, set_names[i]);
        if (!object->sets[i])
            return kt_topology_xml_complain(node, error, "%s: no %s, or none that a host can have",
                                            object->type, set_names[i]);
        if (parent && !hwloc_bitmap_isincluded(object->sets[i], parent->sets[i]))
            return kt_topology_xml_complain(node, error, "%s: its %s isn't all in that of the %s around it",
                                            object->type, set_names[i], parent->type);
    }
    if (!hwloc_bitmap_isincluded(object->sets[CPUS], object->sets[ALL_CPUS]) ||
        !hwloc_bitmap_isincluded(object->sets[NODES], object->sets[ALL_NODES]))
        return kt_topology_xml_complain(node, error, "%s: its sets contradict its complete sets",
                                        object->type);
    return true;
}

/* A CPU or memory node is one member of its set: its own number. */
static bool
check_leaf(const xmlNode *node, const Object *object, Census *census, GError **error)
{
    bool is_pu = g_str_equal(object->type, "PU");
    if (!is_pu && !g_str_equal(object->type, "NUMANode"))
        return true;
    const KtCpuset *set = object->sets[is_pu ? ALL_CPUS : ALL_NODES];
    guint os;
    if (!kt_xml_attr_number(node, "os_index", KT_CPUSET_MAX - 1, &os))
        return kt_topology_xml_complain(node, error, "%s: wanted a number below %d as os_index", object->type,
                                        KT_CPUSET_MAX);
    if (hwloc_bitmap_weight(set) != 1 || !hwloc_bitmap_isset(set, os))
        return kt_topology_xml_complain(node, error, "%s: its set isn't just its number %u", object->type,
                                        os);
    if (!is_pu && hwloc_bitmap_isset(census->nodes, os))
        return kt_topology_xml_complain(node, error, "memory node number %u is there twice", os);
    if (!is_pu)
        hwloc_bitmap_set(census->nodes, os);
    return true;
}

/* Which families hwloc hangs below which. */
static bool
check_place(const xmlNode *node, const Object *object, const Object *parent, GError **error)
{
    bool is_root = g_str_equal(object->type, "Machine");
    bool below_leaf = parent && (g_str_equal(parent->type, "NUMANode") || g_str_equal(parent->type, "PU"));
    bool has_sets = parent && parent->family != DEVICE && parent->family != MISC;
    bool fits = !parent || object->family == MISC ? true
                : object->family == NORMAL        ? parent->family == NORMAL && !below_leaf
                : object->family == MEMORY        ? has_sets && !below_leaf
                                                  : parent->family == NORMAL || parent->family == DEVICE;
    if (fits && is_root == !parent)
        return true;
    return kt_topology_xml_complain(node, error, "%s: it can't be inside a %s", object->type,
                                    parent ? parent->type : "topology");
}

/* Of normal objects beside each other no two have one CPU. */
static bool
take_cpus(const xmlNode *node, const Object *object, Object *parent, GError **error)
{
    if (!parent || object->family != NORMAL)
        return true;
    if (hwloc_bitmap_intersects(parent->taken, object->sets[ALL_CPUS]))
        return kt_topology_xml_complain(node, error, "%s: another object beside it has its CPUs too",
                                        object->type);
    hwloc_bitmap_or(parent->taken, parent->taken, object->sets[ALL_CPUS]);
    return true;
}

/* Numbers are what other parts of the XML refer to. */
static bool
check_id(const xmlNode *node, Census *census, GError **error)
{
    char *id = kt_xml_attr(node, "gp_index");
    guint64 number;
    if (!id || !g_ascii_string_to_unsigned(id, 10, 1, G_MAXINT64, &number, NULL)) {
        g_free(id);
        return kt_topology_xml_complain(node, error, "object: wanted a positive number as gp_index");
    }
    if (!g_hash_table_add(census->ids, id))
        return kt_topology_xml_complain(node, error, "object: its gp_index is there twice");
    return true;
}

/* hwloc takes these words and numbers as they come. */
static bool
check_attributes(const xmlNode *node, const Object *object, GError **error)
{
    guint number;
    g_autofree char *bridge = kt_xml_attr(node, "bridge_type");
    if (g_str_equal(object->type, "Bridge") && g_strcmp0(bridge, "0-1") != 0 && g_strcmp0(bridge, "1-1") != 0)
        return kt_topology_xml_complain(node, error, "Bridge: wanted the bridge_type 0-1 or 1-1");
    if (g_str_equal(object->type, "OSDev") &&
        !kt_xml_attr_number(node, "osdev_type", HWLOC_OBJ_OSDEV_COPROC, &number))
        return kt_topology_xml_complain(node, error, "OSDev: wanted a number up to %d as osdev_type",
                                        HWLOC_OBJ_OSDEV_COPROC);
    return true;
}

static bool
read_type(const xmlNode *node, Object *object, GError **error)
{
    g_autofree char *type = kt_xml_attr(node, "type");
    for (gsize i = 0; type && i < G_N_ELEMENTS(types); i++) {
        if (g_str_equal(type, types[i].name)) {
            object->type = types[i].name;
            object->family = types[i].family;
            return true;
        }
    }
    kt_topology_xml_complain(node, error, "there is no type of object '%s'", type ? type : "");
    return false;
}

/* hwloc reads the attributes in the order in which they stand, and needs the type first. */
static void
put_type_first(xmlNode *node)
{
    xmlAttr *type = xmlHasNsProp(node, BAD_CAST "type", NULL);
    if (type && node->properties != type)
        xmlAddPrevSibling((xmlNode *)node->properties, (xmlNode *)type);
}

static bool check_object(xmlNode *node, Object *parent, Census *census, GError **error);

/* Its other children come before its objects, as hwloc wants them. */
static bool
check_children(xmlNode *node, Object *object, Census *census, GError **error)
{
    static const char *const kept[] = {"object", "info", NULL};
    kt_topology_xml_keep(node, kept);
    for (xmlNode *child = node->children; child; child = child->next) {
        if (kt_xml_is_element(child, "object")) {
            if (!check_object(child, object, census, error))
                return false;
        } else if (child->prev && kt_xml_is_element(child->prev, "object")) {
            return kt_topology_xml_complain(child, error, "info: it stands behind an object");
        } else {
            kt_topology_xml_clean_info(child);
        }
    }
    return true;
}

static bool
check_object(xmlNode *node, Object *parent, Census *census, GError **error)
{
    static const char *const kept[] = {"type",
                                       "os_index",
                                       "gp_index",
                                       "cpuset",
                                       "complete_cpuset",
                                       "allowed_cpuset",
                                       "nodeset",
                                       "complete_nodeset",
                                       "allowed_nodeset",
                                       "name",
                                       "subtype",
                                       "local_memory",
                                       "cache_size",
                                       "cache_linesize",
                                       "cache_associativity",
                                       "cache_type",
                                       "depth",
                                       "kind",
                                       "subkind",
                                       "dont_merge",
                                       "bridge_type",
                                       "bridge_pci",
                                       "pci_busid",
                                       "pci_type",
                                       "pci_link_speed",
                                       "osdev_type",
                                       NULL};
    g_auto(Object) object = {.taken = hwloc_bitmap_alloc()};
    if (++census->n_objects > MOST_OBJECTS)
        return kt_topology_xml_complain(node, error, "more than %d objects", MOST_OBJECTS);
    if (!read_type(node, &object, error) || !check_id(node, census, error))
        return false;
    kt_topology_xml_keep_attributes(node, kept);
    put_type_first(node);
    if (!check_place(node, &object, parent, error) || !check_attributes(node, &object, error))
        return false;
    bool has_sets = object.family == NORMAL || object.family == MEMORY;
    for (guint i = 0; !has_sets && i < N_SETS; i++)
        xmlUnsetProp(node, BAD_CAST set_names[i]);
    if (has_sets && (!read_sets(node, &object, parent, error) || !check_leaf(node, &object, census, error) ||
                     !take_cpus(node, &object, parent, error)))
        return false;
    return check_children(node, &object, census, error);
}

bool
kt_topology_xml_check_machine(xmlNode *machine, KtCpuset *nodes, GError **error)
{
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Census census = {.nodes = nodes, .ids = ids};
    return check_object(machine, NULL, &census, error);
}
