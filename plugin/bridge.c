/* The mapped file: seqlocked blocks, rings, and all that the engine's side calls.
 *
 * What the other side wrote is copied first and judged then, so it can't change in between.
 */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IMPROV_VERSION
#define IMPROV_VERSION "0"
#endif

const char *improv_version(void) { return IMPROV_VERSION; }

uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Seqlocks. The words are stored with release and loaded with acquire, so no fence is needed. */

static void copy_in(word64 *to, const void *from, int bytes) {
    for (int i = 0; i < bytes; i += 8) {
        uint64_t word = 0;
        memcpy(&word, (const char *)from + i, bytes - i < 8 ? (size_t)(bytes - i) : 8);
        atomic_store_explicit(to++, word, memory_order_release);
    }
}

static void copy_out(void *to, const word64 *from, int bytes) {
    for (int i = 0; i < bytes; i += 8) {
        uint64_t word = atomic_load_explicit((word64 *)from++, memory_order_acquire);
        memcpy((char *)to + i, &word, bytes - i < 8 ? (size_t)(bytes - i) : 8);
    }
}

void seq_write(word32 *count, word64 *to, const void *from, int bytes) {
    uint32_t n = atomic_load_explicit(count, memory_order_relaxed) & ~1u;
    atomic_store_explicit(count, n + 1, memory_order_relaxed);
    copy_in(to, from, bytes);
    atomic_store_explicit(count, n + 2, memory_order_release);
}

bool seq_read(word32 *count, const word64 *from, void *to, int bytes) {
    for (int tries = 0; tries < 16; tries++) {
        uint32_t before = GET(*count);
        if (before & 1) continue;
        copy_out(to, from, bytes);
        if (atomic_load_explicit(count, memory_order_relaxed) == before) return true;
    }
    return false;
}

bool text_write(word32 *count, word32 *length, word64 *to, const char *text, int bytes, int room) {
    if (bytes < 0 || bytes > room) return false;
    uint32_t n = atomic_load_explicit(count, memory_order_relaxed) & ~1u;
    atomic_store_explicit(count, n + 1, memory_order_relaxed);
    atomic_store_explicit(length, (uint32_t)bytes, memory_order_release);
    copy_in(to, text, bytes);
    atomic_store_explicit(count, n + 2, memory_order_release);
    return true;
}

int text_read(word32 *count, word32 *length, const word64 *from, char *text, int room) {
    for (int tries = 0; tries < 64; tries++) {
        uint32_t before = GET(*count), bytes = GET(*length);
        if (before & 1) continue;
        if (bytes > IMPROV_TEXT || (int)bytes + 1 > room) return -1;
        copy_out(text, from, (int)bytes);
        text[bytes] = 0;
        if (atomic_load_explicit(count, memory_order_relaxed) == before) return (int)bytes;
    }
    return -1;
}

int64_t age_of(improv_file *f, int64_t now) { return (int64_t)((uint64_t)now - GET(f->engine_ns)); }

/* The engine's side */

struct improv_engine {
    mapped map;
    improv_file *f;
    char instance[41], path[4096];
};

improv_engine *improv_engine_open(const char *path, const char *version, char *why, int room) {
    improv_engine *e = calloc(1, sizeof *e);
    if (!e) {
        snprintf(why, (size_t)room, "no memory");
        return NULL;
    }
    if (!map_open(&e->map, path, why, room)) {
        free(e);
        return NULL;
    }
    improv_file *f = e->f = e->map.file;
    if (GET(f->magic) != MAGIC) {
        snprintf(why, (size_t)room, "no file of the plugin");
    } else if (GET(f->layout) != IMPROV_LAYOUT) {
        PUT(f->engine_layout, IMPROV_LAYOUT);
        snprintf(why, (size_t)room, "the plugin has layout %u, this improv layout %d: run improv plugin install", (unsigned)GET(f->layout),
                 IMPROV_LAYOUT);
    } else if (GET(f->size) != IMPROV_SIZE || GET(f->capacity) != IMPROV_EVENTS || GET(f->event_size) != sizeof(improv_event) ||
               GET(f->offset_in) != offsetof(improv_file, in) || GET(f->offset_out) != offsetof(improv_file, out)) {
        snprintf(why, (size_t)room, "the file is torn");
    } else {
        memcpy(e->instance, f->instance, sizeof f->instance);
        snprintf(e->path, sizeof e->path, "%s", path);
        char told[24] = {0};
        strncpy(told, version ? version : "", sizeof told - 1);
        for (int i = 0; i < 3; i++) {
            uint64_t word;
            memcpy(&word, told + 8 * i, 8);
            PUT(f->engine_version[i], word);
        }
        /* A predecessor's words, which may have died while it wrote, are made good. What was heard in its time stays: see take. */
        PUT(f->said_count, GET(f->said_count) & ~1u);
        PUT(f->engine_text_count, GET(f->engine_text_count) & ~1u);
        PUT(f->generation, GET(f->generation) + 1);
        PUT(f->port, 0);
        PUT(f->engine_pid, own_pid());
        improv_engine_say(e, IMPROV_ENGINE_STARTS, "");
        improv_engine_beat(e);
        PUT(f->engine_layout, IMPROV_LAYOUT);
        return e;
    }
    map_close(&e->map);
    free(e);
    return NULL;
}

void improv_engine_close(improv_engine *e) {
    if (!e) return;
    PUT(e->f->engine_ns, 0);
    PUT(e->f->engine_layout, 0);
    if (improv_engine_life(e) == IMPROV_GONE) remove_files(e->path);
    map_close(&e->map);
    free(e);
}

const char *improv_engine_instance(improv_engine *e) { return e->instance; }

int improv_engine_life(improv_engine *e) { return map_abandoned(&e->map) ? IMPROV_GONE : (int)GET(e->f->life); }

void improv_engine_beat(improv_engine *e) { PUT(e->f->engine_ns, (uint64_t)improv_now_ns()); }

void improv_engine_say(improv_engine *e, int state, const char *text) {
    char told[sizeof e->f->said] = {0};
    strncpy(told, text, sizeof told - 1);
    seq_write(&e->f->said_count, e->f->said, told, sizeof told);
    PUT(e->f->engine_state, (uint32_t)state);
}

void improv_engine_port(improv_engine *e, int port) { PUT(e->f->port, (uint32_t)port); }

int improv_engine_look(improv_engine *e, improv_transport *t) {
    if (GET(e->f->transport_count) == 0) return 0;
    for (int tries = 0; tries < 1000; tries++)
        if (seq_read(&e->f->transport_count, e->f->transport, t, sizeof *t)) return 1;
    return 0;
}

int64_t improv_engine_heard_to(improv_engine *e) { return (int64_t)GET(e->f->heard_to); }

int improv_engine_take(improv_engine *e, improv_event *events, int most) {
    improv_file *f = e->f;
    uint32_t taken = atomic_load_explicit(&f->in_taken.at, memory_order_relaxed), there = GET(f->in_put.at) - taken;
    if (there > IMPROV_EVENTS) {
        PUT(f->in_taken.at, GET(f->in_put.at));
        return -1;
    }
    int count = (int)there < most ? (int)there : most;
    for (int i = 0; i < count; i++) events[i] = f->in[(taken + (uint32_t)i) % IMPROV_EVENTS];
    PUT(f->in_taken.at, taken + (uint32_t)count);
    return count;
}

int improv_engine_room(improv_engine *e) {
    uint32_t used = atomic_load_explicit(&e->f->out_put.at, memory_order_relaxed) - GET(e->f->out_taken.at);
    return used > IMPROV_EVENTS ? 0 : (int)(IMPROV_EVENTS - used);
}

int improv_engine_put(improv_engine *e, const improv_event *events, int count) {
    improv_file *f = e->f;
    uint32_t put = atomic_load_explicit(&f->out_put.at, memory_order_relaxed);
    int room = improv_engine_room(e);
    if (count > room) count = room;
    for (int i = 0; i < count; i++) f->out[(put + (uint32_t)i) % IMPROV_EVENTS] = events[i];
    if (count > 0) PUT(f->out_put.at, put + (uint32_t)count);
    return count < 0 ? 0 : count;
}

void improv_engine_planned_to(improv_engine *e, int64_t frame) { PUT(e->f->planned_to, (uint64_t)frame); }

uint32_t improv_engine_take_back(improv_engine *e) {
    uint32_t next = atomic_load_explicit(&e->f->generation, memory_order_relaxed) + 1;
    PUT(e->f->generation, next);
    return next;
}

uint32_t improv_engine_epoch(improv_engine *e) { return GET(e->f->epoch); }

int improv_engine_text(improv_engine *e, char *text, int room) {
    return text_read(&e->f->host_text_count, &e->f->host_text_length, e->f->host_text, text, room);
}

int improv_engine_put_text(improv_engine *e, const char *text, int length) {
    return text_write(&e->f->engine_text_count, &e->f->engine_text_length, e->f->engine_text, text, length, IMPROV_TEXT);
}

int improv_engine_count(improv_engine *e, int offset) {
    if (offset < 0 || offset > 4096 - 4 || offset % 4) return -1;
    return (int)GET(*(word32 *)((char *)e->f + offset));
}

double improv_engine_parameter(improv_engine *e, int number) {
    return number < 0 || number >= IMPROV_PARAMETERS ? 0.0 : double_of(GET(e->f->host_value[number]));
}

void improv_engine_set_parameter(improv_engine *e, int number, double value) {
    if (number < 0 || number >= IMPROV_PARAMETERS) return;
    uint64_t count = (GET(e->f->engine_value[number]) + 1) & 0xFF;
    PUT(e->f->engine_value[number], (bits_of(value) & ~0xFFULL) | count);
    PUT(e->f->engine_changes, GET(e->f->engine_changes) + 1);
}
