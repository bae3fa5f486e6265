/* What the C files share among themselves: the mapped file as a struct, and what the operating system is asked for. */
#ifndef IMPROV_INSIDE_H
#define IMPROV_INSIDE_H

#include "bridge.h"

#include <stdatomic.h>
#include <stdbool.h>

#define IMPROV_VERSION_ROOM 16
#define MAGIC 0x0a0d766f72706d69ULL /* "improv\r\n" */

typedef _Atomic uint32_t word32;
typedef _Atomic uint64_t word64; /* also of an int64_t, or of a double's bits */

typedef struct { /* the table of bridge.h */
    word64 magic;
    word32 layout, size, engine_layout, engine_pid, plugin_pid, parameters, offset_in, offset_out, capacity, event_size;
    char plugin_version[16];
    char instance[40];
    word64 engine_version[3];
    word32 life, activations; /* 128 */
    word64 plugin_ns, heard_to;
    word32 epoch, status, dropped, late, refused, taken_back, played, sounding, delayed, tells;
    word64 engine_ns, planned_to; /* 192 */
    word32 generation, engine_state, port;
    uint8_t to_256[36];
    word32 transport_count, spare_1; /* 256 */
    word64 transport[12];
    uint8_t to_384[24];
    word32 said_count, spare_2; /* 384 */
    word64 said[15];
    word64 host_value[IMPROV_PARAMETERS];   /* 512 */
    word64 engine_value[IMPROV_PARAMETERS]; /* 1024 */
    word32 engine_changes;                  /* 1536 */
    uint8_t to_1600[60];
    struct {
        word32 at;
        uint8_t rest[60];
    } in_put, in_taken, out_put, out_taken; /* 1600, 1664, 1728, 1792 */
    uint8_t to_4096[2240];
    improv_event in[IMPROV_EVENTS], out[IMPROV_EVENTS];
    word32 host_text_count, host_text_length; /* 135168 */
    word64 host_text[IMPROV_TEXT / 8];
    word32 engine_text_count, engine_text_length; /* 200704 */
    word64 engine_text[IMPROV_TEXT / 8];
} improv_file;

#define AT(field, offset) _Static_assert(offsetof(improv_file, field) == (offset), #field)
AT(event_size, 44);
AT(instance, 64);
AT(engine_version, 104);
AT(life, 128);
AT(heard_to, 144);
AT(delayed, 184);
AT(tells, 188);
AT(engine_ns, 192);
AT(generation, 208);
AT(port, 216);
AT(transport_count, 256);
AT(said_count, 384);
AT(host_value, 512);
AT(engine_value, 1024);
AT(engine_changes, 1536);
AT(in_put, 1600);
AT(out_taken, 1792);
AT(in, 4096);
AT(out, 69632);
AT(host_text_count, 135168);
AT(engine_text_count, 200704);
_Static_assert(sizeof(improv_file) == IMPROV_SIZE, "size");
_Static_assert(sizeof(improv_event) == 64 && sizeof(improv_transport) == 96, "structs");

#define GET(word) atomic_load_explicit(&(word), memory_order_acquire)
#define PUT(word, value) atomic_store_explicit(&(word), (value), memory_order_release)

/* bridge.c */
void seq_write(word32 *count, word64 *to, const void *from, int bytes);       /* one writer */
bool seq_read(word32 *count, const word64 *from, void *to, int bytes);        /* false: written to meanwhile, some times over */
bool text_write(word32 *count, word32 *length, word64 *to, const char *text, int bytes, int room);
int text_read(word32 *count, word32 *length, const word64 *from, char *text, int room); /* length, or -1 */
int64_t age_of(improv_file *f, int64_t now);                                  /* of the engine's heartbeat, ns */
uint64_t bits_of(double value);
double double_of(uint64_t bits);

/* system_*.c */
typedef struct {
    improv_file *file;
    intptr_t handle, mapping, lock;
} mapped;
bool map_make(mapped *m, const char *path);               /* a new file of ours, locked; false if there is one already */
bool map_open(mapped *m, const char *path, char *why, int room);  /* for an engine: false if another engine serves it */
void map_close(mapped *m);
bool map_there(mapped *m, const char *path);              /* whether it still is the file at its path: folders are tidied up, too */
bool map_abandoned(mapped *m);                            /* whether whoever made it has gone without a word */
void remove_files(const char *path);                      /* NAME.ring and what belongs to it */

typedef struct {
    intptr_t socket;
    char address[256];
    int length;
} waker;
void wake_open(waker *w, const char *path);               /* of NAME.ring */
void wake_send(waker *w, int port);                       /* the audio thread's one system call */
void wake_close(waker *w);

int start_engine(const char *path);                       /* IMPROV_STARTING, or why not */
uint32_t own_pid(void);
void random_bytes(uint8_t *bytes, int count);
void short_sleep(int microseconds);

typedef struct improv_thread improv_thread;               /* calls `work` each `milliseconds` until it is ended */
improv_thread *thread_start(void (*work)(void *), void *with, int milliseconds);
void thread_end(improv_thread *t);

#endif
