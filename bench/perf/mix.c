/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/mix.h"

#include "bench/perf/mix_history.h"

const MixSize mix_small = {.max_domains = 5, .max_vcpus = 4, .least_full = 0.2, .most_full = 1.0};
const MixSize mix_large = {.max_domains = 0, .max_vcpus = 64, .least_full = 0.3, .most_full = 0.95};

/* ---- the container ---- */

Mix *
mix_new_empty(const KtTopology *topology)
{
    Mix *mix = g_new0(Mix, 1);
    mix->topology = topology;
    mix->housekeeping = hwloc_bitmap_alloc();
    mix->domains = g_array_new(FALSE, TRUE, sizeof(KtSeatDomain));
    mix->memory = g_ptr_array_new_with_free_func(g_free);
    mix->sets = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cpuset_free);
    return mix;
}

void
mix_free(Mix *mix)
{
    if (!mix)
        return;
    kt_cpuset_free(mix->housekeeping);
    g_array_unref(mix->domains);
    g_ptr_array_unref(mix->memory);
    g_ptr_array_unref(mix->sets);
    g_free(mix);
}

KtSeatDomain *
mix_add(Mix *mix, guint n_vcpus)
{
    KtSeatVcpu *vcpus = g_new0(KtSeatVcpu, n_vcpus + 1);
    g_ptr_array_add(mix->memory, vcpus);
    char *name = g_strdup_printf("guest-%04u", mix->domains->len);
    g_ptr_array_add(mix->memory, name);
    for (guint i = 0; i < n_vcpus; i++)
        vcpus[i] = (KtSeatVcpu){
            .id = i, .load = 1, .before = mix->topology->placeable, .cell = -1, .guest_core = -1};
    KtSeatDomain domain = {.name = name, .placed = true, .vcpus = vcpus, .n_vcpus = n_vcpus};
    g_array_append_val(mix->domains, domain);
    return &g_array_index(mix->domains, KtSeatDomain, mix->domains->len - 1);
}

const KtPlacementProblem *
mix_problem(Mix *mix)
{
    mix->problem = (KtPlacementProblem){.topology = mix->topology,
                                        .housekeeping = mix->housekeeping,
                                        .domains = (const KtSeatDomain *)(void *)mix->domains->data,
                                        .n_domains = mix->domains->len};
    return &mix->problem;
}

void
mix_carry_out(Mix *mix, const KtPlacement *placement)
{
    for (guint i = 0; i < mix->domains->len; i++) {
        KtSeatDomain *domain = &g_array_index(mix->domains, KtSeatDomain, i);
        for (guint j = 0; j < domain->n_vcpus; j++) {
            KtCpuset *set = hwloc_bitmap_dup(placement->seats[i].vcpus[j]);
            g_ptr_array_add(mix->sets, set);
            mix_vcpus(domain)[j].before = set;
        }
    }
}

/* ---- chance ---- */

typedef struct {
    Mix *mix;
    GRand *chance;
    MixSize size;
    guint n_usable;    /* CPUs that may be somebody's own */
    guint max_threads; /* of a core */
    double share_exclusive;
    double left;    /* CPUs' worth of work still to be given away */
    guint own_left; /* CPUs that may still become somebody's own */
} Dealer;

/* One in @n times. */
static bool
once_in(Dealer *dealer, gint n)
{
    return g_rand_int_range(dealer->chance, 0, n) == 0;
}

static guint
up_to(Dealer *dealer, guint n)
{
    return (guint)g_rand_int_range(dealer->chance, 0, (gint)n + 1);
}

/* Half of the hosts keep their first core for themselves. */
static void
choose_housekeeping(Dealer *dealer)
{
    const KtTopology *topology = dealer->mix->topology;
    guint *threads = g_new0(guint, topology->n_cores);
    bool keep = topology->n_cores > 2 && once_in(dealer, 2);
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        guint n = ++threads[pu->core];
        dealer->max_threads = MAX(dealer->max_threads, n);
        if (keep && pu->core == topology->pus[0].core)
            hwloc_bitmap_set(dealer->mix->housekeeping, pu->os);
        else
            dealer->n_usable += pu->placeable;
    }
    g_free(threads);
}

static guint
choose_n_vcpus(Dealer *dealer)
{
    static const guint common[] = {1, 2, 2, 4, 4, 4, 6, 8, 8, 16};
    guint n = common[up_to(dealer, G_N_ELEMENTS(common) - 1)];
    if (once_in(dealer, 10))
        n = 1 + up_to(dealer, dealer->n_usable / 2);
    n = MIN(n, dealer->size.max_vcpus);
    return CLAMP(n, 1, MAX((guint)dealer->left, 1));
}

static void
choose_memory(Dealer *dealer, KtSeatDomain *domain)
{
    if (once_in(dealer, 3))
        return;
    guint n_nodes = dealer->mix->topology->n_nodes;
    double *shares = g_new0(double, n_nodes);
    g_ptr_array_add(dealer->mix->memory, shares);
    shares[up_to(dealer, n_nodes - 1)] += 0.75;
    shares[once_in(dealer, 2) ? up_to(dealer, n_nodes - 1) : 0] += 0.25;
    domain->memory_share = shares;
    domain->memory_gib = 2.0 * domain->n_vcpus;
}

static void
choose_device(Dealer *dealer, KtSeatDomain *domain)
{
    guint *node = g_new(guint, 1);
    g_ptr_array_add(dealer->mix->memory, node);
    *node = up_to(dealer, dealer->mix->topology->n_nodes - 1);
    domain->device_nodes = node;
    domain->n_device_nodes = 1;
}

static void
choose_guest_shape(Dealer *dealer, KtSeatDomain *domain)
{
    guint n = domain->n_vcpus;
    bool threads = n % 2 == 0 && once_in(dealer, 4);
    bool cells = n >= 4 && dealer->mix->topology->n_nodes > 1 && once_in(dealer, n >= 8 ? 2 : 6);
    for (guint i = 0; i < n; i++) {
        mix_vcpus(domain)[i].guest_core = threads ? (gint)(i / 2) : -1;
        mix_vcpus(domain)[i].cell = cells ? (gint)(i * 2 / n) : -1;
    }
}

/* The CPUs that an exclusive domain takes out of circulation, at most. */
static guint
own_cpus(const Dealer *dealer, const KtSeatDomain *domain)
{
    return domain->n_vcpus * (domain->smt == KT_SMT_ISOLATE ? dealer->max_threads : 1);
}

static void
choose_wishes(Dealer *dealer, KtSeatDomain *domain)
{
    static const KtSmt smt[] = {KT_SMT_AUTO, KT_SMT_AUTO, KT_SMT_AUTO, KT_SMT_SHARE, KT_SMT_ISOLATE};
    static const KtKindWish kind[] = {KT_KIND_AUTO, KT_KIND_AUTO, KT_KIND_FAST, KT_KIND_EFFICIENT,
                                      KT_KIND_ANY};
    domain->smt = smt[up_to(dealer, G_N_ELEMENTS(smt) - 1)];
    domain->kind = kind[up_to(dealer, G_N_ELEMENTS(kind) - 1)];
    domain->policy = once_in(dealer, 8)    ? KT_PLACEMENT_NUMA
                     : once_in(dealer, 12) ? KT_PLACEMENT_SPREAD
                                           : KT_PLACEMENT_SHARED_CACHE;
    domain->priority = (gint)up_to(dealer, 1);
    domain->exclusive = g_rand_double(dealer->chance) < dealer->share_exclusive;
    if (domain->exclusive && own_cpus(dealer, domain) > dealer->own_left)
        domain->exclusive = false;
    if (domain->exclusive)
        dealer->own_left -= own_cpus(dealer, domain);
    domain->placed = domain->exclusive || !once_in(dealer, 10);
}

static void
add_domain(Dealer *dealer)
{
    KtSeatDomain *domain = mix_add(dealer->mix, choose_n_vcpus(dealer));
    choose_wishes(dealer, domain);
    choose_guest_shape(dealer, domain);
    choose_memory(dealer, domain);
    if (once_in(dealer, 8))
        choose_device(dealer, domain);
    double load = domain->exclusive || once_in(dealer, 2) ? 1 : 0.05 + 0.9 * g_rand_double(dealer->chance);
    for (guint i = 0; i < domain->n_vcpus; i++)
        mix_vcpus(domain)[i].load = load;
    dealer->left -= load * domain->n_vcpus;
}

Mix *
mix_new(const KtTopology *topology, MixSize size, guint32 seed)
{
    g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
    Mix *mix = mix_new_empty(topology);
    Dealer dealer = {.mix = mix, .chance = chance, .size = size};
    choose_housekeeping(&dealer);
    static const double exclusive[] = {0, 0.5, 0.8, 1};
    dealer.share_exclusive = exclusive[up_to(&dealer, G_N_ELEMENTS(exclusive) - 1)];
    double full = g_rand_double_range(chance, size.least_full, size.most_full);
    dealer.left = MAX(full * dealer.n_usable, 1);
    /* A core's worth is left to those who share. */
    guint own = (guint)MIN(full * dealer.n_usable, (double)dealer.n_usable - dealer.max_threads);
    dealer.own_left = dealer.n_usable > dealer.max_threads ? own : 0;
    while (dealer.left >= 0.5 && (size.max_domains == 0 || mix->domains->len < size.max_domains))
        add_domain(&dealer);
    mix_history(mix, chance);
    return mix;
}

/* ---- telling ---- */

static void
sum_text(GString *text, const Mix *mix, guint index)
{
    const KtSeatDomain *domain = &g_array_index(mix->domains, KtSeatDomain, index);
    g_string_append_printf(text, "%s %d %d %d %d %d %d %.6f", domain->name, domain->placed, domain->exclusive,
                           domain->policy, domain->smt, domain->kind, domain->priority, domain->memory_gib);
    for (guint i = 0; domain->memory_share && i < mix->topology->n_nodes; i++)
        g_string_append_printf(text, " m%.6f", domain->memory_share[i]);
    for (guint i = 0; i < domain->n_device_nodes; i++)
        g_string_append_printf(text, " d%u", domain->device_nodes[i]);
    for (guint i = 0; i < domain->n_vcpus; i++) {
        const KtSeatVcpu *vcpu = &domain->vcpus[i];
        g_autofree char *before = kt_cpuset_format(vcpu->before);
        g_string_append_printf(text, " %.6f,%d,%d@%s", vcpu->load, vcpu->cell, vcpu->guest_core, before);
    }
    g_string_append_c(text, '\n');
}

guint32
mix_checksum(Mix *mix)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *housekeeping = kt_cpuset_format(mix->housekeeping);
    const KtTopology *topology = mix->topology;
    g_string_append_printf(text, "%s\n", housekeeping);
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        g_string_append_printf(text, "%u %u %d %u %u %d %d %d\n", pu->os, pu->core, pu->l2, pu->group,
                               pu->node, pu->kind, pu->placeable, pu->isolated);
    }
    for (guint i = 0; i < topology->n_nodes * topology->n_nodes; i++)
        g_string_append_printf(text, "%u ", topology->slit[i]);
    for (guint i = 0; i < mix->domains->len; i++)
        sum_text(text, mix, i);
    /* FNV-1a. */
    guint32 sum = 2166136261u;
    for (gsize i = 0; i < text->len; i++)
        sum = (sum ^ (guchar)text->str[i]) * 16777619u;
    return sum;
}
