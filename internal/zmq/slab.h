#ifndef INGESTOR_ZMQ_SLAB_H
#define INGESTOR_ZMQ_SLAB_H

#include <stddef.h>
#include <zmq.h>

struct zm_slabs;
struct zm_outlet;

/* A message with a copy of n bytes, which o (or NULL) counts when it is taken; 0 or an
   errno. */
int zm_slabs_message(struct zm_slabs *s, zmq_msg_t *m, const void *b, size_t n, struct zm_outlet *o);

#endif
