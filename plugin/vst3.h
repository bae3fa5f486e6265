/* VST3 as plain C: the few interfaces that an instrument with parameters needs. Our own declarations of Steinberg's published binary
 * interface (VST 3 API, MIT licence since VST 3.8): numbers, orders and sizes are facts of it, the words are ours.
 *
 * An interface is a pointer to a table of functions, whose first three are those of every interface.
 */
#ifndef IMPROV_VST3_H
#define IMPROV_VST3_H

#include <stdint.h>

#if defined(_WIN32)
#define VST3_CALL __stdcall
enum { VST3_OK = 0, VST3_NO = 1, VST3_NO_INTERFACE = (int32_t)0x80004002, VST3_BAD_ARGUMENT = (int32_t)0x80070057,
       VST3_NOT_DONE = (int32_t)0x80004001, VST3_FAILED = (int32_t)0x80004005 };
#define VST3_ID(a, b, c, d)                                                                                                           \
    {(a) & 255, (a) >> 8 & 255, (a) >> 16 & 255, (a) >> 24 & 255, (b) >> 16 & 255, (b) >> 24 & 255, (b) & 255, (b) >> 8 & 255,         \
     (c) >> 24 & 255, (c) >> 16 & 255, (c) >> 8 & 255, (c) & 255, (d) >> 24 & 255, (d) >> 16 & 255, (d) >> 8 & 255, (d) & 255}
#else
#define VST3_CALL
enum { VST3_OK = 0, VST3_NO = 1, VST3_NO_INTERFACE = -1, VST3_BAD_ARGUMENT = 2, VST3_NOT_DONE = 3, VST3_FAILED = 4 };
#define VST3_ID(a, b, c, d)                                                                                                           \
    {(a) >> 24 & 255, (a) >> 16 & 255, (a) >> 8 & 255, (a) & 255, (b) >> 24 & 255, (b) >> 16 & 255, (b) >> 8 & 255, (b) & 255,         \
     (c) >> 24 & 255, (c) >> 16 & 255, (c) >> 8 & 255, (c) & 255, (d) >> 24 & 255, (d) >> 16 & 255, (d) >> 8 & 255, (d) & 255}
#endif

typedef int32_t vst3_result;
typedef uint8_t vst3_id[16];
typedef uint16_t vst3_text[128]; /* UTF-16 */

#define VST3_FUNKNOWN VST3_ID(0x00000000u, 0x00000000u, 0xC0000000u, 0x00000046u)
#define VST3_FACTORY VST3_ID(0x7A4D811Cu, 0x52114A1Fu, 0xAED9D2EEu, 0x0B43BF9Fu)
#define VST3_FACTORY2 VST3_ID(0x0007B650u, 0xF24B4C0Bu, 0xA464EDB9u, 0xF00B2ABBu)
#define VST3_PLUGIN_BASE VST3_ID(0x22888DDBu, 0x156E45AEu, 0x8358B348u, 0x08190625u)
#define VST3_COMPONENT VST3_ID(0xE831FF31u, 0xF2D54301u, 0x928EBBEEu, 0x25697802u)
#define VST3_PROCESSOR VST3_ID(0x42043F99u, 0xB7DA453Cu, 0xA569E79Du, 0x9AAEC33Du)
#define VST3_CONTROLLER VST3_ID(0xDCD7BBE3u, 0x7742448Du, 0xA874AACCu, 0x979C759Eu)
#define VST3_MIDI_MAPPING VST3_ID(0xDF0FF9F7u, 0x49B74669u, 0xB63AB732u, 0x7ADBF5E5u)
#define VST3_CONTEXT_NEEDS VST3_ID(0x2A654303u, 0xEF764E3Du, 0x95B5FE83u, 0x730EF6D0u)

#define VST3_UNKNOWN_FUNCTIONS                                                                                                        \
    vst3_result(VST3_CALL *query)(void *self, const vst3_id id, void **found);                                                        \
    uint32_t(VST3_CALL *add)(void *self);                                                                                             \
    uint32_t(VST3_CALL *release)(void *self)

/* What the host has */

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *read)(void *self, void *bytes, int32_t count, int32_t *done);
    vst3_result(VST3_CALL *write)(void *self, void *bytes, int32_t count, int32_t *done);
    vst3_result(VST3_CALL *seek)(void *self, int64_t to, int32_t mode, int64_t *now);
    vst3_result(VST3_CALL *tell)(void *self, int64_t *now);
} vst3_stream;

typedef struct {
    int32_t bus, offset;
    double beat;
    uint16_t flags, type; /* 0 note-on, 1 note-off, 65535 controller going out */
    union {
        struct {
            int16_t channel, pitch;
            float tuning, velocity;
            int32_t length, id;
        } on;
        struct {
            int16_t channel, pitch;
            float velocity;
            int32_t id;
            float tuning;
        } off;
        struct {
            uint8_t control;
            int8_t channel, value, value2;
        } control;
        struct {
            uint64_t a;
            void *b;
            uint64_t c;
        } room;
    } is;
} vst3_event;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    int32_t(VST3_CALL *count)(void *self);
    vst3_result(VST3_CALL *get)(void *self, int32_t index, vst3_event *e);
    vst3_result(VST3_CALL *put)(void *self, vst3_event *e);
} vst3_events;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    uint32_t(VST3_CALL *parameter)(void *self);
    int32_t(VST3_CALL *count)(void *self);
    vst3_result(VST3_CALL *get)(void *self, int32_t index, int32_t *offset, double *value);
    vst3_result(VST3_CALL *put)(void *self, int32_t offset, double value, int32_t *index);
} vst3_points;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    int32_t(VST3_CALL *count)(void *self);
    const vst3_points **(VST3_CALL *get)(void *self, int32_t index);
    const vst3_points **(VST3_CALL *put)(void *self, const uint32_t *parameter, int32_t *index);
} vst3_changes;

/* What a block is */

enum { VST3_PLAYING = 1 << 1, VST3_LOOPING = 1 << 2, VST3_RECORDING = 1 << 3, VST3_HAS_MUSIC = 1 << 9, VST3_HAS_TEMPO = 1 << 10,
       VST3_HAS_BAR = 1 << 11, VST3_HAS_LOOP = 1 << 12, VST3_HAS_METRE = 1 << 13 };
enum { VST3_NEEDS_MUSIC = 1 << 2, VST3_NEEDS_BAR = 1 << 3, VST3_NEEDS_LOOP = 1 << 4, VST3_NEEDS_TEMPO = 1 << 6, VST3_NEEDS_METRE = 1 << 7,
       VST3_NEEDS_STATE = 1 << 10 };

typedef struct {
    uint32_t state;
    double rate;
    int64_t project_samples, system_time, continuous_samples;
    double music, bar, loop_start, loop_end, tempo;
    int32_t numerator, denominator;
    struct {
        uint8_t key, root;
        int16_t mask;
    } chord;
    int32_t smpte;
    struct {
        uint32_t frames, flags;
    } frame_rate;
    int32_t to_next_clock;
} vst3_context;

typedef struct {
    int32_t channels;
    uint64_t silent; /* a bit for each channel */
    void **buffers;  /* float or double */
} vst3_bus;

typedef struct {
    int32_t mode, sample_size; /* mode: 2 offline. sample_size: 0 float, 1 double */
    int32_t samples, inputs, outputs;
    vst3_bus *input, *output;
    const vst3_changes **changes_in, **changes_out;
    const vst3_events **events_in, **events_out;
    const vst3_context *context;
} vst3_block;

typedef struct {
    int32_t mode, sample_size, longest;
    double rate;
} vst3_setup;

/* What we have */

typedef struct {
    char vendor[64], url[256], email[128];
    int32_t flags; /* 16: texts are Unicode */
} vst3_factory_info;

typedef struct {
    vst3_id id;
    int32_t many;
    char category[32], name[64];
    uint32_t flags; /* from here on: of the second kind of factory */
    char kinds[128], vendor[64], version[64], sdk[64];
} vst3_class;
#define VST3_CLASS_1 (16 + 4 + 32 + 64) /* bytes of the first kind */

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *info)(void *self, vst3_factory_info *info);
    int32_t(VST3_CALL *count)(void *self);
    vst3_result(VST3_CALL *class_1)(void *self, int32_t index, void *info);
    vst3_result(VST3_CALL *create)(void *self, const vst3_id of, const vst3_id as, void **made);
    vst3_result(VST3_CALL *class_2)(void *self, int32_t index, vst3_class *info);
} vst3_factory;

typedef struct {
    int32_t media, direction, channels; /* media: 0 audio, 1 events. direction: 0 in, 1 out */
    vst3_text name;
    int32_t type; /* 0: the main one */
    uint32_t flags; /* 1: active by default */
} vst3_bus_info;

typedef struct {
    int32_t media, bus, channel;
} vst3_route;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *initialize)(void *self, void *host);
    vst3_result(VST3_CALL *terminate)(void *self);
    vst3_result(VST3_CALL *controller_class)(void *self, vst3_id id);
    vst3_result(VST3_CALL *set_io_mode)(void *self, int32_t mode);
    int32_t(VST3_CALL *bus_count)(void *self, int32_t media, int32_t direction);
    vst3_result(VST3_CALL *bus)(void *self, int32_t media, int32_t direction, int32_t index, vst3_bus_info *info);
    vst3_result(VST3_CALL *route)(void *self, vst3_route *in, vst3_route *out);
    vst3_result(VST3_CALL *activate_bus)(void *self, int32_t media, int32_t direction, int32_t index, uint8_t on);
    vst3_result(VST3_CALL *set_active)(void *self, uint8_t on);
    vst3_result(VST3_CALL *set_state)(void *self, const vst3_stream **stream);
    vst3_result(VST3_CALL *get_state)(void *self, const vst3_stream **stream);
} vst3_component;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *set_arrangements)(void *self, uint64_t *in, int32_t ins, uint64_t *out, int32_t outs);
    vst3_result(VST3_CALL *arrangement)(void *self, int32_t direction, int32_t index, uint64_t *speakers);
    vst3_result(VST3_CALL *can_sample_size)(void *self, int32_t size);
    uint32_t(VST3_CALL *latency)(void *self);
    vst3_result(VST3_CALL *setup)(void *self, vst3_setup *setup);
    vst3_result(VST3_CALL *set_processing)(void *self, uint8_t on);
    vst3_result(VST3_CALL *run)(void *self, vst3_block *block);
    uint32_t(VST3_CALL *tail)(void *self);
} vst3_processor;

enum { VST3_AUTOMATABLE = 1, VST3_READ_ONLY = 2, VST3_LIST = 8, VST3_HIDDEN = 16, VST3_BYPASS = 1 << 16 };

typedef struct {
    uint32_t id;
    vst3_text title, short_title, unit;
    int32_t steps; /* 0: continuous */
    double standard; /* 0 to 1 */
    int32_t group, flags;
} vst3_parameter;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *initialize)(void *self, void *host);
    vst3_result(VST3_CALL *terminate)(void *self);
    vst3_result(VST3_CALL *set_component_state)(void *self, const vst3_stream **stream);
    vst3_result(VST3_CALL *set_state)(void *self, const vst3_stream **stream);
    vst3_result(VST3_CALL *get_state)(void *self, const vst3_stream **stream);
    int32_t(VST3_CALL *count)(void *self);
    vst3_result(VST3_CALL *parameter)(void *self, int32_t index, vst3_parameter *info);
    vst3_result(VST3_CALL *text_of)(void *self, uint32_t id, double share, uint16_t *text);
    vst3_result(VST3_CALL *share_of_text)(void *self, uint32_t id, uint16_t *text, double *share);
    double(VST3_CALL *value_of)(void *self, uint32_t id, double share);
    double(VST3_CALL *share_of)(void *self, uint32_t id, double value);
    double(VST3_CALL *get)(void *self, uint32_t id);
    vst3_result(VST3_CALL *set)(void *self, uint32_t id, double share);
    vst3_result(VST3_CALL *set_handler)(void *self, void *handler);
    void *(VST3_CALL *view)(void *self, const char *name);
} vst3_controller;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    vst3_result(VST3_CALL *parameter_of)(void *self, int32_t bus, int16_t channel, int16_t control, uint32_t *id);
} vst3_midi_mapping;

typedef struct {
    VST3_UNKNOWN_FUNCTIONS;
    uint32_t(VST3_CALL *needs)(void *self);
} vst3_context_needs;

#ifdef __LP64__
_Static_assert(sizeof(vst3_event) == 48 && sizeof(vst3_bus) == 24 && sizeof(vst3_setup) == 24 && sizeof(vst3_parameter) == 792, "VST3");
_Static_assert(sizeof(vst3_block) == 80 && sizeof(vst3_context) == 112 && sizeof(vst3_class) == VST3_CLASS_1 + 4 + 320, "VST3");
#endif

#endif
