/* The CLAP plugin: notes in, notes out, no audio. Notes go out as CLAP's own events, on which a host can act note by note.
 *
 * A transport that comes within a block begins a part of its own, as in LV2.
 */
#include "clap.h"
#include "audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OUT 4096
#define STATE_ROOM (IMPROV_TEXT + 8192)
#define ALL_NOTES_OFF 123

typedef struct {
    clap_plugin base;
    const clap_host *host;
    const clap_host_parameters *parameters;
    const clap_host_state *state;
    improv_plugin *p;
    improv_transport now; /* position: at the frame that comes */
    double rate;
    _Atomic bool offline;
    uint32_t text; /* of the engine: as often as it changed, as far as was seen */
    improv_note out[MOST_OUT];
} plugin;

#define OF(self) ((plugin *)(self)->of)

/* Life */

static bool CLAP_CALL init(const clap_plugin *self) {
    plugin *o = OF(self);
    o->parameters = o->host->extension(o->host, CLAP_PARAMETERS);
    o->state = o->host->extension(o->host, CLAP_STATE);
    return true;
}

static void CLAP_CALL destroy(const clap_plugin *self) {
    plugin *o = OF(self);
    improv_plugin_free(o->p);
    free(o);
}

static bool CLAP_CALL activate(const clap_plugin *self, double rate, uint32_t shortest, uint32_t longest) {
    (void)shortest;
    OF(self)->rate = rate;
    improv_plugin_activate(OF(self)->p, rate, (int)longest); /* one that fails is silent, and says why in its status */
    return true;
}

static void CLAP_CALL deactivate(const clap_plugin *self) { improv_plugin_deactivate(OF(self)->p); }

static bool CLAP_CALL start(const clap_plugin *self) {
    (void)self;
    return true;
}

static void CLAP_CALL nothing(const clap_plugin *self) { (void)self; }

static void CLAP_CALL called(const clap_plugin *self) {
    plugin *o = OF(self);
    if (o->state) o->state->dirty(o->host);
}

/* What comes in */

static void take_transport(plugin *o, const clap_transport *c) {
    improv_transport *t = &o->now;
    t->flags = 0;
    if (c->flags & CLAP_PLAYING) t->flags |= IMPROV_PLAYING;
    if (c->flags & CLAP_RECORDING) t->flags |= IMPROV_RECORDING;
    t->tempo = c->flags & CLAP_HAS_TEMPO ? c->tempo : 0;
    t->position = c->flags & CLAP_HAS_BEATS     ? (double)c->beats / CLAP_ONE
                  : c->flags & CLAP_HAS_SECONDS ? (double)c->seconds / CLAP_ONE * t->tempo / 60.0
                                                : 0;
    t->bar_start = c->flags & CLAP_HAS_BEATS ? (double)c->bar_start / CLAP_ONE : NAN;
    bool metre = c->flags & CLAP_HAS_METRE && c->numerator && c->denominator;
    t->numerator = metre ? c->numerator : 4, t->denominator = metre ? c->denominator : 4;
    double bar = 4.0 * t->numerator / t->denominator; /* some hosts leave it 0 */
    if (!(t->bar_start <= t->position + 1e-6 && t->position < t->bar_start + bar + 1e-6)) t->bar_start = NAN;
    t->loop_start = t->loop_end = 0;
    if (c->flags & CLAP_LOOPING && c->flags & CLAP_HAS_BEATS) {
        t->flags |= IMPROV_LOOPING;
        t->loop_start = (double)c->loop_start / CLAP_ONE, t->loop_end = (double)c->loop_end / CLAP_ONE;
    }
}

static uint8_t midi(double value) { return (uint8_t)(value < 0 ? 0 : value > 127 ? 127 : value + 0.5); }

static void hear_note(plugin *o, int offset, const clap_note *n) {
    bool on = n->head.type == CLAP_NOTE_ON;
    for (int channel = n->channel < 0 ? 0 : n->channel & 15, last = n->channel < 0 ? 15 : channel; channel <= last; channel++) {
        uint8_t bytes[3] = {(uint8_t)((on ? 0x90 : 0x80) | channel), (uint8_t)n->key, 64};
        if (n->key > 127 || (on && (n->key < 0 || n->channel < 0))) return;
        if (n->key < 0) bytes[0] = (uint8_t)(0xB0 | channel), bytes[1] = ALL_NOTES_OFF, bytes[2] = 0;
        if (on && !(bytes[2] = midi(n->velocity * 127.0))) bytes[2] = 1;
        improv_plugin_heard(o->p, offset, bytes, 3);
    }
}

static void hear(plugin *o, int offset, const clap_header *e) {
    if (e->space) return;
    if (e->type <= CLAP_NOTE_CHOKE && e->size >= sizeof(clap_note)) {
        hear_note(o, offset, (const clap_note *)e);
    } else if (e->type == CLAP_MIDI && e->size >= sizeof(clap_midi)) {
        improv_plugin_heard(o->p, offset, ((const clap_midi *)e)->bytes, 3);
    } else if (e->type == CLAP_VALUE && e->size >= sizeof(clap_value)) {
        const clap_value *v = (const clap_value *)e;
        if (v->parameter < PARAMETER_COUNT) improv_plugin_set(o->p, offset, (int)v->parameter, v->value);
    }
}

/* What goes out */

static void give_changes(plugin *o, const clap_events_out *out, uint32_t time) { /* that the engine made: as if somebody had turned the knob */
    int moved[PARAMETER_COUNT], count = improv_plugin_moved(o->p, moved, PARAMETER_COUNT);
    for (int i = 0; i < count; i++) {
        uint32_t id = (uint32_t)moved[i];
        clap_touch touch = {{sizeof touch, time, 0, CLAP_TOUCH, 0}, id}, let_go = {{sizeof let_go, time, 0, CLAP_LET_GO, 0}, id};
        clap_value v = {{sizeof v, time, 0, CLAP_VALUE, 0}, id, NULL, -1, -1, -1, -1, improv_plugin_get(o->p, moved[i])};
        out->put(out, &touch.head);
        out->put(out, &v.head);
        out->put(out, &let_go.head);
    }
}

static void give_notes(const plugin *o, const clap_events_out *out, int count, uint32_t base) {
    for (int i = 0; i < count; i++) {
        const improv_note *n = &o->out[i];
        uint32_t time = base + (uint32_t)n->offset;
        int kind = n->bytes[0] & 0xF0, channel = n->bytes[0] & 15;
        if (kind == 0x80 || kind == 0x90) {
            clap_note e = {{sizeof e, time, 0, kind == 0x90 ? CLAP_NOTE_ON : CLAP_NOTE_OFF, 0}, -1, 0, (int16_t)channel, n->bytes[1],
                           n->bytes[2] / 127.0};
            out->put(out, &e.head);
        } else {
            clap_midi e = {{sizeof e, time, 0, CLAP_MIDI, 0}, 0, {n->bytes[0], n->bytes[1], n->size == 3 ? n->bytes[2] : 0}};
            out->put(out, &e.head);
        }
    }
}

static void part(plugin *o, const clap_block *b, uint32_t from, uint32_t to) {
    if (atomic_load(&o->offline))
        o->now.flags |= IMPROV_OFFLINE;
    else
        o->now.flags &= ~(uint32_t)IMPROV_OFFLINE;
    int frames = (int)(to - from), count = improv_plugin_run(o->p, &o->now, frames, o->out, MOST_OUT);
    give_changes(o, b->out, from);
    give_notes(o, b->out, count, from);
    if (!(o->now.flags & IMPROV_PLAYING)) return;
    double bar = 4.0 * o->now.numerator / o->now.denominator;
    o->now.position += frames * o->now.tempo / (60.0 * o->rate);
    while (o->now.position >= o->now.bar_start + bar - 1e-9) o->now.bar_start += bar;
}

static void mark_dirty(plugin *o) { /* the engine has another text for the project */
    uint32_t text = o->p->map.file ? GET(o->p->map.file->engine_text_count) : 0;
    if (text != o->text && o->state) o->host->want_call(o->host);
    o->text = text;
}

static int32_t CLAP_CALL run(const clap_plugin *self, const clap_block *b) {
    plugin *o = OF(self);
    uint32_t done = 0, count = b->in->count(b->in);
    if (b->transport)
        take_transport(o, b->transport);
    else
        o->now = (improv_transport){.bar_start = NAN, .numerator = 4, .denominator = 4};
    for (uint32_t i = 0; i < count; i++) {
        const clap_header *e = b->in->get(b->in, i);
        uint32_t time = e->time < b->frames ? e->time : b->frames - 1;
        if (e->space == 0 && e->type == CLAP_TRANSPORT && e->size >= sizeof(clap_transport)) {
            if (time > done) part(o, b, done, time), done = time;
            take_transport(o, (const clap_transport *)e);
        } else {
            hear(o, (int)time - (int)done, e);
        }
    }
    if (b->frames > done) part(o, b, done, b->frames);
    mark_dirty(o);
    return 1;
}

/* Extensions */

static uint32_t CLAP_CALL port_count(const clap_plugin *self, bool in) {
    (void)self, (void)in;
    return 1;
}

static bool CLAP_CALL port(const clap_plugin *self, uint32_t index, bool in, clap_note_port *about) {
    (void)self;
    if (index) return false;
    memset(about, 0, sizeof *about);
    about->id = in ? 0 : 1;
    about->speaks = CLAP_SPEAKS_CLAP | CLAP_SPEAKS_MIDI, about->prefers = CLAP_SPEAKS_CLAP;
    strcpy(about->name, in ? "Heard" : "Played");
    return true;
}

static uint32_t CLAP_CALL count(const clap_plugin *self) {
    (void)self;
    return PARAMETER_COUNT;
}

static bool CLAP_CALL parameter(const clap_plugin *self, uint32_t index, clap_parameter *about) {
    (void)self;
    if (index >= PARAMETER_COUNT) return false;
    const parameter_row *row = &PARAMETER_ROWS[index];
    memset(about, 0, sizeof *about);
    about->id = index;
    about->flags = CLAP_AUTOMATABLE | (row->whole ? CLAP_STEPPED : 0) | (row->words[0] ? CLAP_WORDS : 0) | (index == BYPASS ? CLAP_BYPASS : 0);
    strncpy(about->name, row->label, sizeof about->name - 1);
    about->lowest = row->lowest, about->highest = row->highest, about->standard = row->standard;
    return true;
}

static bool CLAP_CALL get(const clap_plugin *self, uint32_t id, double *value) {
    if (id >= PARAMETER_COUNT) return false;
    *value = improv_plugin_get(OF(self)->p, (int)id);
    return true;
}

static bool CLAP_CALL text_of(const clap_plugin *self, uint32_t id, double value, char *text, uint32_t room) {
    (void)self;
    char word[64];
    int length = id < PARAMETER_COUNT ? word_of((int)id, value, word, sizeof word) : -1;
    const char *unit = length < 0 ? "" : PARAMETER_ROWS[id].unit;
    if (length < 0 || (uint32_t)length + strlen(unit) + 2 > room) return false;
    memcpy(text, word, (size_t)length + 1);
    if (*unit) text[length] = ' ', strcpy(text + length + 1, unit);
    return true;
}

static bool CLAP_CALL value_of_text(const clap_plugin *self, uint32_t id, const char *text, double *value) {
    (void)self;
    if (id >= PARAMETER_COUNT) return false;
    size_t length = strlen(text), unit = strlen(PARAMETER_ROWS[id].unit);
    if (unit && length > unit && !strcmp(text + length - unit, PARAMETER_ROWS[id].unit)) length -= unit;
    while (length && text[length - 1] == ' ') length--;
    return length < 64 && value_of((int)id, text, (int)length, value);
}

static void CLAP_CALL flush(const clap_plugin *self, const clap_events_in *in, const clap_events_out *out) {
    plugin *o = OF(self);
    for (uint32_t i = 0, all = in->count(in); i < all; i++) {
        const clap_header *e = in->get(in, i);
        if (e->space || e->type != CLAP_VALUE || e->size < sizeof(clap_value)) continue;
        const clap_value *v = (const clap_value *)e;
        if (v->parameter < PARAMETER_COUNT) improv_plugin_want(o->p, (int)v->parameter, v->value);
    }
    give_changes(o, out, 0);
}

static bool CLAP_CALL save(const clap_plugin *self, const clap_writer *to) {
    char *text = malloc(STATE_ROOM);
    int length = text ? improv_plugin_state(OF(self)->p, text, STATE_ROOM) : -1, at = 0;
    while (at < length) {
        int64_t put = to->write(to, text + at, (uint64_t)(length - at));
        if (put <= 0) break;
        at += (int)put;
    }
    free(text);
    return length >= 0 && at == length;
}

static bool CLAP_CALL load(const clap_plugin *self, const clap_reader *from) {
    plugin *o = OF(self);
    char *text = malloc(STATE_ROOM);
    int64_t length = 0, got = text ? 1 : -1;
    while (got > 0 && length < STATE_ROOM && (got = from->read(from, text + length, (uint64_t)(STATE_ROOM - length))) > 0) length += got;
    bool good = got >= 0 && improv_plugin_put_state(o->p, text, (int)length);
    free(text);
    if (good && o->parameters) o->parameters->rescan(o->host, 1);
    return good;
}

static uint32_t CLAP_CALL latency(const clap_plugin *self) {
    (void)self;
    return 0;
}

static bool CLAP_CALL needs_real_time(const clap_plugin *self) {
    (void)self;
    return false;
}

static bool CLAP_CALL render(const clap_plugin *self, int32_t mode) {
    atomic_store(&OF(self)->offline, mode == 1);
    return mode == 0 || mode == 1;
}

static const void *CLAP_CALL extension(const clap_plugin *self, const char *id) {
    static const clap_parameters parameters = {count, parameter, get, text_of, value_of_text, flush};
    static const clap_note_ports note_ports = {port_count, port};
    static const clap_state state = {save, load};
    static const clap_latency none = {latency};
    static const clap_render rendering = {needs_real_time, render};
    (void)self;
    return !strcmp(id, CLAP_PARAMETERS)   ? (const void *)&parameters
           : !strcmp(id, CLAP_NOTE_PORTS) ? (const void *)&note_ports
           : !strcmp(id, CLAP_STATE)      ? (const void *)&state
           : !strcmp(id, CLAP_LATENCY)    ? (const void *)&none
           : !strcmp(id, CLAP_RENDER)     ? (const void *)&rendering
                                          : NULL;
}

/* Factory */

static const char *const KINDS[] = {"note-effect", "utility", NULL};
static const clap_descriptor DESCRIPTOR = {CLAP_RELEASE, "improv.plugin", "improv", "improv", "", "", "", IMPROV_VERSION,
                                           "A jazz partner: you play, it listens, and it answers in time.", KINDS};

static uint32_t CLAP_CALL factory_count(const clap_factory *self) {
    (void)self;
    return 1;
}

static const clap_descriptor *CLAP_CALL about(const clap_factory *self, uint32_t index) {
    (void)self;
    return index ? NULL : &DESCRIPTOR;
}

static const clap_plugin *CLAP_CALL create(const clap_factory *self, const clap_host *host, const char *id) {
    (void)self;
    plugin *o = host && host->release.major >= 1 && !strcmp(id, DESCRIPTOR.id) ? calloc(1, sizeof *o) : NULL;
    if (!o || !(o->p = improv_plugin_new())) {
        free(o);
        return NULL;
    }
    o->base = (clap_plugin){&DESCRIPTOR, o, init, destroy, activate, deactivate, start, nothing, nothing, run, extension, called};
    o->host = host;
    o->rate = 48000;
    improv_plugin_tells(o->p, IMPROV_TOLD);
    return &o->base;
}

static bool CLAP_CALL entry_init(const char *path) {
    (void)path;
    return true;
}

static void CLAP_CALL entry_deinit(void) {}

static const void *CLAP_CALL factory(const char *id) {
    static const clap_factory one = {factory_count, about, create};
    return strcmp(id, CLAP_FACTORY) ? NULL : &one;
}

IMPROV_API extern const clap_entry_table clap_entry;
const clap_entry_table clap_entry = {CLAP_RELEASE, entry_init, entry_deinit, factory};
