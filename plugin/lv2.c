/* The LV2 plugin: MIDI and the host's position in, MIDI out, no audio.
 *
 * Ports, as improv.ttl has them: heard, played, freewheel, enabled, then each parameter but `bypass`, then status.
 * A position that comes within a block begins a part of its own. LV2 tells no loop, and a bar and a beat in it but often no beat
 * since the start: then the place in the song is that of the bar, shifted where the metre changes, so that it goes on.
 */
#include "lv2.h"
#include "audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define URI "urn:improv:plugin"
#define MOST_OUT 4096
#define ROUNDED (1.0 / 900.0) /* quarter notes: hosts round a position to ticks of 960 or 1920 a quarter; ours, which goes on, is better */
#define STATE_ROOM (IMPROV_TEXT + 8192)

enum { HEARD_PORT, PLAYED_PORT, FREEWHEEL_PORT, ENABLED_PORT, FIRST_PARAMETER };
#define STATUS_PORT (FIRST_PARAMETER + PARAMETER_COUNT - 1)

typedef struct {
    improv_plugin *p;
    const lv2_change_request *request;
    double rate;
    int longest;
    const lv2_sequence *heard;
    lv2_sequence *played;
    const float *freewheel, *enabled, *value[PARAMETER_COUNT];
    float *status, seen[PARAMETER_COUNT + 1]; /* the ports' values of the block before; the last is `enabled` */
    bool seen_any;
    improv_transport now; /* position: at the frame that comes */
    double speed, shift;
    int64_t host_frame;   /* that the host's frame is expected to be; -1: none was told */
    improv_note out[MOST_OUT];
    struct {
        uint32_t midi, position, sequence, object, blank, string, text, integer, wide, single, twofold;
        uint32_t bar, bar_beat, beat, unit, per_bar, per_minute, frame, speed, longest;
    } id;
} plugin;

/* Instances */

static int number_of_port(uint32_t port) { /* of the parameter, in whose row `bypass` has no port */
    int number = (int)port - FIRST_PARAMETER;
    return number < BYPASS ? number : number + 1;
}

static void map_all(plugin *o, lv2_map *m) {
    o->id.midi = m->map(m->handle, LV2_NS "ext/midi#MidiEvent");
    o->id.position = m->map(m->handle, LV2_TIME "Position");
    o->id.bar = m->map(m->handle, LV2_TIME "bar");
    o->id.bar_beat = m->map(m->handle, LV2_TIME "barBeat");
    o->id.beat = m->map(m->handle, LV2_TIME "beat");
    o->id.unit = m->map(m->handle, LV2_TIME "beatUnit");
    o->id.per_bar = m->map(m->handle, LV2_TIME "beatsPerBar");
    o->id.per_minute = m->map(m->handle, LV2_TIME "beatsPerMinute");
    o->id.frame = m->map(m->handle, LV2_TIME "frame");
    o->id.speed = m->map(m->handle, LV2_TIME "speed");
    o->id.sequence = m->map(m->handle, LV2_ATOM "Sequence");
    o->id.object = m->map(m->handle, LV2_ATOM "Object");
    o->id.blank = m->map(m->handle, LV2_ATOM "Blank");
    o->id.string = m->map(m->handle, LV2_ATOM "String");
    o->id.integer = m->map(m->handle, LV2_ATOM "Int");
    o->id.wide = m->map(m->handle, LV2_ATOM "Long");
    o->id.single = m->map(m->handle, LV2_ATOM "Float");
    o->id.twofold = m->map(m->handle, LV2_ATOM "Double");
    o->id.text = m->map(m->handle, URI "#state");
    o->id.longest = m->map(m->handle, LV2_NS "ext/buf-size#maxBlockLength");
}

static lv2_handle instantiate(const lv2_descriptor_table *d, double rate, const char *bundle, const lv2_feature *const *features) {
    (void)d, (void)bundle;
    lv2_map *map = NULL;
    const lv2_option *options = NULL;
    const lv2_change_request *request = NULL;
    for (; features && *features; features++) {
        if (!strcmp((*features)->uri, LV2_MAP)) map = (*features)->with;
        if (!strcmp((*features)->uri, LV2_OPTIONS)) options = (*features)->with;
        if (!strcmp((*features)->uri, LV2_CHANGE_REQUEST)) request = (*features)->with;
    }
    plugin *o = map ? calloc(1, sizeof *o) : NULL;
    if (!o || !(o->p = improv_plugin_new())) {
        free(o);
        return NULL;
    }
    map_all(o, map);
    o->request = request;
    improv_plugin_tells(o->p, request && request->change ? IMPROV_TOLD : IMPROV_UNTELLABLE);
    o->rate = rate;
    o->longest = 8192;
    for (; options && options->key; options++)
        if (options->key == o->id.longest && options->type == o->id.integer && options->size == 4) memcpy(&o->longest, options->value, 4);
    o->now = (improv_transport){.bar_start = NAN, .numerator = 4, .denominator = 4};
    o->host_frame = -1;
    return o;
}

static void connect_port(lv2_handle h, uint32_t port, void *at) {
    plugin *o = h;
    if (port == HEARD_PORT)
        o->heard = at;
    else if (port == PLAYED_PORT)
        o->played = at;
    else if (port == FREEWHEEL_PORT)
        o->freewheel = at;
    else if (port == ENABLED_PORT)
        o->enabled = at;
    else if (port == STATUS_PORT)
        o->status = at;
    else if (port < STATUS_PORT)
        o->value[number_of_port(port)] = at;
}

static void activate(lv2_handle h) {
    plugin *o = h;
    o->seen_any = false;
    improv_plugin_activate(o->p, o->rate, o->longest);
}

static void deactivate(lv2_handle h) { improv_plugin_deactivate(((plugin *)h)->p); }

static void cleanup(lv2_handle h) {
    improv_plugin_free(((plugin *)h)->p);
    free(h);
}

/* Blocks */

static void read_ports(plugin *o) {
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (i != BYPASS && o->value[i] && (!o->seen_any || *o->value[i] != o->seen[i])) {
            o->seen[i] = *o->value[i];
            improv_plugin_set(o->p, 0, i, o->seen[i]);
        }
    float on = o->enabled ? *o->enabled : 1;
    if (!o->seen_any || on != o->seen[PARAMETER_COUNT]) improv_plugin_set(o->p, 0, BYPASS, on > 0.5f ? 0 : 1);
    o->seen[PARAMETER_COUNT] = on;
    o->seen_any = true;
    if (o->freewheel && *o->freewheel > 0.5f)
        o->now.flags |= IMPROV_OFFLINE;
    else
        o->now.flags &= ~(uint32_t)IMPROV_OFFLINE;
}

static double number_in(const plugin *o, const lv2_atom *a, double otherwise) {
    const void *at = a + 1;
    if (a->type == o->id.single && a->size == 4) {
        float v;
        return memcpy(&v, at, 4), v;
    }
    if (a->type == o->id.twofold && a->size == 8) {
        double v;
        return memcpy(&v, at, 8), v;
    }
    if (a->type == o->id.integer && a->size == 4) {
        int32_t v;
        return memcpy(&v, at, 4), v;
    }
    if (a->type == o->id.wide && a->size == 8) {
        int64_t v;
        return memcpy(&v, at, 8), (double)v;
    }
    return otherwise;
}

typedef struct {
    double bar, bar_beat, beat, unit, per_bar, per_minute, frame, speed;
} position;

static position read_position(const plugin *o, const lv2_atom *a) {
    position t = {NAN, NAN, NAN, o->now.denominator, o->now.numerator, o->now.tempo * o->now.denominator / 4.0, NAN, o->speed};
    if (o->speed > 0) t.per_minute /= o->speed;
    const char *at = (const char *)(a + 1) + sizeof(lv2_object), *end = (const char *)(a + 1) + a->size;
    while (end - at >= (ptrdiff_t)sizeof(lv2_property)) {
        const lv2_property *property = (const lv2_property *)at;
        const char *value = at + sizeof *property;
        if (property->value.size > (size_t)(end - value)) break;
        double *of = property->key == o->id.bar          ? &t.bar
                     : property->key == o->id.bar_beat   ? &t.bar_beat
                     : property->key == o->id.beat       ? &t.beat
                     : property->key == o->id.unit       ? &t.unit
                     : property->key == o->id.per_bar    ? &t.per_bar
                     : property->key == o->id.per_minute ? &t.per_minute
                     : property->key == o->id.frame      ? &t.frame
                     : property->key == o->id.speed      ? &t.speed
                                                         : NULL;
        if (of) *of = number_in(o, &property->value, *of);
        at = value + ((property->value.size + 7u) & ~7u);
    }
    return t;
}

/* From the frame that comes on, the transport is as the host says. */
static void take_position(plugin *o, const lv2_atom *a) {
    if (a->size < sizeof(lv2_object) || ((const lv2_object *)(a + 1))->kind != o->id.position) return;
    improv_transport *now = &o->now;
    position t = read_position(o, a);
    if (!(t.unit >= 1 && t.unit <= 64)) t.unit = 4;
    if (!(t.per_bar >= 1 && t.per_bar <= 64)) t.per_bar = 4;
    if (!(t.speed == t.speed)) t.speed = 0;
    double quarters = 4.0 / t.unit, before = now->position;
    bool other_metre = now->numerator != (int)(t.per_bar + 0.5) || now->denominator != (int)t.unit;
    bool goes_on = o->host_frame >= 0 && fabs(t.frame - (double)o->host_frame) <= 1.5 && (t.speed > 0) == (o->speed > 0);
    if (t.beat == t.beat) {
        now->position = t.beat * quarters;
        o->shift = 0;
    } else if (t.bar == t.bar) {
        double raw = (t.bar * t.per_bar + (t.bar_beat == t.bar_beat ? t.bar_beat : 0)) * quarters;
        if (!goes_on) o->shift = 0;
        if (goes_on && other_metre) o->shift = before - raw;
        now->position = raw + o->shift;
    }
    double bar_start = t.bar_beat == t.bar_beat ? now->position - t.bar_beat * quarters : NAN;
    if (t.speed > 0 && o->speed > 0 && fabs(now->position - before) < ROUNDED) now->position = before;
    if (!(fabs(bar_start - now->bar_start) < ROUNDED)) now->bar_start = bar_start;
    now->numerator = (int)(t.per_bar + 0.5), now->denominator = (int)t.unit;
    now->tempo = t.per_minute * quarters * (t.speed > 0 ? t.speed : 1);
    if (t.speed > 0)
        now->flags |= IMPROV_PLAYING;
    else
        now->flags &= ~(uint32_t)IMPROV_PLAYING;
    o->speed = t.speed;
    o->host_frame = fabs(t.frame) < 1e15 ? (int64_t)t.frame : -1;
}

/* The engine changed parameters. A port is the host's own, and only some hosts can be asked to move its knob; in the others the change
   holds until that knob is moved, or the plugin is activated again. */
static void ask_for_changes(plugin *o) {
    int moved[PARAMETER_COUNT], count = improv_plugin_moved(o->p, moved, PARAMETER_COUNT);
    for (int i = 0; i < count && o->request && o->request->change; i++) {
        int number = moved[i], port = FIRST_PARAMETER + (number < BYPASS ? number : number - 1);
        float value = (float)improv_plugin_get(o->p, number);
        if (number == BYPASS)
            o->request->change(o->request->handle, ENABLED_PORT, value < 0.5f);
        else
            o->request->change(o->request->handle, (uint32_t)port, value);
    }
}

static void go_on(plugin *o, int frames) { /* the transport, by so many */
    if (!(o->now.flags & IMPROV_PLAYING)) return;
    double bar = 4.0 * o->now.numerator / o->now.denominator;
    o->now.position += frames * o->now.tempo / (60.0 * o->rate);
    while (o->now.position >= o->now.bar_start + bar - 1e-9) o->now.bar_start += bar;
    if (o->host_frame >= 0) o->host_frame += (int64_t)(frames * o->speed + 0.5);
}

static uint32_t write_notes(plugin *o, uint32_t at, uint32_t room, int count, int base) {
    char *body = (char *)o->played + sizeof(lv2_atom);
    for (int i = 0; i < count; i++) {
        const improv_note *n = &o->out[i];
        if (at + sizeof(lv2_event) + 8 > room) break;
        lv2_event *e = (lv2_event *)(body + at);
        e->frames = base + n->offset;
        e->body = (lv2_atom){n->size, o->id.midi};
        memset(e + 1, 0, 8);
        memcpy(e + 1, n->bytes, n->size);
        at += sizeof *e + 8;
    }
    return at;
}

/* What finds no room in the host's buffer waits in the plan, so it is asked first how much there is. */
static int room_for(uint32_t at, uint32_t room) {
    uint32_t notes = at < room ? (room - at) / (sizeof(lv2_event) + 8) : 0;
    return notes < MOST_OUT ? (int)notes : MOST_OUT;
}

static void run(lv2_handle h, uint32_t frames) {
    plugin *o = h;
    uint32_t room = o->played ? o->played->atom.size : 0, at = sizeof(lv2_sequence) - sizeof(lv2_atom);
    if (!o->heard || !o->played || room < at) return;
    read_ports(o);
    int done = 0;
    const char *event = (const char *)(o->heard + 1), *end = (const char *)&o->heard->unit + o->heard->atom.size;
    while (o->heard->atom.type == o->id.sequence && end - event >= (ptrdiff_t)sizeof(lv2_event)) {
        const lv2_event *e = (const lv2_event *)event;
        if (e->body.size > (size_t)(end - event) - sizeof *e) break;
        int offset = e->frames < 0 ? 0 : e->frames >= (int64_t)frames ? (int)frames - 1 : (int)e->frames;
        if (e->body.type == o->id.midi) {
            improv_plugin_heard(o->p, offset - done, (const uint8_t *)(e + 1), (int)e->body.size);
        } else if (e->body.type == o->id.object || e->body.type == o->id.blank) {
            if (offset > done) {
                int count = improv_plugin_run(o->p, &o->now, offset - done, o->out, room_for(at, room));
                at = write_notes(o, at, room, count, done);
                go_on(o, offset - done);
                done = offset;
            }
            take_position(o, &e->body);
        }
        event += sizeof *e + ((e->body.size + 7u) & ~7u);
    }
    if ((int)frames > done) {
        int count = improv_plugin_run(o->p, &o->now, (int)frames - done, o->out, room_for(at, room));
        at = write_notes(o, at, room, count, done);
        go_on(o, (int)frames - done);
    }
    ask_for_changes(o);
    o->played->atom = (lv2_atom){at, o->id.sequence};
    o->played->unit = o->played->pad = 0;
    if (o->status) *o->status = (float)improv_plugin_status(o->p);
}

/* State */

static int save(lv2_handle h, lv2_store store, void *handle, uint32_t flags, const lv2_feature *const *features) {
    (void)flags, (void)features;
    plugin *o = h;
    char *text = malloc(STATE_ROOM);
    int length = text ? improv_plugin_state(o->p, text, STATE_ROOM) : -1, failed = 1;
    if (length >= 0) failed = store(handle, o->id.text, text, (size_t)length + 1, o->id.string, 3); /* 3: plain, portable */
    free(text);
    return failed;
}

static int restore(lv2_handle h, lv2_retrieve retrieve, void *handle, uint32_t flags, const lv2_feature *const *features) {
    (void)flags, (void)features;
    plugin *o = h;
    size_t size = 0;
    uint32_t type = 0, kind = 0;
    const char *text = retrieve(handle, o->id.text, &size, &type, &kind);
    if (!text || type != o->id.string || size > STATE_ROOM) return text ? 1 : 0;
    if (size && !text[size - 1]) size--;
    return improv_plugin_put_state(o->p, text, (int)size) ? 0 : 1;
}

static const void *extension(const char *uri) {
    static const lv2_state_table state = {save, restore};
    return !strcmp(uri, LV2_STATE) ? &state : NULL;
}

static const lv2_descriptor_table DESCRIPTOR = {URI, instantiate, connect_port, activate, run, deactivate, cleanup, extension};

IMPROV_API const lv2_descriptor_table *lv2_descriptor(uint32_t index);
const lv2_descriptor_table *lv2_descriptor(uint32_t index) { return index ? NULL : &DESCRIPTOR; }
