/* One multipart message in C memory, and the calls that move it. */
#ifndef INGESTOR_ZMQ_MESSAGE_H
#define INGESTOR_ZMQ_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

/* Most messages have few parts: those need no memory of their own. */
#define ZM_INLINE 4

typedef struct zm_message {
	zmq_msg_t *parts; /* near, or on the heap when there are more */
	int n, cap;
	size_t size;      /* bytes of all parts */
	void *first;      /* of the first part */
	size_t first_size;
	zmq_msg_t near[ZM_INLINE];
} zm_message;

zm_message *zm_new(void);
void zm_free(zm_message *m);
void zm_clear(zm_message *m);
void *zm_part(zm_message *m, int i, size_t *size);
int zm_append(zm_message *m, const char *b, size_t n);
int zm_take(zm_message *to, zm_message *from);
int zm_share(zm_message *to, zm_message *from);

struct zm_slabs;
struct zm_outlet;

/* Up to max messages (addresses of zm_message), or until enough bytes have come; never waits. The count, and
   in *err what ended it (0: nothing more there, or enough). */
int zm_receive(void *socket, const uintptr_t *into, int max, size_t enough, int *err);

/* 0, or an errno that leaves the message whole. */
int zm_send(void *socket, zm_message *m);
int zm_send_to(void *socket, struct zm_slabs *slabs, struct zm_outlet *outlet, const char *id, size_t id_n,
	const char *header, size_t header_n, zm_message *m, int keep);

/* Memory for headers, of one sending thread. See slab.c. */
struct zm_slabs *zm_slabs_new(void);
void zm_slabs_free(struct zm_slabs *s);

/* Counts the messages that an I/O thread has taken of what one peer was sent. */
struct zm_outlet *zm_outlet_new(int fd);
void zm_outlet_free(struct zm_outlet *o);
unsigned long zm_outlet_taken(struct zm_outlet *o);
void zm_outlet_want(struct zm_outlet *o);

/* Copies bytes into one part and sends it. */
int zm_send_bytes(void *socket, const char *b, size_t n, int flags);
/* Receives one part into m (appended); waits as the socket's time-out says. */
int zm_receive_part(void *socket, zm_message *m, int *more);

int zm_events(void *socket, int *events);

#endif
