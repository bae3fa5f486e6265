/* The audio thread asks the system for nothing but one datagram that does not wait, allocates nothing and takes no lock (Linux).
 *
 *     quiet [BLOCKS]
 *
 * A filter ends the program at any other system call while blocks run; the linker counts calls of malloc and of mutexes (--wrap).
 */
#include "../audio.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int asked;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void __real_free(void *at);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t size) { return asked++, __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return asked++, __real_calloc(count, size); }
void *__wrap_realloc(void *at, size_t size) { return asked++, __real_realloc(at, size); }
void __wrap_free(void *at) { asked++, __real_free(at); }
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) { return asked++, __real_pthread_mutex_lock(mutex); }

static improv_plugin *p;
static improv_engine *e;
static long played, blocks;

static bool only_datagrams(void) { /* from here on, in this thread: a datagram, and its end */
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0), /* of this thread */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void one_block(long i) {
    static improv_note out[512];
    static improv_event events[64];
    improv_transport t = {.tempo = 120 + i % 3, .position = i % 500 * 0.01, .numerator = 3 + i % 2, .denominator = 4, .flags = i % 100 < 90 ? IMPROV_PLAYING : 0};
    if (i % 7 == 0) improv_plugin_heard(p, 3, (const uint8_t[]){0x90, 60, 80}, 3);
    if (i % 11 == 0) improv_plugin_set(p, 5, 3, 0.5 + i % 2);
    improv_event note = {.frame = p->frame + 10, .kind = IMPROV_MIDI, .size = 3, .epoch = p->epoch + 2 * (i % 100 == 0 || i % 100 == 90 || i % 500 == 0), .generation = p->generation};
    note.bytes[0] = 0x90, note.bytes[1] = (uint8_t)(i % 128), note.bytes[2] = 80;
    improv_engine_put(e, &note, 1);
    played += improv_plugin_run(p, &t, 64, out, 512);
    while (improv_engine_take(e, events, 64) > 0) {
    }
}

static void *audio(void *none) {
    if (!only_datagrams()) return "skip";
    asked = 0;
    for (long i = 0; i < blocks; i++) one_block(i);
    if (asked) __builtin_trap();
    syscall(SYS_exit, 0); /* the thread alone, before the library tidies up after it */
    return none;
}

int main(int count, char **arguments) {
    blocks = count > 1 ? atol(arguments[1]) : 20000;
    char why[200];
    p = improv_plugin_new();
    if (!improv_plugin_activate(p, 48000, 64) || !(e = improv_engine_open(p->path, "test", why, sizeof why))) return 1;
    PUT(p->map.file->engine_ns, (uint64_t)INT64_MAX / 2);
    pthread_t thread;
    void *said = NULL;
    improv_now_ns(); /* the clock is looked up once */
    pthread_create(&thread, NULL, audio, NULL);
    pthread_join(thread, &said);
    printf(said ? "no filter of system calls here\n" : "%ld blocks, %ld messages played\n", blocks, played);
    improv_engine_close(e);
    improv_plugin_free(p);
    return 0;
}
