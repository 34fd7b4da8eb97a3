/* SPDX-License-Identifier: MIT */
/*
 * Engines as children of this process.  A command and its answer are one byte
 * range over a socket pair: "run cases first to last"; the cases and results
 * lie in shared memory.  A child that dies (a wild store of the case, an
 * assertion of the emulator) is an outcome of the case it was at, and the next
 * case gets a new child.
 */
#include "isa.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* A case may see this many ticks of its process's own time. */
#define TICK_US     20000
#define TICKS_LIMIT 5
/* Answer to a batch, in real time; then the child is given up. */
#define ANSWER_MS 60000

typedef struct Command {
    uint32_t first, count;
} Command;

typedef struct Child {
    const IsaEngine *engine;
    bool used;
    pid_t pid; /* 0: not started */
    int fd;
    IsaResult *results;          /* shared; one a case */
    volatile uint32_t *progress; /* shared: the case it is at */
} Child;

IsaCase *isa_cases;

static Child children[NB_ENGINES] = {
    [ENGINE_SILICON] = {.engine = &isa_silicon, .used = true},
    [ENGINE_NATIVE] = {.engine = &isa_native, .used = true},
    [ENGINE_INTERP] = {.engine = &isa_interp, .used = true},
    [ENGINE_SINGLE] = {.engine = &isa_single, .used = true},
};

/* --- in the child --- */

static struct {
    const IsaEngine *engine;
    volatile uint32_t serial; /* of the case, over all batches */
    volatile bool busy;
} self;

static void on_tick(int sig, siginfo_t *info, void *context)
{
    static uint32_t seen;
    static unsigned ticks;

    if (self.serial != seen) {
        seen = self.serial;
        ticks = 0;
    }
    if (self.busy && ++ticks >= TICKS_LIMIT) {
        ticks = 0;
        self.engine->interrupt(context);
    }
}

static void start_ticks(void)
{
    struct sigaction sa = {
        .sa_sigaction = on_tick,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
    };
    struct itimerval every = {
        .it_interval.tv_usec = TICK_US,
        .it_value.tv_usec = TICK_US,
    };

    sigfillset(&sa.sa_mask);
    sigaction(SIGVTALRM, &sa, NULL);
    setitimer(ITIMER_VIRTUAL, &every, NULL);
}

static G_NORETURN void child_main(Child *ch, int fd)
{
    Command cmd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, ch->engine->name); /* for perf */
    self.engine = ch->engine;
    ch->engine->init(ch->engine);
    start_ticks();
    while (read(fd, &cmd, sizeof(cmd)) == sizeof(cmd)) {
        for (unsigned i = 0; i < cmd.count; i++) {
            *ch->progress = cmd.first + i;
            self.serial++;
            self.busy = true;
            ch->engine->run(&isa_cases[cmd.first + i],
                            &ch->results[cmd.first + i]);
            self.busy = false;
        }
        if (write(fd, &cmd, sizeof(cmd)) != sizeof(cmd)) {
            break;
        }
    }
    _exit(0);
}

/* --- in the parent --- */

void engines_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    isa_cases = shared_memory((ISA_BATCH + 1) * sizeof(IsaCase));
    for (unsigned i = 0; i < NB_ENGINES; i++) {
        children[i].results =
            shared_memory((ISA_BATCH + 1) * sizeof(IsaResult));
        children[i].progress = shared_memory(sizeof(uint32_t));
    }
}

void engines_select(unsigned mask)
{
    for (unsigned i = ENGINE_SILICON + 1; i < NB_ENGINES; i++) {
        children[i].used = mask >> i & 1;
    }
}

const char *engine_name(unsigned id)
{
    return children[id].engine->name;
}

bool engine_used(unsigned id)
{
    return children[id].used;
}

const IsaResult *engine_result(unsigned id, unsigned index)
{
    return &children[id].results[index];
}

static void child_start(Child *ch)
{
    int sv[2];

    if (ch->pid) {
        return;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
        g_error("socketpair: %s", g_strerror(errno));
    }
    fflush(NULL);
    ch->pid = fork();
    if (ch->pid < 0) {
        g_error("fork: %s", g_strerror(errno));
    }
    if (!ch->pid) {
        close(sv[0]);
        child_main(ch, sv[1]);
    }
    close(sv[1]);
    ch->fd = sv[0];
}

static void child_stop(Child *ch)
{
    if (ch->pid) {
        kill(ch->pid, SIGKILL);
        waitpid(ch->pid, NULL, 0);
        close(ch->fd);
        ch->pid = 0;
    }
}

static void child_send(Child *ch, unsigned first, unsigned count)
{
    Command cmd = {first, count};

    *ch->progress = first; /* it may die before it starts */
    child_start(ch);
    /* A failure shows as the missing answer. */
    (void)!write(ch->fd, &cmd, sizeof(cmd));
}

static bool child_answered(Child *ch)
{
    struct pollfd p = {.fd = ch->fd, .events = POLLIN};
    Command cmd;
    int n;

    do {
        n = poll(&p, 1, ANSWER_MS);
    } while (n < 0 && errno == EINTR);
    return n == 1 && read(ch->fd, &cmd, sizeof(cmd)) == sizeof(cmd);
}

/* Wait for the batch; restart behind each case that kills the child. */
static void child_finish(Child *ch, unsigned end)
{
    while (!child_answered(ch)) {
        unsigned at = *ch->progress;

        child_stop(ch);
        ch->results[at].end = ISA_END_DIED;
        if (at + 1 >= end) {
            break;
        }
        child_send(ch, at + 1, end - at - 1);
    }
}

void engines_run(unsigned first, unsigned count)
{
    for (unsigned i = 0; i < NB_ENGINES; i++) {
        Child *ch = &children[i];

        for (unsigned k = first; k < first + count; k++) {
            ch->results[k].end = ISA_END_NONE;
        }
        if (ch->used) {
            child_send(ch, first, count);
        }
    }
    for (unsigned i = 0; i < NB_ENGINES; i++) {
        if (children[i].used) {
            child_finish(&children[i], first + count);
        }
    }
}

void engines_stop(void)
{
    for (unsigned i = 0; i < NB_ENGINES; i++) {
        child_stop(&children[i]);
    }
}
