/* An instance's life, outside the audio thread: file, engine, status, and the state that a host keeps with its project.
 *
 * A new instance touches nothing: hosts scan. At its first activation it makes its file, and a thread of its own looks after the engine
 * twenty times a second. It starts it with the first block, or after half a second without one: some hosts activate as they scan.
 */
#include "audio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK 50                  /* ms between two looks at the engine */
#define NO_BLOCK 10              /* looks without a block after which the engine is started all the same */
#define SILENT 3000000000LL      /* ns after which an engine that does not answer is started anew */
#define MOST_STARTS 5            /* in a row, without an answer */
#define STATE_HEAD "improv state 1\n"

static void draw_name(improv_plugin *p) {
    uint8_t drawn[8];
    random_bytes(drawn, sizeof drawn);
    for (int i = 0; i < 8; i++) snprintf(p->instance + 2 * i, 3, "%02x", drawn[i]);
}

improv_plugin *improv_plugin_new(void) {
    improv_plugin *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        p->value[i].now = PARAMETER_ROWS[i].standard;
        atomic_init(&p->value[i].wanted, bits_of(p->value[i].now));
    }
    draw_name(p);
    p->waker.socket = -1;
    p->rate = 48000;
    return p;
}

void improv_plugin_free(improv_plugin *p) {
    if (!p) return;
    improv_plugin_deactivate(p);
    if (p->map.file) {
        PUT(p->map.file->life, IMPROV_GONE);
        wake_send(&p->waker, (int)GET(p->map.file->port));
        wake_close(&p->waker);
        if (!GET(p->map.file->engine_layout)) remove_files(p->path); /* else the engine does, which serves it */
        map_close(&p->map);
    }
    free(p->text);
    free(p);
}

/* Its file */

static void fill(improv_plugin *p) {
    improv_file *f = p->map.file;
    PUT(f->layout, IMPROV_LAYOUT);
    PUT(f->size, IMPROV_SIZE);
    PUT(f->plugin_pid, own_pid());
    PUT(f->tells, (uint32_t)p->tells);
    PUT(f->parameters, PARAMETER_COUNT);
    PUT(f->offset_in, offsetof(improv_file, in));
    PUT(f->offset_out, offsetof(improv_file, out));
    PUT(f->capacity, IMPROV_EVENTS);
    PUT(f->event_size, sizeof(improv_event));
    strncpy(f->plugin_version, improv_version(), sizeof f->plugin_version - 1);
    memcpy(f->instance, p->instance, sizeof f->instance);
    if (p->text) text_write(&f->host_text_count, &f->host_text_length, f->host_text, p->text, p->text_length, IMPROV_TEXT);
    PUT(f->magic, MAGIC);
}

/* The file was taken away, as by whoever tidies the folder up: no engine could find it any more. What was said in it is kept. */
static void leave_file(improv_plugin *p) {
    improv_file *f = p->map.file;
    char *text = GET(f->engine_text_count) ? malloc(IMPROV_TEXT + 1) : NULL;
    int length = text ? text_read(&f->engine_text_count, &f->engine_text_length, f->engine_text, text, IMPROV_TEXT + 1) : -1;
    if (length >= 0) {
        free(p->text);
        p->text = text, p->text_length = length;
    } else {
        free(text);
    }
    PUT(f->life, IMPROV_GONE);
    wake_close(&p->waker);
    map_close(&p->map);
    memset(p->engine_seen, 0, sizeof p->engine_seen);
    p->changes = p->generation = 0;
    p->starts = 0;
    PUT(p->status, IMPROV_OFF);
    draw_name(p); /* the engine that served it may not have gone yet, and takes its own files away */
}

static bool make_file(improv_plugin *p) {
    char folder[3900];
    if (improv_folder(folder, sizeof folder) < 0) return false;
    for (int tries = 0; tries < 8; tries++) {
        snprintf(p->path, sizeof p->path, "%s/%s.ring", folder, p->instance);
        if (map_make(&p->map, p->path)) {
            wake_open(&p->waker, p->path);
            fill(p);
            return true;
        }
        draw_name(p); /* a copy of the track has the name of its original */
    }
    return false;
}

/* Looking after the engine, in a thread of its own */

static void set_status(improv_plugin *p, int status) {
    PUT(p->status, (uint32_t)status);
    if (p->map.file) PUT(p->map.file->status, (uint32_t)status);
}

static void start(improv_plugin *p, int64_t now) {
    p->started = now;
    p->failing = 0;
    int status = start_engine(p->path);
    p->starts = status == IMPROV_STARTING ? p->starts + 1 : 1; /* what is not installed may be, any time */
    set_status(p, status);
}

static void look(void *with) {
    improv_plugin *p = with;
    improv_file *f = p->map.file;
    int64_t now = improv_now_ns();
    uint32_t layout = GET(f->engine_layout);
    PUT(f->plugin_ns, (uint64_t)now);
    if (!p->starts && !layout) {
        if (atomic_load_explicit(&p->ran, memory_order_relaxed) || ++p->looks >= NO_BLOCK) start(p, now);
    } else if (layout && layout != IMPROV_LAYOUT) {
        set_status(p, IMPROV_OTHER);
    } else if (layout && age_of(f, now) < 10 * IMPROV_DEAD) {
        uint32_t state = GET(f->engine_state);
        p->failing = 0;
        if (state >= IMPROV_ENGINE_READY) p->starts = 1;
        set_status(p, state == IMPROV_ENGINE_FAILS ? IMPROV_FAILED : state == IMPROV_ENGINE_STARTS ? IMPROV_STARTING : IMPROV_READY);
    } else {
        if (!p->failing) p->failing = now;
        bool waiting = now - p->started < STARTS && !layout && p->status == IMPROV_STARTING;
        if (waiting) return;
        if (p->status == IMPROV_STARTING || p->status == IMPROV_READY) set_status(p, IMPROV_NO_ENGINE);
        if (now - p->failing > SILENT * p->starts && p->starts < MOST_STARTS) start(p, now);
    }
}

/* Activation */

int improv_plugin_activate(improv_plugin *p, double rate, int longest) {
    improv_plugin_deactivate(p);
    p->rate = rate > 1000.0 && rate < 10e6 ? rate : 48000.0;
    p->longest = longest > 0 ? longest : 8192;
    if (p->map.file && !map_there(&p->map, p->path)) leave_file(p);
    if (!p->map.file && !make_file(p)) {
        set_status(p, IMPROV_NO_FOLDER);
        return 0;
    }
    improv_file *f = p->map.file;
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        p->value[i].now = double_of(GET(p->value[i].wanted));
        PUT(f->host_value[i], bits_of(p->value[i].now));
    }
    PUT(f->out_taken.at, GET(f->out_put.at));
    p->planned = p->heard_count = p->prepared.number = 0;
    p->has_last = p->given_up = false;
    p->closing = true; /* what sounded as it was deactivated */
    p->activated = true;
    PUT(f->epoch, p->epoch += 2);
    PUT(f->activations, GET(f->activations) + 1);
    PUT(f->life, IMPROV_ACTIVE);
    wake_send(&p->waker, (int)GET(f->port));
    if (p->status == IMPROV_OFF) set_status(p, IMPROV_STARTING);
    p->active = true;
    p->looks = 0;
    p->ran = false;
    p->thread = thread_start(look, p, LOOK);
    return 1;
}

void improv_plugin_deactivate(improv_plugin *p) {
    if (!p->active) return;
    thread_end(p->thread);
    p->thread = NULL;
    p->active = false;
    PUT(p->map.file->life, IMPROV_RESTING);
    wake_send(&p->waker, (int)GET(p->map.file->port));
}

/* Questions */

const char *improv_plugin_instance(improv_plugin *p) { return p->instance; }

int improv_plugin_status(improv_plugin *p) { return (int)GET(p->status); }

int improv_plugin_text(improv_plugin *p, char *text, int room) {
    static const char *const told[] = {
        [IMPROV_OFF] = "not active", [IMPROV_NO_SETTINGS] = "run: improv plugin install",
        [IMPROV_NO_PYTHON] = "its Python has gone; run: improv plugin install", [IMPROV_STARTING] = "improv starts",
        [IMPROV_NO_ENGINE] = "improv does not answer; run: improv plugin doctor",
        [IMPROV_OTHER] = "plugin and improv differ in version; run: improv plugin install", [IMPROV_READY] = "ready",
        [IMPROV_FAILED] = "failed; run: improv plugin doctor", [IMPROV_NO_FOLDER] = "no file can be made; run: improv plugin doctor"};
    char said[sizeof p->map.file->said + 1] = {0};
    int status = improv_plugin_status(p);
    if (p->map.file && (status == IMPROV_READY || status == IMPROV_FAILED)) seq_read(&p->map.file->said_count, p->map.file->said, said, sizeof said - 1);
    int length = snprintf(text, (size_t)room, "%s", said[0] ? said : told[status]);
    return length < room ? length : -1;
}

void improv_plugin_want(improv_plugin *p, int number, double value) {
    if (number >= 0 && number < PARAMETER_COUNT) PUT(p->value[number].wanted, bits_of(within(number, value)));
}

double improv_plugin_get(improv_plugin *p, int number) {
    return number < 0 || number >= PARAMETER_COUNT ? 0.0 : double_of(GET(p->value[number].wanted));
}

/* The state: a line for each parameter, `engine=` last, and after it the engine's text as it is */

int improv_plugin_state(improv_plugin *p, char *text, int room) {
    int length = snprintf(text, (size_t)room, STATE_HEAD "instance=%s\n", p->instance);
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        char word[64];
        if (word_of(i, improv_plugin_get(p, i), word, sizeof word) < 0 || length >= room) return -1;
        length += snprintf(text + length, (size_t)(room - length), "%s=%s\n", PARAMETER_ROWS[i].symbol, word);
    }
    if (length + 8 >= room) return -1;
    length += snprintf(text + length, (size_t)(room - length), "engine=");
    improv_file *f = p->map.file;
    if (f && GET(f->engine_text_count)) {
        int more = text_read(&f->engine_text_count, &f->engine_text_length, f->engine_text, text + length, room - length);
        if (more >= 0) return length + more;
    }
    if (p->text_length >= room - length) return -1;
    if (p->text) memcpy(text + length, p->text, (size_t)p->text_length);
    text[length + p->text_length] = 0;
    return length + p->text_length;
}

static void take_name(improv_plugin *p, const char *text, int length) {
    if (p->map.file || length != 16) return;
    for (int i = 0; i < length; i++)
        if (!strchr("0123456789abcdef", text[i]) || !text[i]) return;
    memcpy(p->instance, text, 16);
}

static void take_text(improv_plugin *p, const char *text, int length) {
    char *copy = length <= IMPROV_TEXT ? malloc((size_t)length + 1) : NULL;
    if (!copy) return;
    memcpy(copy, text, (size_t)length);
    free(p->text);
    p->text = copy, p->text_length = length;
    improv_file *f = p->map.file;
    if (f) text_write(&f->host_text_count, &f->host_text_length, f->host_text, copy, length, IMPROV_TEXT);
}

int improv_plugin_put_state(improv_plugin *p, const char *text, int length) {
    int head = (int)strlen(STATE_HEAD), at = head;
    if (length < head || memcmp(text, STATE_HEAD, (size_t)head)) return 0;
    while (at < length) {
        const char *equals = memchr(text + at, '=', (size_t)(length - at)), *end = memchr(text + at, '\n', (size_t)(length - at));
        if (!equals || (end && end < equals)) break;
        int name = (int)(equals - text) - at, from = (int)(equals - text) + 1, size = (end ? (int)(end - text) : length) - from;
        if (name == 6 && !memcmp(text + at, "engine", 6)) {
            take_text(p, text + from, length - from);
            break;
        }
        if (name == 8 && !memcmp(text + at, "instance", 8)) take_name(p, text + from, size);
        for (int i = 0; i < PARAMETER_COUNT; i++) {
            const char *symbol = PARAMETER_ROWS[i].symbol;
            double value;
            if ((int)strlen(symbol) == name && !memcmp(symbol, text + at, (size_t)name) && value_of(i, text + from, size, &value))
                improv_plugin_want(p, i, value);
        }
        at = from + size + 1;
    }
    atomic_store_explicit(&p->restored, true, memory_order_release);
    return 1;
}
