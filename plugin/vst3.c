/* The VST3 plugin: an instrument with a silent stereo output, a MIDI input and a MIDI output.
 *
 * One object is component, processor and controller at once. Each interface is a pointer to its table of functions in the object,
 * so a function finds the object by its own place in it.
 */
#include "vst3.h"
#include "audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PEDAL_ID 1000u /* the sustain pedal: VST3 has controllers as parameters */
#define MOST_OUT 4096
#define STATE_ROOM (IMPROV_TEXT + 8192)
#define OFFLINE 2

typedef struct {
    const vst3_component *component;
    const vst3_processor *processor;
    const vst3_controller *controller;
    const vst3_midi_mapping *mapping;
    const vst3_context_needs *needs;
    word32 references;
    improv_plugin *p;
    vst3_setup setup;
    double pedal;
    improv_note out[MOST_OUT];
} plugin;

static const vst3_id UNKNOWN = VST3_FUNKNOWN, BASE = VST3_PLUGIN_BASE, COMPONENT = VST3_COMPONENT, PROCESSOR = VST3_PROCESSOR,
                     CONTROLLER = VST3_CONTROLLER, MAPPING = VST3_MIDI_MAPPING, NEEDS = VST3_CONTEXT_NEEDS, FACTORY = VST3_FACTORY,
                     FACTORY2 = VST3_FACTORY2;
static const vst3_id OURS = VST3_ID(0x696D7072u, 0x6F764A61u, 0x7A7A4461u, 0x77506C67u);

static bool same(const vst3_id a, const vst3_id b) { return !memcmp(a, b, sizeof(vst3_id)); }

static void text_in(vst3_text to, const char *from) { /* UTF-8 of one byte a character */
    int i = 0;
    for (; from[i] && i < 127; i++) to[i] = (uint8_t)from[i];
    to[i] = 0;
}

static vst3_result find(plugin *o, const vst3_id id, void **found) {
    *found = same(id, UNKNOWN) || same(id, BASE) || same(id, COMPONENT) ? (void *)&o->component
             : same(id, PROCESSOR)                                      ? (void *)&o->processor
             : same(id, CONTROLLER)                                     ? (void *)&o->controller
             : same(id, MAPPING)                                        ? (void *)&o->mapping
             : same(id, NEEDS)                                          ? (void *)&o->needs
                                                                        : NULL;
    if (!*found) return VST3_NO_INTERFACE;
    atomic_fetch_add(&o->references, 1);
    return VST3_OK;
}

static uint32_t release(plugin *o) {
    uint32_t left = atomic_fetch_sub(&o->references, 1) - 1;
    if (left) return left;
    improv_plugin_free(o->p);
    free(o);
    return 0;
}

/* For each interface, how to get from it to the object, and the three functions that all have. */
#define OF(self, field) ((plugin *)((char *)(self)-offsetof(plugin, field)))
#define UNKNOWN_OF(field)                                                                                                             \
    static vst3_result VST3_CALL field##_query(void *self, const vst3_id id, void **found) { return find(OF(self, field), id, found); } \
    static uint32_t VST3_CALL field##_add(void *self) { return atomic_fetch_add(&OF(self, field)->references, 1) + 1; }                \
    static uint32_t VST3_CALL field##_release(void *self) { return release(OF(self, field)); }
UNKNOWN_OF(component)
UNKNOWN_OF(processor)
UNKNOWN_OF(controller)
UNKNOWN_OF(mapping)
UNKNOWN_OF(needs)
#define UNKNOWN_TABLE(field) .query = field##_query, .add = field##_add, .release = field##_release

/* Component */

static vst3_result VST3_CALL initialize(void *self, void *host) {
    (void)self, (void)host;
    return VST3_OK;
}

static vst3_result VST3_CALL terminate(void *self) {
    improv_plugin_deactivate(OF(self, component)->p);
    return VST3_OK;
}

static vst3_result VST3_CALL terminate_controller(void *self) {
    (void)self;
    return VST3_OK;
}

static vst3_result VST3_CALL controller_class(void *self, vst3_id id) {
    (void)self, (void)id;
    return VST3_NOT_DONE; /* the component is its own controller */
}

static vst3_result VST3_CALL set_io_mode(void *self, int32_t mode) {
    (void)self, (void)mode;
    return VST3_NOT_DONE;
}

static int32_t VST3_CALL bus_count(void *self, int32_t media, int32_t direction) {
    (void)self;
    return media == 1 ? 1 : media == 0 && direction == 1 ? 1 : 0;
}

static vst3_result VST3_CALL bus(void *self, int32_t media, int32_t direction, int32_t index, vst3_bus_info *info) {
    if (index != 0 || !bus_count(self, media, direction)) return VST3_BAD_ARGUMENT;
    memset(info, 0, sizeof *info);
    info->media = media, info->direction = direction, info->channels = media ? 16 : 2, info->flags = 1;
    text_in(info->name, media == 0 ? "Silence" : direction ? "Played" : "Heard");
    return VST3_OK;
}

static vst3_result VST3_CALL route(void *self, vst3_route *in, vst3_route *out) {
    (void)self, (void)in, (void)out;
    return VST3_NOT_DONE;
}

static vst3_result VST3_CALL activate_bus(void *self, int32_t media, int32_t direction, int32_t index, uint8_t on) {
    (void)on;
    return index == 0 && bus_count(self, media, direction) ? VST3_OK : VST3_BAD_ARGUMENT;
}

static vst3_result VST3_CALL set_active(void *self, uint8_t on) {
    plugin *o = OF(self, component);
    if (on)
        improv_plugin_activate(o->p, o->setup.rate, o->setup.longest); /* one that fails is silent, and says why in its status */
    else
        improv_plugin_deactivate(o->p);
    return VST3_OK;
}

static vst3_result VST3_CALL set_state(void *self, const vst3_stream **stream) {
    if (!stream) return VST3_BAD_ARGUMENT;
    char *text = malloc(STATE_ROOM);
    if (!text) return VST3_FAILED;
    int32_t length = 0, got = 0;
    while (length < STATE_ROOM && (*stream)->read(stream, text + length, STATE_ROOM - length, &got) == VST3_OK && got > 0) length += got;
    bool good = improv_plugin_put_state(OF(self, component)->p, text, length);
    free(text);
    return good ? VST3_OK : VST3_NO;
}

static vst3_result VST3_CALL get_state(void *self, const vst3_stream **stream) {
    if (!stream) return VST3_BAD_ARGUMENT;
    char *text = malloc(STATE_ROOM);
    if (!text) return VST3_FAILED;
    int length = improv_plugin_state(OF(self, component)->p, text, STATE_ROOM), at = 0;
    int32_t put = 0;
    while (at < length && (*stream)->write(stream, text + at, length - at, &put) == VST3_OK && put > 0) at += put;
    free(text);
    return length >= 0 && at == length ? VST3_OK : VST3_FAILED;
}

static const vst3_component COMPONENT_TABLE = {UNKNOWN_TABLE(component), initialize, terminate, controller_class, set_io_mode, bus_count,
                                               bus, route, activate_bus, set_active, set_state, get_state};

/* Processor */

static vst3_result VST3_CALL set_arrangements(void *self, uint64_t *in, int32_t ins, uint64_t *out, int32_t outs) {
    (void)self, (void)in;
    return ins == 0 && outs == 1 && out[0] == 3 ? VST3_OK : VST3_NO; /* 3: left and right */
}

static vst3_result VST3_CALL arrangement(void *self, int32_t direction, int32_t index, uint64_t *speakers) {
    (void)self;
    if (direction != 1 || index != 0) return VST3_BAD_ARGUMENT;
    *speakers = 3;
    return VST3_OK;
}

static vst3_result VST3_CALL can_sample_size(void *self, int32_t size) {
    (void)self;
    return size == 0 || size == 1 ? VST3_OK : VST3_NO;
}

static uint32_t VST3_CALL none(void *self) {
    (void)self;
    return 0;
}

static vst3_result VST3_CALL setup(void *self, vst3_setup *given) {
    OF(self, processor)->setup = *given;
    return VST3_OK;
}

static vst3_result VST3_CALL set_processing(void *self, uint8_t on) {
    (void)self, (void)on;
    return VST3_OK;
}

static improv_transport read_context(const plugin *o, const vst3_block *b) {
    const vst3_context *c = b->context;
    improv_transport t = {.bar_start = NAN, .numerator = 4, .denominator = 4};
    if (b->mode == OFFLINE || o->setup.mode == OFFLINE) t.flags |= IMPROV_OFFLINE;
    if (!c) return t;
    if (c->state & VST3_PLAYING) t.flags |= IMPROV_PLAYING;
    if (c->state & VST3_RECORDING) t.flags |= IMPROV_RECORDING;
    if (c->state & VST3_HAS_TEMPO) t.tempo = c->tempo;
    if (c->state & VST3_HAS_MUSIC)
        t.position = c->music;
    else if (c->rate > 0)
        t.position = (double)c->project_samples / c->rate * t.tempo / 60.0;
    if (c->state & VST3_HAS_METRE) t.numerator = c->numerator, t.denominator = c->denominator;
    double bar = t.denominator > 0 ? 4.0 * t.numerator / t.denominator : 0; /* some hosts say 0 for each bar */
    if (c->state & VST3_HAS_BAR && bar > 0 && c->bar <= t.position + 1e-6 && t.position < c->bar + bar + 1e-6) t.bar_start = c->bar;
    if ((c->state & (VST3_LOOPING | VST3_HAS_LOOP)) == (VST3_LOOPING | VST3_HAS_LOOP)) {
        t.flags |= IMPROV_LOOPING;
        t.loop_start = c->loop_start, t.loop_end = c->loop_end;
    }
    return t;
}

static double value_of_share(uint32_t id, double share) {
    const parameter_row *row = &PARAMETER_ROWS[id];
    return within((int)id, row->lowest + share * (row->highest - row->lowest));
}

static double share_of_value(uint32_t id, double value) {
    const parameter_row *row = &PARAMETER_ROWS[id];
    return (within((int)id, value) - row->lowest) / (row->highest - row->lowest);
}

static void hear_pedal(plugin *o, int32_t offset, double share) {
    uint8_t bytes[3] = {0xB0, 64, (uint8_t)(share * 127.0 + 0.5)};
    o->pedal = share;
    improv_plugin_heard(o->p, offset, bytes, 3);
}

static void hear_changes(plugin *o, const vst3_changes **changes) {
    for (int32_t i = 0, count = (*changes)->count(changes); i < count; i++) {
        const vst3_points **points = (*changes)->get(changes, i);
        if (!points) continue;
        uint32_t id = (*points)->parameter(points);
        for (int32_t k = 0, most = (*points)->count(points); k < most; k++) {
            int32_t offset;
            double share;
            if ((*points)->get(points, k, &offset, &share) != VST3_OK) continue;
            if (id < PARAMETER_COUNT)
                improv_plugin_set(o->p, offset, (int)id, value_of_share(id, share));
            else if (id == PEDAL_ID)
                hear_pedal(o, offset, share);
        }
    }
}

static uint8_t midi(double value) { return (uint8_t)(value < 0 ? 0 : value > 127 ? 127 : value + 0.5); }

static void hear_events(plugin *o, const vst3_events **events) {
    for (int32_t i = 0, count = (*events)->count(events); i < count; i++) {
        vst3_event e;
        if ((*events)->get(events, i, &e) != VST3_OK || e.type > 1) continue;
        int channel = e.type ? e.is.off.channel : e.is.on.channel, pitch = e.type ? e.is.off.pitch : e.is.on.pitch;
        if (pitch < 0 || pitch > 127) continue;
        uint8_t bytes[3] = {(uint8_t)((e.type ? 0x80 : 0x90) | (channel & 15)), (uint8_t)pitch, 64};
        if (!e.type && !(bytes[2] = midi(e.is.on.velocity * 127.0))) bytes[2] = 1;
        improv_plugin_heard(o->p, e.offset, bytes, 3);
    }
}

static void give_events(plugin *o, const vst3_events **events, int count) {
    for (int i = 0; i < count; i++) {
        const improv_note *n = &o->out[i];
        vst3_event e = {.offset = n->offset};
        int16_t channel = n->bytes[0] & 15;
        switch (n->bytes[0] & 0xF0) {
        case 0x90:
            e.is.on.channel = channel, e.is.on.pitch = n->bytes[1], e.is.on.velocity = n->bytes[2] / 127.0f, e.is.on.id = -1;
            break;
        case 0x80:
            e.type = 1;
            e.is.off.channel = channel, e.is.off.pitch = n->bytes[1], e.is.off.velocity = n->bytes[2] / 127.0f, e.is.off.id = -1;
            break;
        case 0xB0:
            e.type = 65535;
            e.is.control.control = n->bytes[1], e.is.control.channel = (int8_t)channel, e.is.control.value = (int8_t)n->bytes[2];
            break;
        default:
            continue;
        }
        (*events)->put(events, &e);
    }
}

/* The engine changed parameters. The host takes them from the audio thread, as it takes what else comes out, and shows them on its knobs;
   automation that it plays goes on to overrule them. (`performEdit` would record them, but is for the thread of windows, which a
   plugin without a window never has.) */
static void give_changes(plugin *o, const vst3_changes **changes) {
    int moved[PARAMETER_COUNT], count = improv_plugin_moved(o->p, moved, PARAMETER_COUNT);
    for (int i = 0; i < count; i++) {
        uint32_t id = (uint32_t)moved[i];
        int32_t index;
        const vst3_points **points = (*changes)->put(changes, &id, &index);
        if (points) (*points)->put(points, 0, share_of_value(id, improv_plugin_get(o->p, moved[i])), &index);
    }
}

static vst3_result VST3_CALL run(void *self, vst3_block *b) {
    plugin *o = OF(self, processor);
    for (int32_t i = 0; i < b->outputs && b->samples > 0; i++) {
        for (int32_t c = 0; c < b->output[i].channels; c++)
            if (b->output[i].buffers && b->output[i].buffers[c])
                memset(b->output[i].buffers[c], 0, (size_t)b->samples * (b->sample_size == 1 ? 8 : 4));
        b->output[i].silent = b->output[i].channels >= 64 ? ~0ULL : (1ULL << b->output[i].channels) - 1;
    }
    if (b->changes_in) hear_changes(o, b->changes_in);
    if (b->events_in) hear_events(o, b->events_in);
    improv_transport t = read_context(o, b);
    int count = improv_plugin_run(o->p, &t, b->samples, o->out, MOST_OUT);
    if (b->events_out) give_events(o, b->events_out, count);
    if (b->changes_out) give_changes(o, b->changes_out);
    return VST3_OK;
}

static const vst3_processor PROCESSOR_TABLE = {UNKNOWN_TABLE(processor), set_arrangements, arrangement, can_sample_size, none, setup,
                                               set_processing, run, none};

/* Controller */

static vst3_result VST3_CALL set_component_state(void *self, const vst3_stream **stream) {
    (void)self, (void)stream;
    return VST3_OK; /* it is one object, so it knows already */
}

static vst3_result VST3_CALL nothing_to_keep(void *self, const vst3_stream **stream) {
    (void)self, (void)stream;
    return VST3_OK;
}

static int32_t VST3_CALL count(void *self) {
    (void)self;
    return PARAMETER_COUNT + 1;
}

static vst3_result VST3_CALL parameter(void *self, int32_t index, vst3_parameter *info) {
    (void)self;
    if (index < 0 || index > PARAMETER_COUNT) return VST3_BAD_ARGUMENT;
    memset(info, 0, sizeof *info);
    if (index == PARAMETER_COUNT) {
        info->id = PEDAL_ID, info->flags = VST3_HIDDEN;
        text_in(info->title, "Sustain pedal");
        return VST3_OK;
    }
    const parameter_row *row = &PARAMETER_ROWS[index];
    info->id = (uint32_t)index;
    text_in(info->title, row->label);
    text_in(info->short_title, row->label);
    text_in(info->unit, row->unit);
    info->steps = row->whole ? (int32_t)(row->highest - row->lowest) : 0;
    info->standard = share_of_value(info->id, row->standard);
    info->flags = VST3_AUTOMATABLE | (row->words[0] ? VST3_LIST : 0) | (index == BYPASS ? VST3_BYPASS : 0);
    return VST3_OK;
}

static vst3_result VST3_CALL text_of(void *self, uint32_t id, double share, uint16_t *text) {
    (void)self;
    char word[64];
    if (id == PEDAL_ID)
        write_number(share, word, sizeof word);
    else if (id >= PARAMETER_COUNT || word_of((int)id, value_of_share(id, share), word, sizeof word) < 0)
        return VST3_BAD_ARGUMENT;
    text_in(text, word);
    return VST3_OK;
}

static vst3_result VST3_CALL share_of_text(void *self, uint32_t id, uint16_t *text, double *share) {
    (void)self;
    char word[64];
    int length = 0;
    for (; text[length] && length < 63; length++) word[length] = text[length] < 128 ? (char)text[length] : '?';
    double value;
    if (id >= PARAMETER_COUNT || !value_of((int)id, word, length, &value)) return VST3_NO;
    *share = share_of_value(id, value);
    return VST3_OK;
}

static double VST3_CALL value_of_id(void *self, uint32_t id, double share) {
    (void)self;
    return id < PARAMETER_COUNT ? value_of_share(id, share) : share;
}

static double VST3_CALL share_of_id(void *self, uint32_t id, double value) {
    (void)self;
    return id < PARAMETER_COUNT ? share_of_value(id, value) : value;
}

static double VST3_CALL get(void *self, uint32_t id) {
    plugin *o = OF(self, controller);
    return id < PARAMETER_COUNT ? share_of_value(id, improv_plugin_get(o->p, (int)id)) : id == PEDAL_ID ? o->pedal : 0.0;
}

static vst3_result VST3_CALL set(void *self, uint32_t id, double share) {
    plugin *o = OF(self, controller);
    if (id == PEDAL_ID) return VST3_OK;
    if (id >= PARAMETER_COUNT) return VST3_BAD_ARGUMENT;
    improv_plugin_want(o->p, (int)id, value_of_share(id, share));
    return VST3_OK;
}

static vst3_result VST3_CALL set_handler(void *self, void *handler) {
    (void)self, (void)handler;
    return VST3_OK;
}

static void *VST3_CALL view(void *self, const char *name) {
    (void)self, (void)name;
    return NULL; /* the host shows its own */
}

static const vst3_controller CONTROLLER_TABLE = {UNKNOWN_TABLE(controller), initialize, terminate_controller, set_component_state,
                                                 nothing_to_keep, nothing_to_keep, count, parameter, text_of, share_of_text, value_of_id,
                                                 share_of_id, get, set, set_handler, view};

static vst3_result VST3_CALL parameter_of(void *self, int32_t bus_index, int16_t channel, int16_t control, uint32_t *id) {
    (void)self, (void)channel;
    if (bus_index != 0 || control != 64) return VST3_NO;
    *id = PEDAL_ID;
    return VST3_OK;
}

static const vst3_midi_mapping MAPPING_TABLE = {UNKNOWN_TABLE(mapping), parameter_of};

static uint32_t VST3_CALL needs(void *self) {
    (void)self;
    return VST3_NEEDS_MUSIC | VST3_NEEDS_BAR | VST3_NEEDS_LOOP | VST3_NEEDS_TEMPO | VST3_NEEDS_METRE | VST3_NEEDS_STATE;
}

static const vst3_context_needs NEEDS_TABLE = {UNKNOWN_TABLE(needs), needs};

/* Factory */

static vst3_result VST3_CALL factory_query(void *self, const vst3_id id, void **found) {
    *found = same(id, UNKNOWN) || same(id, FACTORY) || same(id, FACTORY2) ? self : NULL;
    return *found ? VST3_OK : VST3_NO_INTERFACE;
}

static uint32_t VST3_CALL factory_count(void *self) { /* there is one, which stays */
    (void)self;
    return 1;
}

static vst3_result VST3_CALL factory_info(void *self, vst3_factory_info *info) {
    (void)self;
    memset(info, 0, sizeof *info);
    strcpy(info->vendor, "improv");
    info->flags = 16;
    return VST3_OK;
}

static int32_t VST3_CALL class_count(void *self) {
    (void)self;
    return 1;
}

static vst3_result VST3_CALL class_2(void *self, int32_t index, vst3_class *info) {
    (void)self;
    if (index != 0) return VST3_BAD_ARGUMENT;
    memset(info, 0, sizeof *info);
    memcpy(info->id, OURS, sizeof OURS);
    info->many = 0x7FFFFFFF;
    strcpy(info->category, "Audio Module Class");
    strcpy(info->name, "improv");
    strcpy(info->kinds, "Instrument|Tools");
    strcpy(info->vendor, "improv");
    strncpy(info->version, improv_version(), sizeof info->version - 1);
    strcpy(info->sdk, "VST 3.7.9");
    return VST3_OK;
}

static vst3_result VST3_CALL class_1(void *self, int32_t index, void *info) {
    vst3_class all;
    vst3_result done = class_2(self, index, &all);
    if (done == VST3_OK) memcpy(info, &all, VST3_CLASS_1);
    return done;
}

static vst3_result VST3_CALL create(void *self, const vst3_id of, const vst3_id as, void **made) {
    (void)self;
    *made = NULL;
    if (!same(of, OURS)) return VST3_BAD_ARGUMENT;
    plugin *o = calloc(1, sizeof *o);
    if (!o || !(o->p = improv_plugin_new())) {
        free(o);
        return VST3_FAILED;
    }
    o->component = &COMPONENT_TABLE, o->processor = &PROCESSOR_TABLE, o->controller = &CONTROLLER_TABLE, o->mapping = &MAPPING_TABLE;
    o->needs = &NEEDS_TABLE;
    improv_plugin_tells(o->p, IMPROV_TOLD);
    o->references = 1;
    o->setup = (vst3_setup){0, 0, 1024, 48000};
    vst3_result done = find(o, as, made);
    release(o);
    return done;
}

static const vst3_factory FACTORY_TABLE = {factory_query, factory_count, factory_count, factory_info, class_count, class_1, create, class_2};
static const vst3_factory *const THE_FACTORY = &FACTORY_TABLE;

IMPROV_API const void *VST3_CALL GetPluginFactory(void);
const void *VST3_CALL GetPluginFactory(void) { return &THE_FACTORY; }

#if defined(_WIN32)
IMPROV_API bool InitDll(void);
bool InitDll(void) { return true; }
IMPROV_API bool ExitDll(void);
bool ExitDll(void) { return true; }
#elif defined(__APPLE__)
IMPROV_API bool bundleEntry(void *bundle);
bool bundleEntry(void *bundle) { return bundle || true; }
IMPROV_API bool bundleExit(void);
bool bundleExit(void) { return true; }
#else
IMPROV_API bool ModuleEntry(void *handle);
bool ModuleEntry(void *handle) { return handle || true; }
IMPROV_API bool ModuleExit(void);
bool ModuleExit(void) { return true; }
#endif
