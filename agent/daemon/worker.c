/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/worker.h"

struct KtWorker {
    GThread *thread;
    GAsyncQueue *jobs; /* Job */
    KtKeeper *keeper;  /* only the thread touches it */
    KtWorkerDone done;
    gpointer user_data;
};

typedef struct {
    KtChangeSet *changes; /* NULL: that was all, the thread is to end */
    KtProfile *profile;
} Job;

static void
job_free(gpointer data)
{
    Job *job = data;
    kt_change_set_free(job->changes);
    kt_profile_free(job->profile);
    g_free(job);
}

/** A look on its way to the main context. */
typedef struct {
    const KtWorker *worker;
    KtLook *look;
} Message;

static void
message_free(gpointer data)
{
    Message *message = data;
    kt_look_free(message->look);
    g_free(message);
}

static gboolean
deliver(gpointer data)
{
    Message *message = data;
    message->worker->done(g_steal_pointer(&message->look), message->worker->user_data);
    return G_SOURCE_REMOVE;
}

/** Never in this thread, as g_main_context_invoke() might. */
static void
send(const KtWorker *worker, KtLook *look)
{
    Message *message = g_new0(Message, 1);
    message->worker = worker;
    message->look = look;
    /* The main loop owns it from here. */
    g_idle_add_full(G_PRIORITY_DEFAULT, deliver, message, message_free);
    /* cppcheck-suppress memleak */
}

static gpointer
work(gpointer data)
{
    KtWorker *worker = data;
    for (;;) {
        Job *job = g_async_queue_pop(worker->jobs);
        bool last = job->changes == NULL;
        if (job->profile)
            kt_keeper_use(worker->keeper, g_steal_pointer(&job->profile));
        if (!last)
            send(worker, kt_keeper_look(worker->keeper, job->changes));
        job_free(job);
        if (last)
            break;
    }
    kt_keeper_free(worker->keeper);
    return NULL;
}

KtWorker *
kt_worker_new(KtKeeper *keeper, KtWorkerDone done, gpointer user_data)
{
    KtWorker *worker = g_new0(KtWorker, 1);
    worker->jobs = g_async_queue_new_full(job_free);
    worker->keeper = keeper;
    worker->done = done;
    worker->user_data = user_data;
    worker->thread = g_thread_new("keeper", work, worker);
    return worker;
}

void
kt_worker_look(KtWorker *worker, KtChangeSet *changes, KtProfile *profile)
{
    Job *job = g_new0(Job, 1);
    job->changes = changes;
    job->profile = profile;
    g_async_queue_push(worker->jobs, job);
    /* The queue owns it from here. */
    /* cppcheck-suppress memleak */
}

void
kt_worker_free(KtWorker *worker)
{
    if (!worker)
        return;
    kt_worker_look(worker, NULL, NULL);
    g_thread_join(worker->thread);
    g_async_queue_unref(worker->jobs);
    g_free(worker);
}
