/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/nics.h"

#include "tuners/tuner.h"

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

bool
kt_nic_is_virtio(const char *model)
{
    return is(model, "virtio") || is(model, "virtio-transitional") || is(model, "virtio-non-transitional");
}

/* Emulated cards in a PCI slot, which a virtio one can take over with its address. NULL: libvirt's default,
 * one of them. Others (usb-net, spapr-vlan, lan9118, …) have an address of another bus, which stays as it is.
 */
static bool
is_on_pci(const char *model)
{
    static const char *const models[] = {
        "e1000",   "e1000e",  "e1000-82544gc", "e1000-82545em", "igb",      "rtl8139", "ne2k_pci", "pcnet",
        "vmxnet3", "tulip",   "i82550",        "i82551",        "i82557a",  "i82557b", "i82557c",  "i82558a",
        "i82558b", "i82559a", "i82559b",       "i82559c",       "i82559er", "i82562",  "i82801",   NULL};
    return model == NULL || g_strv_contains(models, model);
}

/* ---- does the guest drive virtio? (safety rule 6) ---- */

/* A virtio NIC of this running guest that received packets. */
static const char *
live_virtio_nic(const KtDomain *domain)
{
    for (guint i = 0; domain->live != NULL && i < domain->live->nics->len; i++) {
        const KtNicDef *nic = domain->live->nics->pdata[i];
        if (kt_nic_is_virtio(nic->model) && nic->mac != NULL && domain->nic_traffic != NULL &&
            g_hash_table_contains(domain->nic_traffic, nic->mac))
            return nic->mac;
    }
    return NULL;
}

static const char *
words_of_agent(const KtDomain *domain)
{
    if (domain->agent_virtio != NULL)
        return "its agent lists no driver for one";
    if (domain->agent_os != NULL)
        return "its agent doesn't tell";
    return domain->live != NULL && domain->live->agent_connected ? "its agent wasn't asked, or doesn't answer"
                                                                 : "no agent in it can be asked";
}

/* Evidence that the guest drives a virtio NIC, owned; else NULL, and @ret_why tells why not and the way out.
 */
static char *
find_evidence(const KtSnapshot *snapshot, const KtDomain *domain, const KtValue *guard, char **ret_why)
{
    g_autofree char *told = guard != NULL ? kt_value_told(guard) : NULL;
    if (kt_value_is(guard, "assume"))
        return g_strdup_printf("%s says that the guest drives it", told);
    if (kt_value_is(guard, "never")) {
        *ret_why = g_strdup_printf("%s forbids it", told);
        return NULL;
    }

    const char *mac = live_virtio_nic(domain);
    if (mac != NULL)
        return g_strdup_printf("the guest drives a virtio NIC already: %s receives packets", mac);
    if (domain->agent_virtio != NULL && *domain->agent_virtio != '\0')
        return g_strdup(domain->agent_virtio);
    const char *os = kt_domain_os_id(domain);
    const char *known = os != NULL ? g_hash_table_lookup(snapshot->virtio_os, os) : NULL;
    if (known != NULL && *known != '\0')
        return g_strdup(known);
    if (known != NULL)
        *ret_why = g_strdup_printf(
            "its OS, %s, has no virtio-net device by itself: without a driver the guest loses its network; "
            "where the driver is installed, say guest.virtio = assume",
            os);
    else
        *ret_why = g_strdup_printf(
            "nothing tells that the guest can drive virtio: no virtio NIC of it receives packets, %s, %s%s; say "
            "guest.virtio = assume, or set its OS id in the metadata (libosinfo)",
            words_of_agent(domain),
            os != NULL ? "and nothing is known of its OS " : "and its definition names no OS",
            os != NULL ? os : "");
    return NULL;
}

/* ---- one NIC ---- */

/* A definition's NIC that is, or can't be anything but, what is wanted. */
static bool
is_settled(const KtNicDef *nic)
{
    return !is(nic->type, "hostdev") && kt_nic_is_virtio(nic->model);
}

static bool
refuse_kind(const KtNicWish *wish)
{
    const KtNicDef *nic = wish->nic;
    if (is(nic->type, "hostdev") || is(nic->type, "vhostuser") || is(nic->type, "vdpa"))
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item,
                       "a NIC of type '%s' is no emulated model already: it isn't touched", nic->type);
    else if (!is_on_pci(nic->model))
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "a '%s' isn't known to be in a PCI slot: its address doesn't fit a virtio NIC, change it by hand",
            nic->model);
    else if (nic->mac == NULL)
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item,
                       "a NIC without a MAC in the definition can't be named; give it one");
    else if (kt_domain_def_find_nic(wish->def, nic->mac) == NULL)
        kt_plan_refuse(
            wish->plan, (gint)wish->domain, wish->value, wish->item,
            "several NICs of this domain have the MAC %s, so none of them can be named; give each its own",
            nic->mac);
    else
        return false;
    return true;
}

static void
stage(const KtNicWish *wish, const char *evidence)
{
    const char *model = wish->nic->model;
    KtAction action = {
        .domain = (gint)wish->domain,
        .setting = wish->value->setting,
        .item = g_strdup(wish->item),
        .from = g_strdup(model),
        .to = g_strdup("virtio"),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = KT_RISK_MEDIUM,
        .reason = g_strdup_printf(
            "instead of %s%s, whose every register access stops the vCPU; %s; to the guest it is a new "
            "device: its name may change, Windows forgets a static address",
            model != NULL ? "an emulated " : "the default model", model != NULL ? model : "", evidence),
        .source = g_strdup(wish->value->source),
        .kind = KT_STEP_DEFINE,
        .field = KT_XML_NIC_MODEL,
    };
    kt_plan_add(wish->plan, action);
}

static void
tune_nic(const KtNicWish *wish)
{
    if (is_settled(wish->nic) ||
        !kt_plan_may_carry(wish->plan, (gint)wish->domain, wish->value, wish->item) || refuse_kind(wish))
        return;
    g_autofree char *why = NULL;
    const KtDomain *domain = wish->plan->snapshot->domains->pdata[wish->domain];
    const KtValue *guard = kt_desired_domain(wish->desired, wish->domain, KT_SETTING_GUEST_VIRTIO, NULL);
    g_autofree char *evidence = find_evidence(wish->plan->snapshot, domain, guard, &why);
    if (evidence != NULL)
        stage(wish, evidence);
    else
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item, "%s", why);
}

static bool
is_repeated(const KtDomainDef *def, guint nic)
{
    const char *mac = ((const KtNicDef *)def->nics->pdata[nic])->mac;
    for (guint i = 0; mac != NULL && i < nic; i++) {
        if (is(((const KtNicDef *)def->nics->pdata[i])->mac, mac))
            return true;
    }
    return false;
}

static void
call_for(KtNicWish wish, KtSettingId id, void (*tune)(const KtNicWish *wish))
{
    wish.value = kt_desired_domain(wish.desired, wish.domain, id, wish.nic->mac);
    if (wish.value == NULL)
        return;
    g_autofree char *item = wish.nic->mac != NULL ? g_strdup_printf("nic %s", wish.nic->mac) : NULL;
    wish.item = item;
    tune(&wish);
}

void
kt_nics_each(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, KtSettingId id,
             void (*tune)(const KtNicWish *wish))
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_next_def(domain);
        for (guint k = 0; def != NULL && k < def->nics->len; k++) {
            KtNicWish wish = {
                .plan = plan, .desired = desired, .domain = i, .def = def, .nic = def->nics->pdata[k]};
            if (!is_repeated(def, k))
                call_for(wish, id, tune);
        }
    }
}

void
kt_tune_nics(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_nics_each(snapshot, desired, plan, KT_SETTING_NIC_MODEL, tune_nic);
}

/* Whether a NIC of this domain becomes virtio only where more is found out about its guest. */
static bool
wants_evidence(const KtDesired *desired, const KtDomain *domain, guint index)
{
    const KtValue *guard = kt_desired_domain(desired, index, KT_SETTING_GUEST_VIRTIO, NULL);
    bool told = domain->agent_virtio != NULL && *domain->agent_virtio != '\0';
    const KtDomainDef *def = kt_domain_next_def(domain);
    if (def == NULL || told || kt_value_is(guard, "assume") || kt_value_is(guard, "never") ||
        live_virtio_nic(domain) != NULL)
        return false;
    for (guint i = 0; i < def->nics->len; i++) {
        const KtNicDef *nic = def->nics->pdata[i];
        if (!is_settled(nic) && kt_desired_domain(desired, index, KT_SETTING_NIC_MODEL, nic->mac) != NULL)
            return true;
    }
    return false;
}

GArray *
kt_nics_ask_guest_os(const KtSnapshot *snapshot, const KtDesired *desired)
{
    GArray *domains = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (kt_domain_os_id(domain) != NULL && wants_evidence(desired, domain, i))
            g_array_append_val(domains, i);
    }
    return domains;
}

GArray *
kt_nics_ask_agents(const KtSnapshot *snapshot, const KtDesired *desired)
{
    GArray *domains = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->live != NULL && domain->live->agent_connected && wants_evidence(desired, domain, i))
            g_array_append_val(domains, i);
    }
    return domains;
}
