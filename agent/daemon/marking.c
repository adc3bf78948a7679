/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/marking.h"

#include "agent/daemon/decisions.h"
#include "agent/daemon/drift.h"
#include "agent/exec/live_cpus.h"
#include "probes/kernel.h"

void
kt_marking_clear(KtMarking *marking)
{
    g_clear_pointer(&marking->manual, g_ptr_array_unref);
}

bool
kt_marking_read(KtMarking *marking, KtJournal *journal, GError **error)
{
    GPtrArray *manual = kt_journal_manual(journal, error);
    if (!manual)
        return false;
    g_clear_pointer(&marking->manual, g_ptr_array_unref);
    marking->manual = manual;
    return true;
}

guint
kt_marking_count(const KtMarking *marking)
{
    guint n = 0;
    for (guint i = 0; i < marking->manual->len; i++)
        n += kt_manual_stands(marking->manual->pdata[i]);
    return n;
}

/** Somebody's change, as it is kept from now on. */
static KtManual *
new_mark(const KtAction *action, const KtDomain *domain, const KtLeft *left, bool undone)
{
    KtManual *mark = g_new0(KtManual, 1);
    mark->domain_uuid = g_strdup(domain ? domain->uuid : NULL);
    mark->domain_name = g_strdup(domain ? domain->name : NULL);
    mark->setting = g_strdup(action->setting->key);
    mark->item = g_strdup(action->item);
    mark->left = g_strdup(left->value);
    mark->found = g_strdup(action->from);
    mark->undone = undone;
    mark->since_usec = g_get_real_time();
    return mark;
}

/** What finds what is somebody's. */
typedef struct {
    const KtMarking *marking;
    KtJournal *journal;
    const KtMarkingScope *scope;
    const char *boot;
    GPtrArray *marks; /* KtManual: what it has found */
} Search;

/** Whether it is marked already, or found so just now. */
static bool
is_marked(const Search *search, const KtAction *action, const char *uuid)
{
    const GPtrArray *lists[] = {search->marks, search->marking->manual};
    for (guint l = 0; l < G_N_ELEMENTS(lists); l++)
        for (guint i = 0; i < lists[l]->len; i++) {
            const KtManual *mark = lists[l]->pdata[i];
            if (kt_manual_stands(mark) && kt_manual_is_of(mark, action, uuid))
                return true;
        }
    return false;
}

/** Whether some item of the domain's setting is somebody's, which leaves the others alone too. */
static bool
is_left_alone(const KtMarking *marking, const char *uuid, const KtSetting *setting)
{
    for (guint i = 0; i < marking->manual->len; i++) {
        const KtManual *mark = marking->manual->pdata[i];
        if (kt_manual_stands(mark) && g_strcmp0(mark->domain_uuid, uuid) == 0 &&
            g_str_equal(mark->setting, setting->key))
            return true;
    }
    return false;
}

/* Where the definition has the pin of "vcpu 1", "emulator", "iothread 2". */
static KtXmlField
field_of(const char *item)
{
    static const KtXmlField fields[] = {[KT_THREAD_VCPU] = KT_XML_VCPU_PIN,
                                        [KT_THREAD_EMULATOR] = KT_XML_EMULATOR_PIN,
                                        [KT_THREAD_IOTHREAD] = KT_XML_IOTHREAD_PIN};
    KtThreadKind kind;
    guint id;
    return kt_thread_parse(item, &kind, &id, NULL) ? fields[kind] : KT_XML_NONE;
}

static bool
is_in(GHashTable *uuids, const char *uuid)
{
    return uuids && uuid && g_hash_table_contains(uuids, uuid);
}

/** Whether somebody did something to @domain, for whom no pin is on record since it was started: then what it
 * was started with is what was left in its definition. */
static bool
is_as_it_started(const Search *search, const KtAction *action, const KtDomain *domain, const KtLeft *left)
{
    return action->kind == KT_STEP_PIN && domain && domain->process &&
           is_in(search->scope->edited, domain->uuid) && !is_in(search->scope->seats, domain->uuid) &&
           (!left || g_strcmp0(left->process, domain->process) != 0);
}

/** What was left last where @action is about, by a run or by what was given back since: *@ret_is_released
 * tells that somebody was given back whatever there is. */
static bool
find_left(const Search *search, const KtAction *action, const char *uuid, KtLeft **ret_left,
          bool *ret_is_released, GError **error)
{
    g_autoptr(KtLeft) left = NULL;
    if (!kt_journal_find_left(search->journal, action, uuid, search->marking->since_usec, &left, error))
        return false;
    const KtManual *mark = left ? kt_drift_find_released(search->marking->manual, action, uuid, left) : NULL;
    if (mark && mark->given_back)
        kt_drift_take_released(mark, action, left);
    *ret_is_released = mark && !mark->given_back;
    *ret_left = g_steal_pointer(&left);
    return true;
}

/** Puts what was left in the definition, before this process began, in place of *@left. A definition that was
 * made in its life says nothing of how it started, nor does one that has no pin. */
static bool
find_start(const Search *search, const KtAction *action, const KtDomain *domain, KtLeft **left,
           GError **error)
{
    g_autoptr(KtLeft) defined = NULL;
    bool is_released;
    const KtCpuset *defined_pin = kt_drift_find_pin(domain->inactive, action->item);
    g_autofree char *from = defined_pin ? kt_cpuset_format(defined_pin) : NULL;
    KtAction define = *action;
    define.kind = KT_STEP_DEFINE;
    define.field = field_of(action->item);
    define.from = from;
    if (!find_left(search, &define, domain->uuid, &defined, &is_released, error))
        return false;
    if (!defined || is_released || defined->undone || g_strcmp0(defined->process, domain->process) == 0)
        return true;
    g_autoptr(KtCpuset) pin = kt_cpuset_parse(defined->value ? defined->value : "", false, NULL);
    if (!pin)
        return true;
    g_free(defined->process);
    defined->process = g_strdup(domain->process);
    kt_left_free(*left);
    *left = g_steal_pointer(&defined);
    return true;
}

/** Finds a mark where what @action is about is somebody's. What was rolled back, and the plan leaves so, is
 * both's. */
static bool
judge(const Search *search, const KtAction *action, bool is_planned, GError **error)
{
    const KtPlan *plan = search->scope->plan;
    const KtDomain *domain = action->domain >= 0 ? plan->snapshot->domains->pdata[action->domain] : NULL;
    const char *uuid = domain ? domain->uuid : NULL;
    g_autoptr(KtLeft) left = NULL;
    bool is_released;
    if (is_marked(search, action, uuid))
        return true;
    if (!find_left(search, action, uuid, &left, &is_released, error))
        return false;
    if (is_as_it_started(search, action, domain, left) && !find_start(search, action, domain, &left, error))
        return false;
    if (!left || is_released)
        return true;
    KtDrift drift = kt_drift_judge(plan, action, left, search->boot);
    bool is_somebodys = drift == KT_DRIFT_CHANGED || (drift == KT_DRIFT_UNDONE && is_planned);
    if (is_somebodys)
        g_ptr_array_add(search->marks, new_mark(action, domain, left, drift == KT_DRIFT_UNDONE));
    return true;
}

/** Judges where a thread runs, though the plan may not change it: it may be as good there, and yet somebody's
 * wish; or others of its setting are, and each is shown. */
static bool
judge_thread(const Search *search, guint domain, KtSettingId setting, char *item, const KtCpuset *present,
             GError **error)
{
    const char *uuid = ((const KtDomain *)search->scope->plan->snapshot->domains->pdata[domain])->uuid;
    if (!present || (!kt_desired_domain(search->scope->desired, domain, setting, NULL) &&
                     !is_left_alone(search->marking, uuid, kt_setting(setting))))
        return true;
    g_autofree char *from = kt_cpuset_format(present);
    const KtAction action = {
        .domain = (gint)domain,
        .setting = kt_setting(setting),
        .item = item,
        .from = from,
        .kind = KT_STEP_PIN,
    };
    return judge(search, &action, false, error);
}

static bool
judge_threads(const Search *search, guint index, GError **error)
{
    const KtDomain *domain = search->scope->plan->snapshot->domains->pdata[index];
    char emulator[] = "emulator";
    bool ok = judge_thread(search, index, KT_SETTING_CPU_EMULATOR, emulator, domain->emulator, error);
    for (guint i = 0; ok && i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        g_autofree char *item = g_strdup_printf("vcpu %u", vcpu->id);
        ok = judge_thread(search, index, KT_SETTING_CPU_PLACEMENT, item, vcpu->online ? vcpu->affinity : NULL,
                          error);
    }
    for (guint i = 0; ok && i < domain->iothreads->len; i++) {
        const KtIoThread *iothread = domain->iothreads->pdata[i];
        g_autofree char *item = g_strdup_printf("iothread %u", iothread->id);
        ok = judge_thread(search, index, KT_SETTING_CPU_IOTHREADS, item, iothread->affinity, error);
    }
    return ok;
}

/** Whether somebody may have pinned its threads where they run now: he did something to it, or may have while
 * nobody saw it, or the plan would write into the definition where they run. */
static bool
may_be_pinned(const KtMarkingScope *scope, guint index)
{
    const KtDomain *domain = scope->plan->snapshot->domains->pdata[index];
    const GPtrArray *actions = scope->plan->domains[index].actions;
    bool may = scope->everything || is_in(scope->edited, domain->uuid);
    for (guint i = 0; i < actions->len && !may; i++) {
        const KtAction *action = actions->pdata[i];
        may = action->kind == KT_STEP_DEFINE && kt_xml_is_pin(action->field);
    }
    return domain->active && may;
}

static bool
search_all(const Search *search, GError **error)
{
    const KtPlan *plan = search->scope->plan;
    for (guint i = 0; i < plan->actions->len; i++)
        if (!judge(search, plan->actions->pdata[i], true, error))
            return false;
    for (guint i = 0; i < plan->n_domains; i++)
        if (may_be_pinned(search->scope, i) && !judge_threads(search, i, error))
            return false;
    return true;
}

/** The domain of whose thread @mark was released, and which is to be given back; NULL = it isn't. */
static const KtDomain *
find_to_give_back(const KtManual *mark, const KtSnapshot *snapshot)
{
    if (!mark->released || mark->given_back || !mark->domain_uuid || field_of(mark->item) == KT_XML_NONE)
        return NULL;
    return kt_snapshot_find_domain(snapshot, mark->domain_uuid);
}

/** Where thread @item runs; NULL = no such thread runs. */
static const KtCpuset *
find_present(const KtDomain *domain, const char *item)
{
    KtThreadKind kind;
    guint id;
    if (!domain->active || !kt_thread_parse(item, &kind, &id, NULL))
        return NULL;
    if (kind == KT_THREAD_EMULATOR)
        return domain->emulator;
    if (kind == KT_THREAD_IOTHREAD) {
        const KtIoThread *iothread = kt_domain_find_iothread(domain, id);
        return iothread ? iothread->affinity : NULL;
    }
    const KtVcpu *vcpu = kt_domain_find_vcpu(domain, id);
    return vcpu && vcpu->online ? vcpu->affinity : NULL;
}

bool
kt_marking_has_to_give_back(const KtMarking *marking, const KtSnapshot *snapshot)
{
    for (guint i = 0; i < marking->manual->len; i++)
        if (find_to_give_back(marking->manual->pdata[i], snapshot))
            return true;
    return false;
}

/** From here on @mark is of what there is: a thread that doesn't run has what its definition says. */
static void
take_present(KtManual *mark, const KtDomain *domain)
{
    const KtCpuset *present = find_present(domain, mark->item);
    const KtCpuset *defined = kt_drift_find_pin(domain->inactive, mark->item);
    g_free(mark->found);
    g_free(mark->process);
    g_free(mark->defined);
    mark->found = present ? kt_cpuset_format(present) : NULL;
    mark->process = present ? g_strdup(domain->process) : NULL;
    mark->defined = defined ? kt_cpuset_format(defined) : NULL;
    mark->given_back = true;
}

bool
kt_marking_give_back(KtMarking *marking, KtJournal *journal, const KtSnapshot *snapshot,
                     GHashTable *unsettled, GError **error)
{
    for (guint i = 0; i < marking->manual->len; i++) {
        KtManual *mark = marking->manual->pdata[i];
        const KtDomain *domain = find_to_give_back(mark, snapshot);
        if (!domain || is_in(unsettled, domain->uuid))
            continue;
        take_present(mark, domain);
        if (!kt_journal_note_given_back(journal, mark, error))
            return false;
    }
    return true;
}

GPtrArray *
kt_marking_find(const KtMarking *marking, KtJournal *journal, const KtRoot *root, const KtMarkingScope *scope,
                GError **error)
{
    g_autoptr(GPtrArray) marks = g_ptr_array_new_with_free_func((GDestroyNotify)kt_manual_free);
    g_autofree char *boot = kt_boot_id(root);
    const Search search = {marking, journal, scope, boot, marks};
    return search_all(&search, error) ? g_steal_pointer(&marks) : NULL;
}

/** Takes out what these marks have taken the place of in the journal. */
static void
drop_replaced(KtMarking *marking, const GPtrArray *marks)
{
    for (guint i = marking->manual->len; i-- > 0;)
        for (guint j = 0; j < marks->len; j++)
            if (kt_manual_is_same(marking->manual->pdata[i], marks->pdata[j])) {
                g_ptr_array_remove_index(marking->manual, i);
                break;
            }
}

bool
kt_marking_mark(KtMarking *marking, KtJournal *journal, const KtRoot *root, const KtMarkingScope *scope,
                guint *ret_n, GError **error)
{
    g_autoptr(GPtrArray) marks = kt_marking_find(marking, journal, root, scope, error);
    if (!marks || (marks->len > 0 && !kt_journal_mark_manual(journal, marks, error)))
        return false;
    for (guint i = 0; i < marks->len; i++)
        kt_decision_log_manual(marks->pdata[i]);
    *ret_n = marks->len;
    drop_replaced(marking, marks);
    g_ptr_array_extend_and_steal(marking->manual, g_steal_pointer(&marks));
    return true;
}
