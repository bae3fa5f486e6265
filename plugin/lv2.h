/* LV2 as this plugin needs it: our own declarations of the published interface (lv2plug.in), so that it builds without lv2-dev. */
#ifndef IMPROV_LV2_H
#define IMPROV_LV2_H

#include <stddef.h>
#include <stdint.h>

typedef void *lv2_handle;
typedef struct {
    const char *uri;
    void *with;
} lv2_feature;

typedef struct lv2_descriptor {
    const char *uri;
    lv2_handle (*instantiate)(const struct lv2_descriptor *d, double rate, const char *bundle, const lv2_feature *const *features);
    void (*connect_port)(lv2_handle h, uint32_t port, void *at);
    void (*activate)(lv2_handle h);
    void (*run)(lv2_handle h, uint32_t frames);
    void (*deactivate)(lv2_handle h);
    void (*cleanup)(lv2_handle h);
    const void *(*extension)(const char *uri);
} lv2_descriptor_table;

typedef struct {
    void *handle;
    uint32_t (*map)(void *handle, const char *uri);
} lv2_map;

typedef struct { /* what an instance is told by the feature of LV2_OPTIONS; ends with key 0 */
    int context;
    uint32_t subject, key, size, type;
    const void *value;
} lv2_option;

/* Atoms: `size` counts what follows these 8 bytes; each begins at a multiple of 8. */
typedef struct {
    uint32_t size, type;
} lv2_atom;
typedef struct {
    lv2_atom atom;
    uint32_t unit, pad;
} lv2_sequence; /* then events */
typedef struct {
    int64_t frames;
    lv2_atom body;
} lv2_event; /* then the body's bytes */
typedef struct {
    uint32_t id, kind;
} lv2_object; /* after its atom; then properties */
typedef struct {
    uint32_t key, context;
    lv2_atom value;
} lv2_property; /* then the value's bytes */

typedef int (*lv2_store)(void *handle, uint32_t key, const void *value, size_t size, uint32_t type, uint32_t flags);
typedef const void *(*lv2_retrieve)(void *handle, uint32_t key, size_t *size, uint32_t *type, uint32_t *flags);
typedef struct {
    int (*save)(lv2_handle h, lv2_store store, void *handle, uint32_t flags, const lv2_feature *const *features);
    int (*restore)(lv2_handle h, lv2_retrieve retrieve, void *handle, uint32_t flags, const lv2_feature *const *features);
} lv2_state_table;

typedef struct { /* the feature of LV2_CHANGE_REQUEST: a host that moves an input's knob where the plugin asks for it, also in `run` */
    void *handle;
    int (*change)(void *handle, uint32_t port, float value); /* 0: done */
} lv2_change_request;

#define LV2_NS "http://lv2plug.in/ns/"
#define LV2_MAP LV2_NS "ext/urid#map"
#define LV2_OPTIONS LV2_NS "ext/options#options"
#define LV2_STATE LV2_NS "ext/state#interface"
#define LV2_CHANGE_REQUEST "http://kx.studio/ns/lv2ext/control-input-port-change-request"
#define LV2_TIME LV2_NS "ext/time#"
#define LV2_ATOM LV2_NS "ext/atom#"

#endif
